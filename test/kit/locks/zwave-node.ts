import type { DeviceReport } from '../../../src/contract/index.ts';

export * from '../../../src/driver-testing/memory-zwave-node.ts';

/** The last report of a kind. */
export const lastOf = <K extends DeviceReport['kind']>(reports: readonly DeviceReport[], kind: K) =>
  reports.findLast((report): report is Extract<DeviceReport, { kind: K }> => report.kind === kind);
