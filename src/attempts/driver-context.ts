import type { Logger } from 'pino';
import { type Clock, type CodeCommandContext, type Device, GatewayError, type SendPermit } from '../contract/index.ts';
import type { DoorPass } from '../devices/device-lane.ts';
import type { Store } from '../model/store.ts';
import type { Attempt } from './attempt.ts';
import { advice, isDoorAction, notDone } from './outcome.ts';

/** What an attempt asks of its device; the result is what the attempt answers on success. */
export type Work = (device: Device, ctx: CodeCommandContext) => Promise<Readonly<Record<string, unknown>>>;

export interface DriverContextOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
}

/** The right to send, checked against the attempt at the very moment of sending. */
class AttemptPermit implements SendPermit {
  readonly #attempt: Attempt;
  readonly #clock: Clock;
  #spent = false;
  readonly sendBy: number;

  constructor(attempt: Attempt, clock: Clock) {
    this.#attempt = attempt;
    this.#clock = clock;
    this.sendBy = attempt.facts.sendBy;
  }

  spend(): void {
    if (this.#spent) {
      throw new GatewayError('internal_error', 'A driver tried to send twice with one permit. Please report this.');
    }
    assertMaySend(this.#attempt, this.#clock);
    this.#spent = true;
    this.#attempt.send({ type: 'SENT' }, 'the command leaves');
  }

  withdraw(): void {
    if (this.#spent) this.#attempt.send({ type: 'WITHDRAWN' }, 'the command did not leave');
  }
}

/** @throws GatewayError `not_sent`, with the reason why nothing may leave for this attempt any more */
function assertMaySend(attempt: Attempt, clock: Clock): void {
  const { deviceName, actionType, sendBy } = attempt.facts;
  if (attempt.outcome) {
    throw new GatewayError('expired', `The attempt for ${deviceName} ended before its command could leave.`);
  }
  if (clock.now() >= sendBy) {
    throw new GatewayError(
      'expired',
      `${notDone(deviceName, actionType)}: it did not get so far in time, and nothing was sent.` +
        advice(actionType, 'Try again; if it keeps happening, look at the device’s health and its link.'),
    );
  }
}

/**
 * One try of one attempt with its driver: gives the driver its context, keeps the point of no return, and turns what
 * the driver does into the attempt's events.
 */
export function driverContext(
  attempt: Attempt,
  { clock, store, log }: DriverContextOptions,
  letDoorsPass: DoorPass,
): CodeCommandContext {
  const isDoor = isDoorAction(attempt.facts.actionType);
  let permits = 0;
  return {
    attemptId: attempt.id,
    sendBy: attempt.facts.sendBy,
    deadline: attempt.facts.deadline,
    signal: attempt.signal,
    log,
    weighed: (message) => attempt.weighed(message),
    letDoorsPass: async () => {
      await letDoorsPass();
      attempt.signal.throwIfAborted();
    },
    async pointOfNoReturn() {
      assertMaySend(attempt, clock);
      permits += 1;
      if (isDoor && permits > 1) {
        throw new GatewayError('internal_error', 'A driver asked to send a door command twice. Please report this.');
      }
      attempt.send({ type: 'INTENT' }, attempt.intent ? 'about to send' : 'writing down the intent to send');
      if (!attempt.intent) {
        await store.commit([{ kind: 'attempt_intent', actionAttemptId: attempt.id, history: attempt.history }]);
        attempt.send({ type: 'INTENT_KEPT' }, 'the intent is on disk');
        assertMaySend(attempt, clock);
      }
      return new AttemptPermit(attempt, clock);
    },
  };
}
