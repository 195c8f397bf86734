import type { Clock, MqttMessage, Timer, Unsubscribe } from '../contract/index.ts';
import type { Outbox } from './outbox.ts';
import type { MonitorPublisher } from './publisher.ts';

/** How long the broker is given to send what it has retained, in milliseconds. A guess. */
const LISTEN_MS = 5_000;

export interface StaleTopicsOptions {
  readonly clock: Clock;
  readonly publisher: MonitorPublisher;
  readonly outbox: Outbox;
  /** Where retained messages of ours lie. */
  readonly filters: readonly string[];
  /** Whether a topic that matched is one we still have something to say on. */
  readonly isOurs: (topic: string) => boolean;
}

/**
 * Clears what an earlier configuration left retained. The broker itself is asked, once, after the first connect:
 * nobody else knows what was told in the past.
 */
export class StaleTopics {
  readonly #options: StaleTopicsOptions;
  #subscriptions: Unsubscribe[] | undefined;
  #timer: Timer | undefined;
  #done = false;

  constructor(options: StaleTopicsOptions) {
    this.#options = options;
  }

  /** For each connect: begins to listen, or listens on when the connection was lost meanwhile. */
  connected(): void {
    if (this.#done) return;
    const { clock, publisher, filters } = this.#options;
    this.#subscriptions ??= filters.map((filter) => publisher.subscribe(filter, (message) => this.#heard(message)));
    this.#timer?.cancel();
    this.#timer = clock.setTimer(() => {
      // While the connection is lost nothing was heard to the end.
      if (publisher.state.status === 'up') this.close();
    }, LISTEN_MS);
  }

  close(): void {
    this.#done = true;
    this.#timer?.cancel();
    for (const unsubscribe of this.#subscriptions ?? []) unsubscribe();
    this.#subscriptions = undefined;
  }

  #heard({ topic, payload, retained }: MqttMessage): void {
    // What is not retained is our own, just told.
    if (retained && payload.length > 0 && !this.#options.isOurs(topic)) this.#options.outbox.clear(topic);
  }
}
