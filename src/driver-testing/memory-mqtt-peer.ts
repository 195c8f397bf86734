import type { MqttMessage, Unsubscribe } from '../contract/index.ts';
import type { MemoryClient, MemoryRouter, MemorySubscription } from './memory-mqtt-routing.ts';
import { Wire } from './wire.ts';

interface WaitingMessage {
  readonly subscription: MemorySubscription;
  readonly message: MqttMessage;
  readonly expiresAt: number | undefined;
}

/** A plain client of the in-memory broker: a simulated bridge, or somebody who means no good. */
export class MemoryMqttPeer implements MemoryClient {
  readonly subscriptions = new Set<MemorySubscription>();
  readonly #broker: MemoryRouter;
  readonly #out: Wire;
  readonly #in: Wire;
  #session: 'connected' | 'away' | 'away_and_kept' = 'connected';
  #waiting: WaitingMessage[] = [];

  constructor(broker: MemoryRouter) {
    this.#broker = broker;
    this.#out = new Wire(broker.clock, () => broker.latency());
    this.#in = new Wire(broker.clock, () => broker.latency());
  }

  publish(topic: string, payload: string, options: { readonly retain?: boolean } = {}): void {
    if (this.#session !== 'connected') return;
    this.#out.put(() => this.#broker.route(topic, Buffer.from(payload), options));
  }

  subscribe(filter: string, listener: (message: MqttMessage) => void): Unsubscribe {
    const subscription: MemorySubscription = { filter, listener, active: false };
    this.subscriptions.add(subscription);
    if (this.#session === 'connected') this.#announce(subscription);
    return () => {
      this.subscriptions.delete(subscription);
    };
  }

  deliver(subscription: MemorySubscription, message: MqttMessage, expiresAt: number | undefined): void {
    if (this.#session === 'away_and_kept') this.#waiting.push({ subscription, message, expiresAt });
    if (this.#session !== 'connected') return;
    this.#in.put(() => {
      if (this.subscriptions.has(subscription)) subscription.listener(message);
    });
  }

  /** Leaves the broker. With a persistent session the broker keeps what arrives meanwhile. */
  leave(options: { readonly persistentSession?: boolean } = {}): void {
    this.#out.cut();
    this.#in.cut();
    this.#session = options.persistentSession === true ? 'away_and_kept' : 'away';
    if (this.#session === 'away') for (const subscription of this.subscriptions) subscription.active = false;
  }

  /** Comes back: subscribes anew, so retained messages come again, and gets what was kept and has not expired. */
  comeBack(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#session = 'connected';
    for (const { subscription, message, expiresAt } of waiting)
      if (expiresAt === undefined || this.#broker.clock.now() < expiresAt)
        this.deliver(subscription, message, expiresAt);
    for (const subscription of this.subscriptions) this.#announce(subscription);
  }

  #announce(subscription: MemorySubscription): void {
    this.#out.put(() => {
      if (this.subscriptions.has(subscription)) this.#broker.subscribed(this, subscription);
    });
  }
}
