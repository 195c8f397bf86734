import type { BoltPosition } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { errorTypes, type GatewayErrorType } from '../../src/contract/index.ts';
import type { AttemptRecord } from '../../src/model/records.ts';
import type { HistoryTrace } from './history-run.ts';

/** The limits of the driver under test and of recovery, in milliseconds. */
export interface Limits {
  readonly sendByMs: number;
  readonly deadlineMs: number;
}

/** Recovery reads back for 15 s after a start; P5 allows a second more. */
const recoveryMs = 15_000;
const graceMs = 1_000;

const isNotSent = (attempt: AttemptRecord): boolean =>
  attempt.settlement?.status === 'error' &&
  errorTypes[attempt.settlement.error.type as GatewayErrorType].delivery === 'not_sent';

/** Every broken promise of a history, by what the simulated bolt saw; empty when all were kept. */
export function brokenPromises(trace: HistoryTrace, limits: Limits): string[] {
  return [
    ...durable(trace),
    ...nowOrNeverAndOnce(trace, limits),
    ...truth(trace),
    ...ends(trace, limits),
    ...onceFinal(trace),
  ];
}

function durable({ answered, attempts }: HistoryTrace): string[] {
  const ids = new Set(attempts.map((attempt) => attempt.actionAttemptId));
  return answered.filter(({ id }) => !ids.has(id)).map(({ id }) => `P1 ${id} was answered and is not in the store`);
}

/**
 * How long a command may be on its way in these histories, in milliseconds: two hops of at most 301, or a network that
 * held it back for 900 without the link noticing yet.
 */
const longestTransitMs = 1_600;

/**
 * Commands carry no attempt's id, so each that left must find an attempt that may have sent it: of its kind, accepted
 * before it left, its send_by not passed, and not already spent on another. And each that arrived must have left
 * shortly before, once: nothing below may keep one and send it later or again.
 */
function nowOrNeverAndOnce({ attempts, left, lock, wallOffset }: HistoryTrace, limits: Limits): string[] {
  const owners = attempts
    .map((attempt) => ({
      attempt,
      from: attempt.acceptedAt - wallOffset,
      // A LOCK may be sent a second time; what ended as not sent was never sent.
      may: isNotSent(attempt) ? 0 : attempt.actionType === 'LOCK_DOOR' ? 2 : 1,
    }))
    .sort((a, b) => a.from - b.from);
  const broken: string[] = [];
  for (const { at, action } of left) {
    const owner = owners.find(
      ({ attempt, from, may }) => may > 0 && attempt.actionType === action && from <= at && at < from + limits.sendByMs,
    );
    if (owner) owner.may -= 1;
    else broken.push(`P2/P3 a ${action} left at ${at} that no attempt may have sent`);
  }
  const onTheWay = [...left];
  for (const { sentAt, command } of lock.doorCommands) {
    const index = onTheWay.findIndex(
      ({ at, action }) => action === `${command}_DOOR` && at <= sentAt && sentAt - at <= longestTransitMs,
    );
    if (index >= 0) onTheWay.splice(index, 1);
    else broken.push(`P2/P3 a ${command} arrived at ${sentAt} that had not just left, or for the second time`);
  }
  return broken;
}

function truth(trace: HistoryTrace): string[] {
  return trace.attempts.flatMap((attempt) => {
    const { settlement } = attempt;
    const told = (what: string) => [`P4 ${attempt.actionAttemptId} (${attempt.actionType}) ${what}`];
    if (!settlement) return [];
    const asked: BoltPosition = attempt.actionType === 'LOCK_DOOR' ? 'locked' : 'unlocked';
    const during = positionsDuring(trace, attempt);
    if (settlement.status === 'success') {
      if (settlement.result.was_confirmed_by_device !== true) return [];
      return during.has(asked) ? [] : told(`says it was confirmed, but the bolt was never ${asked}`);
    }
    if (settlement.error.type === 'lock_jammed' && !during.has('not_fully_locked'))
      return told('says jammed; it was not');
    if (settlement.error.type === 'state_not_reached') {
      const opposite = asked === 'locked' ? 'unlocked' : 'locked';
      return during.has(opposite) ? [] : told(`says the old state was read, but the bolt was never ${opposite}`);
    }
    return [];
  });
}

/** Where the bolt was at any time from the attempt's acceptance to its end. */
function positionsDuring({ lock, wallOffset }: HistoryTrace, attempt: AttemptRecord): Set<BoltPosition> {
  const from = attempt.acceptedAt - wallOffset;
  const until = (attempt.settledAt ?? Number.POSITIVE_INFINITY) - wallOffset;
  const before = lock.movements.filter(({ at }) => at <= from).at(-1)?.to ?? lock.movements[0]?.from ?? lock.bolt;
  const within = lock.movements.filter(({ at }) => at > from && at <= until).map(({ to }) => to);
  return new Set([before, ...within]);
}

function ends({ attempts, answered, starts, wallOffset }: HistoryTrace, limits: Limits): string[] {
  const answeredAt = new Map(answered.map((each) => [each.id, each.answeredAt]));
  return attempts.flatMap((attempt) => {
    if (!attempt.settlement || attempt.settledAt === undefined) return [`P5 ${attempt.actionAttemptId} never ended`];
    const acceptedAt = attempt.acceptedAt - wallOffset;
    const settledAt = attempt.settledAt - wallOffset;
    // `settledAt` is when the outcome was decided: a slow disk may write it down later, and nobody is told before.
    // One whose acceptance itself took that long ends as soon as it is accepted.
    const deadline = Math.max(acceptedAt + limits.deadlineMs, answeredAt.get(attempt.actionAttemptId) ?? 0);
    const afterRestart = starts
      // Wall times are rounded to a fraction of a millisecond.
      .filter((start) => start > acceptedAt && start <= settledAt + 1)
      .map((at) => at + recoveryMs);
    const latest = Math.max(deadline, ...afterRestart) + graceMs;
    return settledAt <= latest ? [] : [`P5 ${attempt.actionAttemptId} ended at ${settledAt}, later than ${latest}`];
  });
}

function onceFinal({ shown, shownTooEarly, attempts }: HistoryTrace): string[] {
  const final = new Map(attempts.map((attempt) => [attempt.actionAttemptId, attempt.settlement?.status]));
  return [
    ...shownTooEarly.map((id) => `P6 ${id} was shown as final before it was on disk`),
    ...[...shown].flatMap(([id, statuses]) => {
      const ended = statuses.filter((status) => status !== 'pending');
      const inOrder = ended.length <= 1 && statuses.indexOf('pending') <= 0;
      const same = ended.length === 0 || ended[0] === final.get(id);
      return inOrder && same ? [] : [`P6 ${id} was shown as ${statuses.join(', ')}; on disk: ${final.get(id)}`];
    }),
  ];
}
