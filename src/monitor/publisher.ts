import type { LinkState, MqttMessage, Unsubscribe } from '../contract/index.ts';

export interface PublishOptions {
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** Seconds; counts while the message waits here and, over MQTT 5, at the broker. */
  readonly expirySeconds: number | undefined;
  /** MQTT 5 only. */
  readonly contentType: string;
  /** MQTT 5 only. */
  readonly userProperties: Readonly<Record<string, string>>;
}

/** What the broker says in the gateway's name when the gateway vanishes. */
export interface LastWill {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  readonly qos: 0 | 1;
}

/** The monitor's connection to a broker. It may queue, repeat and be late: nothing on it can move a door. */
export interface MonitorPublisher {
  readonly state: LinkState;
  /** 5, or 4 for MQTT 3.1.1; undefined while there is no connection. */
  readonly protocolVersion: 4 | 5 | undefined;
  /** How many messages wait to be sent. */
  readonly queued: number;
  /** How many were lost because too many waited. */
  readonly dropped: number;
  /** Never fails and never waits. What waits is bounded: the oldest goes first, QoS 0 before QoS 1. */
  publish(topic: string, payload: string, options: PublishOptions): void;
  /** Called at each connect, after `state` became up. */
  onConnect(listener: () => void): Unsubscribe;
  /** Listens over reconnects, until called off. */
  /** @param asPublished over MQTT 5 a message is `retained` when its sender wished so, also one that was just sent */
  subscribe(filter: string, listener: (message: MqttMessage) => void, asPublished?: boolean): Unsubscribe;
}
