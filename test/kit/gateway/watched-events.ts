import type { DeviceReport, Health } from '../../../src/contract/index.ts';
import { type ScriptedOptions, scriptedCore } from './core-fixture.ts';

/** What the log holds beyond how the run began, in short: type, then what tells it apart. */
export async function watched(options: ScriptedOptions = {}) {
  const fixture = await scriptedCore(options);
  const { core, clock, lock } = fixture;
  await clock.settle();
  let from = core.events.highestSeq;
  const events = () => core.events.after(from, 100);
  const told = () =>
    events().map(({ eventType, details, accessCodeId, actionAttemptId }) =>
      [eventType, details.method, details.slot, accessCodeId && 'code', actionAttemptId && 'attempt']
        .filter((part) => part !== undefined)
        .join(' '),
    );
  const forget = () => {
    from = core.events.highestSeq;
  };
  const report = async (...reports: DeviceReport[]) => {
    for (const one of reports) lock.report(one);
    await clock.settle();
  };
  return { ...fixture, events, told, forget, report };
}

export const bolt = (state: 'locked' | 'unlocked' | 'jammed' | 'unknown' | 'unlocking'): DeviceReport => ({
  kind: 'lock_state',
  state,
});
export const operated = (
  operation: 'locked' | 'unlocked' | 'jammed' | 'access_denied',
  method: 'keycode' | 'manual' | 'automatic' | 'remote' | 'card' | 'unknown',
  slot?: number,
): DeviceReport => ({ kind: 'lock_operated', operation, method, ...(slot !== undefined && { slot }) });
export const door = (contact: 'open' | 'closed' | 'unknown'): DeviceReport => ({ kind: 'door', contact });
export const health = (state: Health): DeviceReport => ({ kind: 'health', health: state });
export const gone = health({ status: 'offline', reason: 'not_answering', hint: 'Look at it.' });
export const back = health({ status: 'online' });
