import type { LinkState, MqttMessage, Unsubscribe } from '../../../src/contract/index.ts';
import { topicMatches } from '../../../src/driver-testing/topic-match.ts';
import type { MonitorPublisher, PublishOptions } from '../../../src/monitor/publisher.ts';

export interface Said extends PublishOptions {
  readonly topic: string;
  readonly payload: string;
}

/** A broker with one client, the monitor's: it remembers all that was said, and what of it was to be retained. */
export class RecordingPublisher implements MonitorPublisher {
  /** What reached the broker, in order. */
  readonly said: Said[] = [];
  /** What the broker has retained: topic to payload. */
  readonly retained = new Map<string, string>();
  protocolVersion: 4 | 5 | undefined = 5;
  dropped = 0;
  /** True: the broker takes nothing, though the connection stands. */
  stalled = false;
  /** How many messages may wait. */
  limit = 1_000;
  #state: LinkState = { status: 'down', reason: 'starting', hint: '' };
  readonly #waiting: Said[] = [];
  readonly #connectListeners = new Set<() => void>();
  readonly #subscriptions = new Set<{
    filter: string;
    listener: (message: MqttMessage) => void;
    asPublished: boolean;
  }>();

  get state(): LinkState {
    return this.#state;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  get filters(): string[] {
    return [...this.#subscriptions].map(({ filter }) => filter);
  }

  publish(topic: string, payload: string, options: PublishOptions): void {
    this.#waiting.push({ topic, payload, ...options });
    this.#pump();
    while (this.#waiting.length > this.limit) {
      this.#waiting.shift();
      this.dropped += 1;
    }
  }

  onConnect(listener: () => void): Unsubscribe {
    this.#connectListeners.add(listener);
    return () => this.#connectListeners.delete(listener);
  }

  subscribe(filter: string, listener: (message: MqttMessage) => void, asPublished = false): Unsubscribe {
    const subscription = { filter, listener, asPublished };
    this.#subscriptions.add(subscription);
    queueMicrotask(() => this.#sendRetained(subscription));
    return () => this.#subscriptions.delete(subscription);
  }

  connect(): void {
    this.#state = { status: 'up' };
    for (const subscription of this.#subscriptions) this.#sendRetained(subscription);
    for (const listener of [...this.#connectListeners]) listener();
    this.#pump();
  }

  /** @param forgets the broker restarted without persistence */
  disconnect(forgets = false): void {
    this.#state = { status: 'down', reason: 'connection_closed', hint: '' };
    if (forgets) this.retained.clear();
  }

  flow(): void {
    this.stalled = false;
    this.#pump();
  }

  /** Somebody else publishes. */
  others(topic: string, payload: string, retain = false): void {
    if (retain) this.retained.set(topic, payload);
    this.#deliver(topic, payload, retain);
  }

  on(topic: string): Said[] {
    return this.said.filter((message) => message.topic === topic);
  }

  /** Parsed payloads of the non-empty messages on a topic. */
  json(topic: string): Record<string, unknown>[] {
    return this.on(topic).map(({ payload }) => JSON.parse(payload));
  }

  #pump(): void {
    while (this.#state.status === 'up' && !this.stalled) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.said.push(next);
      if (next.retain) {
        if (next.payload === '') this.retained.delete(next.topic);
        else this.retained.set(next.topic, next.payload);
      }
      this.#deliver(next.topic, next.payload, next.retain);
    }
  }

  #sendRetained({ filter, listener }: { filter: string; listener: (message: MqttMessage) => void }): void {
    if (this.#state.status !== 'up') return;
    for (const [topic, payload] of [...this.retained])
      if (topicMatches(filter, topic)) listener({ topic, payload: Buffer.from(payload), retained: true });
  }

  /** A broker says of a fresh message that it is retained to those alone who asked for it, over MQTT 5. */
  #deliver(topic: string, payload: string, retain: boolean): void {
    for (const { filter, listener, asPublished } of [...this.#subscriptions]) {
      const retained = retain && asPublished && this.protocolVersion === 5;
      if (topicMatches(filter, topic)) listener({ topic, payload: Buffer.from(payload), retained });
    }
  }
}
