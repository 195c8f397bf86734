import type { Logger } from 'pino';
import type { Clock, LinkState, MqttMessage, Unsubscribe } from '../../contract/index.ts';
import type { BrokerConnection, ProtocolVersion, Will } from './broker-connection.ts';
import { BrokerLoop } from './broker-loop.ts';
import { type BrokerOptions, patience, placeOf } from './broker-options.ts';
import { tooLarge } from './packet-guard.ts';
import { type Listening, SubscriptionRegistry } from './subscription-registry.ts';
import { topicProblem } from './topic-filter.ts';

export interface MqttTelemetryOptions extends BrokerOptions {
  /** What the broker says for us when we vanish. */
  readonly will?: Will | undefined;
  /** How many messages may wait while there is no connection. */
  readonly queueLimit?: number | undefined;
  /** 10 to 15 s: a box that froze shows as offline after 1.5 times this. */
  readonly keepaliveSeconds?: number | undefined;
}

export interface PublishOptions {
  readonly retain?: boolean | undefined;
  readonly qos?: 0 | 1 | undefined;
  /** Counts in our queue and, over MQTT 5, at the broker. */
  readonly expirySeconds?: number | undefined;
  /** MQTT 5 only. */
  readonly userProperties?: Readonly<Record<string, string>> | undefined;
  /** MQTT 5 only. Default `application/json`. */
  readonly contentType?: string | undefined;
}

/** So many unacknowledged at most: a slow broker is not flooded after an outage. A guess. */
const WINDOW = 100;
/** How long `close` waits for the last messages. */
const LAST_WORDS_MS = 2_000;

/**
 * The monitor's own connection. It may queue, repeat and be late: nothing it sends can move a door. Commands have a
 * connection of their own, see {@link MqttTransport}.
 */
export class MqttTelemetryClient {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #loop: BrokerLoop;
  readonly #subscriptions: SubscriptionRegistry;
  readonly #queue: TelemetryQueue;
  readonly #unacknowledged = new Map<number, TelemetryMessage>();
  readonly #connectListeners = new Set<() => void>();
  readonly #refused = new Set<string>();
  /** Filters that the broker refused, which was told. */
  readonly #unheard = new Set<string>();
  #toldDropped = 0;
  #idle: (() => void) | undefined;
  #waitingForRoom = false;

  /** @throws GatewayError `misconfigured` when the URL is wrong, or does not go with TLS */
  constructor(options: MqttTelemetryOptions) {
    this.#log = options.log;
    this.#clock = options.clock;
    this.#subscriptions = new SubscriptionRegistry(options.log);
    this.#queue = new TelemetryQueue(options.queueLimit ?? 1_000, options.clock);
    this.#loop = new BrokerLoop({
      ...options,
      ...patience,
      purpose: 'monitoring',
      address: placeOf(options).address,
      keepaliveSeconds: options.keepaliveSeconds ?? 15,
      prepare: (connection) => {
        this.#subscriptions.restart();
        return this.#subscribe(connection);
      },
      lost: () => this.#lost(),
      handlers: {
        message: (message) => this.#subscriptions.deliver(message),
        oversized: ({ topic, bytes }) =>
          options.onLimit?.({ limit: 'message_size', source: topic, message: tooLarge(topic, bytes) }),
        acknowledged: (messageId, reasonCode) => this.#acknowledged(messageId, reasonCode),
      },
    });
    this.#loop.onStateChange(({ status }) => {
      if (status === 'up') this.#connected();
    });
  }

  get state(): LinkState {
    return this.#loop.state;
  }

  get reconnects(): number {
    return this.#loop.reconnects;
  }

  /** The MQTT version in use: 5, or 4 for 3.1.1; undefined while there is no connection. */
  get protocolVersion(): ProtocolVersion | undefined {
    return this.#loop.connection?.protocolVersion;
  }

  /** How many messages wait to be sent; who can do without may hold back until they are fewer. */
  get queued(): number {
    return this.#queue.length;
  }

  /** How many messages were lost because the queue was full. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  onStateChange(listener: (state: LinkState) => void): Unsubscribe {
    return this.#loop.onStateChange(listener);
  }

  /**
   * Called at each connect: tell what is retained again, a broker without persistence has forgotten it. What the
   * listener publishes follows what was queued while there was no connection.
   */
  onConnect(listener: () => void): Unsubscribe {
    this.#connectListeners.add(listener);
    return () => void this.#connectListeners.delete(listener);
  }

  start(): void {
    this.#loop.start();
  }

  /**
   * Never waits: what cannot be sent now waits in the queue.
   * @throws RangeError when the topic is none
   */
  publish(topic: string, payload: string, options: PublishOptions = {}): void {
    const problem = topicProblem(topic);
    if (problem !== undefined) throw new RangeError(`"${topic}" is no MQTT topic: ${problem}`);
    const { qos = 0, retain = false, expirySeconds, userProperties = {}, contentType = 'application/json' } = options;
    const expiresAt = expirySeconds === undefined ? undefined : this.#clock.now() + expirySeconds * 1_000;
    this.#queue.push({ topic, payload, qos, retain, expiresAt, userProperties, contentType, tries: 0 });
    this.#pump();
  }

  /**
   * Listens until it is called off, over reconnects.
   * @param asPublished over MQTT 5 a message is `retained` when its sender wished so, also one that was just sent
   */
  subscribe(filter: string, listener: (message: MqttMessage) => void, asPublished = false): Unsubscribe {
    const listening: Listening = { filter, asPublished, hear: listener, hadOwn: false, hadBelow: undefined };
    this.#subscriptions.add(listening);
    this.#subscribeSoon();
    return () => {
      this.#subscriptions.remove(listening);
      this.#subscribeSoon();
    };
  }

  /** Sends what is queued, for at most 2 s, says goodbye (so that no will is sent) and closes. */
  async close(): Promise<void> {
    if (this.#loop.connection !== undefined && !this.#allSaid()) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimer(resolve, LAST_WORDS_MS);
        this.#idle = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    await this.#loop.close(true);
  }

  #subscribeSoon(): void {
    queueMicrotask(() => this.#subscribeNow());
  }

  /** While there is no connection, and while one is prepared, coming up does it. */
  #subscribeNow(): void {
    const { connection } = this.#loop;
    // A connection that breaks meanwhile is told anew by the next one.
    if (connection !== undefined) this.#subscribe(connection).catch(() => undefined);
  }

  async #subscribe(connection: BrokerConnection): Promise<void> {
    const { subscribe, unsubscribe } = this.#subscriptions.takeChanges();
    if (unsubscribe.length > 0) await connection.unsubscribe(unsubscribe);
    const asPublished = subscribe.filter((filter) => this.#subscriptions.wantsAsPublished(filter));
    const others = subscribe.filter((filter) => !asPublished.includes(filter));
    if (others.length > 0) this.#answered(others, await connection.subscribe(others, 1));
    if (asPublished.length > 0) this.#answered(asPublished, await connection.subscribe(asPublished, 1, true));
  }

  /** A refusal is told once, and again only after the broker has allowed it in between. */
  #answered(filters: readonly string[], codes: readonly number[]): void {
    for (const [index, filter] of filters.entries()) {
      const code = codes[index] ?? 0;
      if (code < 0x80) this.#unheard.delete(filter);
      else if (!this.#unheard.has(filter)) {
        this.#unheard.add(filter);
        this.#log.error(
          { topic: filter, code },
          `The broker does not let the gateway listen to ${filter}: what is sent there never arrives. Allow it to read ` +
            'that topic in the broker’s access list; it is asked again with the next connection.',
        );
      }
    }
  }

  #connected(): void {
    this.#subscribeNow();
    for (const listener of [...this.#connectListeners]) {
      try {
        listener();
      } catch (error) {
        this.#log.error({ err: error }, 'A listener for the telemetry connection failed');
      }
    }
    const dropped = this.#queue.dropped - this.#toldDropped;
    this.#toldDropped = this.#queue.dropped;
    if (dropped > 0)
      this.#log.warn({ dropped }, `${dropped} monitoring messages were given up while the broker was away.`);
    this.#pump();
  }

  #lost(): void {
    this.#queue.putBack([...this.#unacknowledged.values()]);
    this.#unacknowledged.clear();
    this.#idle?.();
  }

  #acknowledged(messageId: number, reasonCode: number): void {
    const message = this.#unacknowledged.get(messageId);
    this.#unacknowledged.delete(messageId);
    if (message !== undefined && reasonCode >= 0x80 && !this.#refused.has(message.topic)) {
      this.#refused.add(message.topic);
      this.#log.warn(
        { topic: message.topic, code: reasonCode },
        `The broker does not let the gateway publish on ${message.topic}. Allow it in the broker’s access list.`,
      );
    }
    this.#pump();
  }

  #allSaid(): boolean {
    return this.#queue.length === 0 && this.#unacknowledged.size === 0;
  }

  #pump(): void {
    const { connection } = this.#loop;
    while (connection?.open === true && this.#unacknowledged.size < Math.min(WINDOW, connection.receiveMaximum)) {
      if (connection.congested) {
        this.#pumpWhenFlushed(connection);
        return;
      }
      const message = this.#queue.shift();
      if (message === undefined) break;
      this.#send(connection, message);
    }
    if (this.#allSaid()) this.#idle?.();
  }

  #pumpWhenFlushed(connection: BrokerConnection): void {
    if (this.#waitingForRoom) return;
    this.#waitingForRoom = true;
    connection.flushed().then(() => {
      this.#waitingForRoom = false;
      this.#pump();
    });
  }

  #send(connection: BrokerConnection, message: TelemetryMessage): void {
    const { topic, payload, qos, retain, expiresAt, contentType, userProperties } = message;
    const expiry =
      expiresAt === undefined
        ? {}
        : { messageExpiryInterval: Math.max(1, Math.round((expiresAt - this.#clock.now()) / 1_000)) };
    // mqtt-packet drops a message with empty user properties, without a word.
    const user = Object.keys(userProperties).length > 0 ? { userProperties: { ...userProperties } } : {};
    // Over 3.1.1 mqtt.js leaves the properties out.
    const properties = { contentType, payloadFormatIndicator: true, ...user, ...expiry };
    try {
      const messageId = connection.publish(topic, payload, { qos, retain, properties });
      if (qos === 1) this.#unacknowledged.set(messageId, message);
    } catch {
      // The connection is gone; the next one tells it.
      this.#queue.putBack([message]);
    }
  }
}

export interface TelemetryMessage {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** `Clock.now()` after which nobody wants it any more. */
  readonly expiresAt: number | undefined;
  readonly contentType: string;
  readonly userProperties: Readonly<Record<string, string>>;
  /** On how many connections it was sent and not acknowledged. */
  readonly tries: number;
}

/** A message that so many connections did not survive is itself the reason, for example too large. A guess. */
const MOST_TRIES = 5;

/**
 * What waits to be told, in order. It is bounded: when it is full, the oldest QoS 0 message goes, and the oldest of all
 * when there is none.
 */
export class TelemetryQueue {
  readonly #limit: number;
  readonly #clock: Clock;
  #waiting: TelemetryMessage[] = [];
  #dropped = 0;

  constructor(limit: number, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** How many messages were given up so far, for the limit or after too many tries. Expired ones are not counted. */
  get dropped(): number {
    return this.#dropped;
  }

  push(message: TelemetryMessage): void {
    this.#waiting.push(message);
    this.#trim();
  }

  /** Puts back what was sent and not acknowledged, in front, in its order. */
  putBack(messages: readonly TelemetryMessage[]): void {
    const again = messages.filter(({ tries }) => tries + 1 < MOST_TRIES);
    this.#dropped += messages.length - again.length;
    this.#waiting = [...again.map((message) => ({ ...message, tries: message.tries + 1 })), ...this.#waiting];
    this.#trim();
  }

  /** Takes the next message that has not expired. */
  shift(): TelemetryMessage | undefined {
    for (;;) {
      const message = this.#waiting.shift();
      if (message?.expiresAt === undefined || message.expiresAt > this.#clock.now()) return message;
    }
  }

  #trim(): void {
    while (this.#waiting.length > this.#limit) {
      const oldest = this.#waiting.findIndex(({ qos }) => qos === 0);
      this.#waiting.splice(Math.max(0, oldest), 1);
      this.#dropped++;
    }
  }
}
