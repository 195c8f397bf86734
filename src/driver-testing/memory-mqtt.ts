import type { Clock } from '../contract/index.ts';
import { MemoryMqttLink } from './memory-mqtt-link.ts';
import { MemoryMqttPeer } from './memory-mqtt-peer.ts';
import type { MemoryClient, MemoryRouter, MemorySubscription } from './memory-mqtt-routing.ts';
import { topicMatches } from './topic-match.ts';

export interface MemoryMqttOptions {
  readonly clock: Clock;
  /** For jitter: numbers in [0, 1). */
  readonly random?: () => number;
  /** From a client to the broker, and from the broker to a client, in milliseconds. */
  readonly latencyMs?: number;
  /** Up to this much more, per message, without overtaking. */
  readonly jitterMs?: number;
  /** 5 tells the publisher that nobody is subscribed and lets commands expire in the broker; 4 does neither. */
  readonly protocol?: 4 | 5;
}

/**
 * An MQTT broker in memory, on a clock that a test owns. Drivers get links, simulators get peers, and a test breaks
 * the way between them.
 */
export class MemoryMqtt implements MemoryRouter {
  readonly clock: Clock;
  readonly protocol: 4 | 5;
  readonly #random: () => number;
  readonly #latencyMs: number;
  readonly #jitterMs: number;
  readonly #clients = new Set<MemoryClient>();
  readonly #retained = new Map<string, Buffer>();

  constructor(options: MemoryMqttOptions) {
    this.clock = options.clock;
    this.protocol = options.protocol ?? 5;
    this.#random = options.random ?? (() => 0);
    this.#latencyMs = options.latencyMs ?? 1;
    this.#jitterMs = options.jitterMs ?? 0;
  }

  /** A driver's connection. It is up at once. */
  link(): MemoryMqttLink {
    const link = new MemoryMqttLink(this);
    this.#clients.add(link);
    return link;
  }

  /** A simulator's connection, or that of anybody else on the broker. */
  peer(): MemoryMqttPeer {
    const peer = new MemoryMqttPeer(this);
    this.#clients.add(peer);
    return peer;
  }

  get retainedTopics(): readonly string[] {
    return [...this.#retained.keys()];
  }

  latency(): number {
    return this.#latencyMs + this.#random() * this.#jitterMs;
  }

  route(topic: string, payload: Buffer, options: { retain?: boolean; expiresAt?: number } = {}): boolean {
    if (options.retain === true) {
      if (payload.length === 0) this.#retained.delete(topic);
      else this.#retained.set(topic, payload);
    }
    let subscribed = false;
    for (const client of this.#clients)
      for (const subscription of client.subscriptions) {
        if (!subscription.active || !topicMatches(subscription.filter, topic)) continue;
        subscribed = true;
        client.deliver(subscription, { topic, payload, retained: false }, options.expiresAt);
      }
    return subscribed;
  }

  subscribed(client: MemoryClient, subscription: MemorySubscription): void {
    subscription.active = true;
    for (const [topic, payload] of this.#retained)
      if (topicMatches(subscription.filter, topic))
        client.deliver(subscription, { topic, payload, retained: true }, undefined);
  }

  remove(client: MemoryClient): void {
    this.#clients.delete(client);
  }
}
