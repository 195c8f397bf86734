import type { Clock, TimeLimits } from '../contract/index.ts';
import { GatewayError, sleep } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { AttemptRecord } from '../model/records.ts';
import type { StoreReader } from '../model/store.ts';
import { readBackAutoLock } from './auto-lock.ts';
import type { Command, Dispatcher } from './dispatcher.ts';
import { readBackDoor } from './doors.ts';

/** Everything found at start has ended by then, in milliseconds. */
const recoveryLimits: TimeLimits = { sendByMs: 0, deadlineMs: 15_000 };

/** How long a device may take to answer the read once its link is up, in milliseconds. */
const readLimitMs = 5_000;

/** How attempts on codes and thresholds are taken up: supplied by those who know what they left on the device. */
export type SubjectRecovery = (
  left: AttemptRecord,
) => Pick<Command, 'alsoSettle' | 'inWords'> & { readonly work?: Command['work'] };

export interface RecoveryOptions {
  readonly clock: Clock;
  readonly store: StoreReader;
  readonly registry: DeviceRegistry;
  readonly dispatcher: Dispatcher;
  readonly ofSubject: SubjectRecovery;
}

/**
 * Ends what an earlier run left pending. Nothing of it is ever dispatched: without an intent nothing had left; with
 * one the device is asked, and when it cannot answer, nobody knows.
 */
export function recover({ clock, store, registry, dispatcher, ofSubject }: RecoveryOptions): void {
  for (const left of store.pendingAttempts()) {
    const { subject: about } = left;
    const subject = about && about.kind !== 'auto_lock' ? ofSubject(left) : {};
    if (!left.intent) {
      dispatcher.settleLeftover(left, 'gateway_restarted', subject);
      continue;
    }
    const work = about && about.kind !== 'auto_lock' ? subject.work : ownWork(left, registry, clock);
    if (!work || !registry.get(left.deviceId)) {
      dispatcher.settleLeftover(left, 'outcome_unknown', subject);
      continue;
    }
    dispatcher.readBack(left, {
      actionType: left.actionType,
      deviceId: left.deviceId,
      laneClass: 'door',
      limits: recoveryLimits,
      work,
      ...(subject.alsoSettle && { alsoSettle: subject.alsoSettle }),
      ...(subject.inWords && { inWords: subject.inWords }),
    });
  }
}

function ownWork(left: AttemptRecord, registry: DeviceRegistry, clock: Clock): Command['work'] | undefined {
  const { actionType, subject } = left;
  const name = registry.get(left.deviceId)?.name ?? left.deviceId;
  if (subject?.kind === 'auto_lock')
    return (device, ctx) =>
      withinReadLimit(clock, ctx.signal, (signal) => readBackAutoLock(device, name, subject, { ...ctx, signal }));
  if (actionType !== 'LOCK_DOOR' && actionType !== 'UNLOCK_DOOR') return undefined;
  return (device, ctx) =>
    withinReadLimit(clock, ctx.signal, (signal) => readBackDoor(device, name, actionType, { ...ctx, signal }));
}

/** Gives a read its own limit: a lock that does not answer is asked again while there is time. */
export async function withinReadLimit<T>(
  clock: Clock,
  outer: AbortSignal,
  read: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const give = () => limit.abort(outer.reason);
  outer.addEventListener('abort', give, { once: true });
  const slept = sleep(clock, readLimitMs, limit.signal).then(
    () => limit.abort(new GatewayError('device_offline', 'The device did not answer the read.')),
    () => {},
  );
  try {
    return await read(limit.signal);
  } finally {
    outer.removeEventListener('abort', give);
    limit.abort();
    await slept;
  }
}
