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
import { advice, notDone, type Outcome, settlementOf } from './outcome.ts';

/** How soon a settlement that found no room on disk is tried again, in milliseconds. */
const settleAgainMs = 250;

export interface SettlerOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly attempts: AttemptRegistry;
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

  settle(attempt: Attempt, outcome: Outcome, reason: string): void {
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
    this.#writeDown(attempt);
    return true;
  }

  /** Writes it down, however long that takes: until then everybody sees `pending`. */
  #writeDown(attempt: Attempt): void {
    const { clock, store, attempts, log, events } = this.#options;
    const { outcome } = attempt;
    if (outcome === undefined) return;
    const settlement = settlementOf(attempt.told(outcome));
    const settledAt = clock.wallTime();
    const history = attempt.settledHistory(outcome.status === 'success' ? 'done' : outcome.type, settledAt);
    const change: Change = { kind: 'attempt_settled', actionAttemptId: attempt.id, settlement, settledAt, history };
    const told = settledEvent(attempt.facts, settlement, settledAt);
    const audit = attemptAudit(attempt.facts, settlement, settledAt);
    const changes = [change, audit, ...attempt.alsoSettle(settlement), ...(told ? [events.record(told)] : [])];
    const write = () => {
      store.commit(changes).then(
        () => {
          attempt.settled({ settlement, at: settledAt });
          attempts.closed(attempt);
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
function settledEvent(
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

/**
 * How far apart two deadlines may fire together, in milliseconds. A guess at what nobody notices: what must be exact
 * (no byte after `send_by`) is checked against the clock itself at the moment of sending.
 */
const tickMs = 10;

/**
 * One timer for the deadlines of all attempts: each attempt has two, nearly all of them are called off, and a timer
 * of its own for each would cost more than the rest of its life.
 */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots = new PassingMap<number, Set<Entry>>();
  #armed: { readonly tick: number; readonly timer: Timer } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `callback` at `time` on `Clock.now()` or up to one tick later; never before this call returns. */
  at(time: number, callback: () => void): Timer {
    const tick = Math.ceil(time / tickMs);
    const entry = new Entry(this.#slots, tick, callback);
    const slot = this.#slots.get(tick);
    if (slot) slot.add(entry);
    else this.#slots.set(tick, new Set([entry]));
    if (!this.#armed || tick < this.#armed.tick) this.#arm(tick);
    return entry;
  }

  /** Calls off everything. */
  close(): void {
    this.#slots.clear();
    this.#armed?.timer.cancel();
    this.#armed = undefined;
  }

  #arm(tick: number): void {
    this.#armed?.timer.cancel();
    const timer = this.#clock.setTimer(() => this.#turn(), Math.max(0, tick * tickMs - this.#clock.now()));
    this.#armed = { tick, timer };
  }

  #turn(): void {
    this.#armed = undefined;
    // Rounded up by a hair: a real clock may fire a timer a fraction of a millisecond early.
    const now = Math.floor((this.#clock.now() + 1) / tickMs);
    const due = [...this.#slots.keys()].filter((tick) => tick <= now).sort((a, b) => a - b);
    for (const tick of due) {
      const slot = this.#slots.get(tick);
      this.#slots.delete(tick);
      for (const { callback } of slot ?? []) callback();
    }
    let next: number | undefined;
    for (const tick of this.#slots.keys()) if (next === undefined || tick < next) next = tick;
    if (next !== undefined && !this.#isArmedBy(next)) this.#arm(next);
  }

  #isArmedBy(tick: number): boolean {
    return this.#armed !== undefined && this.#armed.tick <= tick;
  }
}

/** What is called at a tick, and how it is called off: one object, since every attempt has two of them. */
class Entry implements Timer {
  readonly #slots: PassingMap<number, Set<Entry>>;
  readonly #tick: number;
  readonly callback: () => void;

  constructor(slots: PassingMap<number, Set<Entry>>, tick: number, callback: () => void) {
    this.#slots = slots;
    this.#tick = tick;
    this.callback = callback;
  }

  cancel(): void {
    const slot = this.#slots.get(this.#tick);
    if (slot?.delete(this) && slot.size === 0) this.#slots.delete(this.#tick);
  }
}
