import type { Logger } from 'pino';
import { type Clock, GatewayError, type Timer } from '../contract/index.ts';
import { attemptAudit } from '../model/audit.ts';
import type { EventRecorder } from '../model/event-recorder.ts';
import type { EventDraft } from '../model/event-types.ts';
import { PassingMap } from '../model/passing-map.ts';
import type { Settlement } from '../model/records.ts';
import type { Change, Store } from '../model/store.ts';
import type { Attempt, AttemptFacts } from './attempt.ts';
import type { AttemptEvent } from './attempt-changes.ts';
import type { AttemptRegistry } from './attempt-registry.ts';
import type { DeadlineWheel } from './deadline-wheel.ts';
import { advice, notDone, type Outcome, settlementOf } from './outcome.ts';

/** How soon a settlement that found no room on disk is tried again, in milliseconds. */
const settleAgainMs = 250;

export interface SettlerOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly book: AttemptRegistry;
  readonly wheel: DeadlineWheel;
}

/** Sees to it that every attempt ends by its deadline, is written down, and only then told. */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #timers = new PassingMap<Attempt, readonly Timer[]>();

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Keeps the attempt's two times. `onEnd` is called when they, not the device, ended it. */
  watch(attempt: Attempt, onEnd: () => void): void {
    const { wheel } = this.#options;
    const sendBy = wheel.at(attempt.facts.sendBy, () => {
      if (attempt.hasDriver && attempt.nothingActed && attempt.facts.deadline > attempt.facts.sendBy) {
        // Its driver knows better than the clock why nothing was sent, and is asked to say so.
        attempt.abort(tooLate(attempt));
        return;
      }
      if (this.tell(attempt, { type: 'SEND_BY_PASSED' }, 'the time to send has passed')) onEnd();
    });
    const deadline = wheel.at(attempt.facts.deadline, () => {
      if (this.tell(attempt, { type: 'DEADLINE_PASSED' }, 'the time to tell the outcome has come')) onEnd();
    });
    this.#timers.set(attempt, [sendBy, deadline]);
  }

  conclude(attempt: Attempt, outcome: Outcome, reason: string): void {
    this.tell(attempt, { type: 'DONE', outcome }, reason);
  }

  /**
   * Tells the attempt what may decide its outcome. Once that is decided its driver is stopped and the outcome written
   * down.
   * @returns whether this event decided it
   */
  tell(attempt: Attempt, event: AttemptEvent, reason: string): boolean {
    if (!attempt.send(event, reason)) return false;
    for (const timer of this.#timers.get(attempt) ?? []) timer.cancel();
    this.#timers.delete(attempt);
    if (attempt.hasDriver) {
      attempt.abort(new GatewayError('expired', `The attempt for ${attempt.facts.deviceName} has ended.`));
    }
    this.#settle(attempt);
    return true;
  }

  /** Writes it down, however long that takes: until then everybody sees `pending`. */
  #settle(attempt: Attempt): void {
    const { clock, store, book, log, events } = this.#options;
    const { outcome } = attempt;
    if (outcome === undefined) return;
    const settlement = settlementOf(attempt.told(outcome));
    const settledAt = clock.wallTime();
    const history = attempt.finalHistory(outcome.status === 'success' ? 'done' : outcome.type, settledAt);
    const change: Change = { kind: 'attempt_settled', actionAttemptId: attempt.id, settlement, settledAt, history };
    const ended = attemptEnded(attempt.facts, settlement, settledAt);
    const audit = attemptAudit(attempt.facts, settlement, settledAt);
    const changes = [change, audit, ...attempt.alsoSettle(settlement), ...(ended ? [events.record(ended)] : [])];
    const write = () => {
      store.commit(changes).then(
        () => {
          attempt.recorded({ settlement, at: settledAt });
          book.ended(attempt);
        },
        (error: unknown) => {
          log.error({ err: error, actionAttemptId: attempt.id }, 'a settlement could not be written; trying again');
          clock.setTimer(write, settleAgainMs);
        },
      );
    };
    write();
  }
}

const tooLate = ({ facts: { deviceName, actionType } }: Attempt): GatewayError =>
  new GatewayError(
    'expired',
    `${notDone(deviceName, actionType)}: it did not get so far in time, and nothing was sent.` +
      advice(actionType, 'Try again; if it keeps happening, look at the device’s health and its link.'),
  );

/** The event of an attempt's end, which is committed with it. Seam has them for doors alone. */
function attemptEnded(
  { actionAttemptId, actionType, deviceId }: AttemptFacts,
  settlement: Settlement,
  occurredAt: number,
): EventDraft | undefined {
  if (actionType !== 'LOCK_DOOR' && actionType !== 'UNLOCK_DOOR') return undefined;
  const action = actionType === 'LOCK_DOOR' ? 'lock_door' : 'unlock_door';
  return {
    eventType: `action_attempt.${action}.${settlement.status === 'success' ? 'succeeded' : 'failed'}`,
    deviceId,
    actionAttemptId,
    occurredAt,
    details: {
      action_type: actionType,
      status: settlement.status,
      ...(settlement.status === 'error' && { error: settlement.error }),
    },
  };
}
