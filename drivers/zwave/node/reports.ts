import { Decibels, type DeviceReport, type LockMethod, Ratio, type ZwaveReport } from '../../../src/contract/index.ts';
import { stateOf } from './lock-command.ts';

type Operated = Extract<ZwaveReport, { report: 'operated' }>;

const methods: Readonly<Record<Operated['by'], LockMethod>> = {
  manual: 'manual',
  keypad: 'keycode',
  radio: 'remote',
  automatic: 'automatic',
};

const slotOf = ({ slot }: { readonly slot?: number }) => (slot === undefined ? {} : { slot });

/**
 * What a node's report says of the device.
 * @param slots those that the gateway writes
 */
export function deviceReports(report: ZwaveReport, slots: readonly number[]): readonly DeviceReport[] {
  switch (report.report) {
    case 'bolt':
      return [{ kind: 'lock_state', state: stateOf(report.bolt) }];
    case 'operated':
      return [
        { kind: 'lock_operated', operation: report.operation, method: methods[report.by], ...slotOf(report) },
        { kind: 'lock_state', state: report.operation },
      ];
    case 'jammed':
      return [
        { kind: 'lock_operated', operation: 'jammed', method: 'unknown' },
        { kind: 'lock_state', state: 'jammed' },
      ];
    case 'access_denied':
      return [{ kind: 'lock_operated', operation: 'access_denied', method: 'keycode', ...slotOf(report) }];
    case 'door':
      return [{ kind: 'door', contact: report.contact }];
    case 'code_changed':
      return report.slot === undefined ? [] : [{ kind: 'code_slot', slot: report.slot, occupied: report.occupied }];
    case 'all_codes_deleted':
      return slots.map((slot) => ({ kind: 'code_slot', slot, occupied: false }));
    case 'duplicate_code':
      return [];
    case 'battery': {
      // 0xff, "low", comes as 0 % with the flag.
      const level = Ratio.safeParse(report.percent / 100);
      return [{ kind: 'battery', level: level.success && !report.low ? level.data : undefined, low: report.low }];
    }
    case 'loudness': {
      const level = Decibels.safeParse(report.level);
      return level.success ? [{ kind: 'noise', level: level.data, metric: report.scale }] : [];
    }
    case 'tamper':
      return [{ kind: 'tamper' }];
  }
}
