import type { Logger } from 'pino';
import { type Clock, GatewayError, type Timer } from '../contract/index.ts';
import type { EventRecorder } from '../model/event-recorder.ts';
import type { Change, Store } from '../model/store.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptBook } from './attempt-book.ts';
import { attemptEnded } from './attempt-ended.ts';
import type { DeadlineWheel } from './deadline-wheel.ts';
import { type Outcome, settlementOf } from './outcome.ts';

/** How soon a settlement that found no room on disk is tried again, in milliseconds. */
const settleAgainMs = 250;

export interface SettlerOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly book: AttemptBook;
  readonly wheel: DeadlineWheel;
}

/** Sees to it that every attempt ends by its deadline, is written down, and only then told. */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #timers = new Map<Attempt, readonly Timer[]>();

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Keeps the attempt's two times. `onEnd` is called when they, not the device, ended it. */
  watch(attempt: Attempt, onEnd: () => void): void {
    const { wheel } = this.#options;
    const sendBy = wheel.at(attempt.facts.sendBy, () => {
      attempt.send({ type: 'SEND_BY_PASSED' }, 'the time to send has passed');
      if (this.end(attempt)) onEnd();
    });
    const deadline = wheel.at(attempt.facts.deadline, () => {
      attempt.send({ type: 'DEADLINE_PASSED' }, 'the time to tell the outcome has come');
      if (this.end(attempt)) onEnd();
    });
    this.#timers.set(attempt, [sendBy, deadline]);
  }

  conclude(attempt: Attempt, outcome: Outcome, reason: string): void {
    attempt.send({ type: 'DONE', outcome }, reason);
    this.end(attempt);
  }

  /** Ends an attempt whose outcome is decided: stops its driver and writes the outcome down. True the first time. */
  end(attempt: Attempt): boolean {
    const { outcome } = attempt;
    if (!outcome || attempt.ending) return false;
    attempt.ending = true;
    for (const timer of this.#timers.get(attempt) ?? []) timer.cancel();
    this.#timers.delete(attempt);
    if (attempt.driverAtWork) {
      attempt.abort(new GatewayError('expired', `The attempt for ${attempt.facts.deviceName} has ended.`));
    }
    this.#settle(attempt, outcome);
    return true;
  }

  /** Writes it down, however long that takes: until then everybody sees `pending`. */
  #settle(attempt: Attempt, outcome: Outcome): void {
    const { clock, store, book, log, events } = this.#options;
    const settlement = settlementOf(outcome);
    const settledAt = clock.wallTime();
    const history = attempt.finalHistory(outcome.status === 'success' ? 'done' : outcome.type, settledAt);
    const change: Change = { kind: 'attempt_settled', actionAttemptId: attempt.id, settlement, settledAt, history };
    const ended = attemptEnded(attempt.facts, settlement, settledAt);
    const changes = [change, ...attempt.alsoSettle(settlement), ...(ended ? [events.record(ended)] : [])];
    const write = () => {
      store.commit(changes).then(
        () => {
          attempt.recorded(settlement, settledAt);
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
