import type { Clock, MqttMessage } from '../contract/index.ts';

export interface MemorySubscription {
  readonly filter: string;
  readonly listener: (message: MqttMessage) => void;
  /** False until the SUBSCRIBE has reached the broker. */
  active: boolean;
}

/** What the broker needs to know of whoever is connected to it. */
export interface MemoryClient {
  readonly subscriptions: ReadonlySet<MemorySubscription>;
  /** Takes a message that matched; the client applies its own latency and faults. */
  deliver(subscription: MemorySubscription, message: MqttMessage, expiresAt: number | undefined): void;
}

/** What whoever is connected needs of the broker. */
export interface MemoryRouter {
  readonly clock: Clock;
  /** 5 tells the publisher that nobody is subscribed and lets commands expire in the broker; 4 does neither. */
  readonly protocol: 4 | 5;
  /** One way between a client and the broker, in milliseconds, drawn anew for each message. */
  latency(): number;
  /**
   * A message has arrived at the broker.
   * @returns whether anybody was subscribed to its topic
   */
  route(topic: string, payload: Buffer, options?: { retain?: boolean; expiresAt?: number }): boolean;
  /** A SUBSCRIBE has arrived at the broker: retained messages follow. */
  subscribed(client: MemoryClient, subscription: MemorySubscription): void;
  /** Topics that the broker keeps a message for. */
  readonly retainedTopics: readonly string[];
  remove(client: MemoryClient): void;
}
