import type { Clock, LinkState, Timer } from '../../contract/index.ts';
import { matches } from './topic-filter.ts';

/**
 * How long a topic is not listened to, in milliseconds. A guess: one look in a quarter of an hour is bearable, and who
 * cleared the message need not restart the gateway.
 */
const SHUNNED_MS = 900_000;

interface Shunned {
  readonly bytes: number;
  readonly timer: Timer;
}

/**
 * Topics on which a message was too large to be read. Kept by the broker, it would come again with each connection, and
 * over a slow line no connection would live to its end: so nobody listens there for a while.
 */
export class ShunnedTopics {
  readonly #clock: Clock;
  readonly #onOver: (topic: string) => void;
  readonly #topics = new Map<string, Shunned>();

  /** @param onOver called when a topic may be listened to again */
  constructor(clock: Clock, onOver: (topic: string) => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  add(topic: string, bytes: number): void {
    this.#topics.get(topic)?.timer.cancel();
    const timer = this.#clock.setTimer(() => {
      this.#topics.delete(topic);
      this.#onOver(topic);
    }, SHUNNED_MS);
    this.#topics.set(topic, { bytes, timer });
  }

  /** Why one of these is not listened to; undefined when all are. */
  reasonFor(listened: Iterable<{ readonly filter: string }>): (LinkState & { readonly status: 'down' }) | undefined {
    if (this.#topics.size === 0) return undefined;
    for (const { filter } of listened)
      for (const [topic, { bytes }] of this.#topics)
        if (matches(filter, topic))
          return { status: 'down', reason: 'message_too_large', hint: tooLarge(topic, bytes) };
    return undefined;
  }

  close(): void {
    for (const { timer } of this.#topics.values()) timer.cancel();
    this.#topics.clear();
  }
}

/** What to do about it, for people. */
export const tooLarge = (topic: string, bytes: number): string =>
  `A message of ${bytes} bytes is on ${topic}, which is more than is read. Find out who publishes there; if the broker ` +
  'keeps it, publish an empty retained message there.';
