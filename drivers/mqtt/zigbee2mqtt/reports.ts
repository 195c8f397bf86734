import { isDeepStrictEqual } from 'node:util';
import { type DenialReason, type DeviceReport, Ratio } from '../../../src/contract/index.ts';
import type { StateMessage } from './codec.ts';
import type { HeardMessage } from './device-feed.ts';

/** Below this share a battery counts as low where the lock does not say so itself. A guess. */
const lowBattery = 0.15;

/** Operation events that say why nobody was let in (ZCL Door Lock cluster, operation event codes). */
const denials: ReadonlyMap<string, DenialReason> = new Map<string, DenialReason>([
  ['lock_failure_invalid_pin_or_id', 'unknown_code'],
  ['unlock_failure_invalid_pin_or_id', 'unknown_code'],
  ['lock_failure_invalid_schedule', 'expired_code'],
  ['unlock_failure_invalid_schedule', 'expired_code'],
]);

/** What one message tells of a lock, whether it is new or not. */
export function lockReports({ message, retained }: HeardMessage): DeviceReport[] {
  const reports: DeviceReport[] = [];
  const { bolt, event } = message;
  if (bolt !== undefined) reports.push({ kind: 'lock_state', state: bolt === 'not_fully_locked' ? 'jammed' : bolt });
  const battery = batteryReport(message);
  if (battery !== undefined) reports.push(battery);
  if (event === undefined || retained) return reports;
  if (event.kind === 'operated') {
    const { operation, method, slot, action } = event;
    const denial = denials.get(action);
    reports.push({
      kind: 'lock_operated',
      operation,
      method,
      ...(slot === undefined ? {} : { slot }),
      ...(denial && { denial }),
    });
  } else if (event.slot !== undefined && !event.remote)
    reports.push({ kind: 'code_slot', slot: event.slot, occupied: event.occupied });
  return reports;
}

export function batteryReport({ battery, batteryLow }: StateMessage): DeviceReport | undefined {
  if (battery === undefined && batteryLow === undefined) return undefined;
  const level = battery === undefined ? undefined : Ratio.parse(battery / 100);
  return { kind: 'battery', level, low: batteryLow ?? (level !== undefined && level < lowBattery) };
}

/** States ride in every message: only what differs from the last report is passed on. Events always are. */
export function onlyNews(report: (report: DeviceReport) => void): (report: DeviceReport) => void {
  const last = new Map<DeviceReport['kind'], DeviceReport>();
  return (next) => {
    const state = next.kind === 'lock_state' || next.kind === 'battery' || next.kind === 'health';
    if (state && isDeepStrictEqual(last.get(next.kind), next)) return;
    if (state) last.set(next.kind, next);
    report(next);
  };
}
