import type { Logger } from 'pino';
import type { Clock, LinkState, MqttLink, OnLimit, Timer, Unsubscribe } from '../../contract/index.ts';
import type { BrokerConnection, ProtocolVersion } from './broker-connection.ts';
import { BrokerLoop } from './broker-loop.ts';
import { type BrokerOptions, patience, placeOf } from './broker-options.ts';
import { CommandSender } from './command-sender.ts';
import { CommandTopics, type RetainedCommand } from './command-topics.ts';
import { BrokerFailure, type BrokerIdentity, notAnswering } from './failures.ts';
import { DeviceLink, type LinkHost } from './mqtt-link.ts';
import { type OversizedMessage, ShunnedTopics, tooLarge } from './packet-guard.ts';
import { SubscriptionRegistry } from './subscription-registry.ts';
import { matches } from './topic-filter.ts';

export interface MqttTransportOptions extends BrokerOptions {
  /** Called for each command found retained on a topic of ours, after the try to clear it. */
  readonly onRetainedCommand?: ((found: RetainedCommand) => void) | undefined;
}

/** A silent network is noticed after 1.5 times this at the latest, even when no command is sent. */
const KEEPALIVE_SECONDS = 5;
/**
 * How often command topics are looked at while everything runs, in milliseconds. A guess: what somebody left retained
 * moves its door again when the broker restarts before it was found. Listening all the time is no choice: the broker
 * would then never say that nobody receives a command (docs/decisions/0010-mqtt-commands-now-or-never.md).
 */
const LOOK_EVERY_MS = 60_000;

/**
 * The connection to one broker on which commands leave and devices are heard, so that a link that is up can do both.
 * It is not the monitor's: see {@link MqttTelemetryClient}.
 */
export class MqttTransport {
  readonly name: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #place: BrokerIdentity;
  readonly #loop: BrokerLoop;
  readonly #subscriptions: SubscriptionRegistry;
  readonly #topics: CommandTopics;
  readonly #sender: CommandSender;
  readonly #onRetainedCommand: ((found: RetainedCommand) => void) | undefined;
  readonly #onLimit: OnLimit;
  readonly #shunned: ShunnedTopics;
  readonly #linkHost: LinkHost;
  /** Those that are told of what their state depends on. */
  readonly #links = new Set<DeviceLink>();
  #refused = new Map<string, number>();
  #synchronising: Promise<void> | undefined;
  #planned = false;
  #again = false;
  #lookTimer: Timer | undefined;
  #lookDue = false;

  /** @throws GatewayError `misconfigured` when the URL is wrong, or does not go with TLS */
  constructor(options: MqttTransportOptions) {
    const { name, log } = options;
    this.name = name;
    this.#log = log;
    this.#clock = options.clock;
    this.#onRetainedCommand = options.onRetainedCommand;
    this.#place = placeOf(options);
    this.#onLimit = options.onLimit ?? (() => undefined);
    this.#shunned = new ShunnedTopics(options.clock, (topic) => this.#listenAgain(topic));
    this.#subscriptions = new SubscriptionRegistry(log);
    this.#subscriptions.shunWhere((filter) => this.#shunned.reasonFor([{ filter }]) !== undefined);
    this.#topics = new CommandTopics(log);
    this.#sender = new CommandSender(options.clock, this.#place);
    this.#loop = new BrokerLoop({
      ...options,
      ...patience,
      purpose: 'commands',
      address: this.#place.address,
      keepaliveSeconds: KEEPALIVE_SECONDS,
      prepare: (connection) => this.#prepare(connection),
      lost: () => this.#sender.connectionLost(),
      handlers: {
        message: (message) => {
          if (message.retained && this.#topics.heard(message.topic)) this.#synchroniseSoon();
          this.#subscriptions.deliver(message);
        },
        acknowledged: (messageId, reasonCode) => this.#sender.acknowledged(messageId, reasonCode),
        oversized: (message) => this.#shun(message),
      },
    });
    this.#linkHost = this.#newLinkHost();
    this.#loop.onStateChange(({ status }) => {
      this.#lookTimer?.cancel();
      if (status === 'down') return;
      this.#lookLater();
      this.#synchroniseSoon();
    });
    this.#loop.onStateChange(() => this.#tellConnection());
  }

  get state(): LinkState {
    return this.#loop.state;
  }

  /** How often the connection came back. */
  get reconnects(): number {
    return this.#loop.reconnects;
  }

  /** The MQTT version in use: 5, or 4 for 3.1.1; undefined while the link is down. */
  get protocolVersion(): ProtocolVersion | undefined {
    return this.#loop.connection?.protocolVersion;
  }

  /** Filters the broker refused to subscribe, with its reason codes. */
  get refusedFilters(): ReadonlyMap<string, number> {
    return this.#refused;
  }

  onStateChange(listener: (state: LinkState) => void): Unsubscribe {
    return this.#loop.onStateChange(listener);
  }

  /** Begins to connect and returns at once: a missing broker leaves the link down, with the reason. */
  start(): void {
    this.#loop.start();
  }

  /** Commands still unacknowledged are taken back where that is possible, and end `outcome_unknown`. */
  close(): Promise<void> {
    this.#lookTimer?.cancel();
    this.#shunned.close();
    return this.#loop.close(this.#sender.idle);
  }

  /** A device's link. @param device its name, for messages @param deviceId for events */
  link(device: string, deviceId?: string): MqttLink {
    return new DeviceLink(device, deviceId, this.#linkHost);
  }

  #newLinkHost(): LinkHost {
    return {
      clock: this.#clock,
      onLimit: this.#onLimit,
      safely: (heard, message) => this.#subscriptions.safely(heard, message),
      shunned: (heard) => this.#shunned.reasonFor(heard),
      place: this.#place,
      loop: this.#loop,
      sender: this.#sender,
      subscribe: (listening) => {
        this.#subscriptions.add(listening);
        this.#synchroniseSoon();
      },
      unsubscribe: (listening) => {
        this.#subscriptions.remove(listening);
        this.#synchroniseSoon();
      },
      claim: (filter) => {
        const claim = this.#topics.claim(filter);
        this.#synchroniseSoon();
        return claim;
      },
      known: (filter) => this.#subscriptions.known(filter),
      follow: (link) => this.#links.add(link),
      unfollow: (link) => this.#links.delete(link),
    };
  }

  /** What was kept on a command topic is cleared like any other command that somebody left there. */
  #shun({ topic, bytes, retained }: OversizedMessage): void {
    this.#onLimit({ limit: 'message_size', source: topic, message: tooLarge(topic, bytes) });
    if (!(retained && this.#topics.heard(topic))) this.#shunned.add(topic, bytes);
    this.#synchroniseSoon();
    this.#tellLinks();
  }

  #listenAgain(topic: string): void {
    for (const filter of this.#subscriptions.filters) if (matches(filter, topic)) this.#subscriptions.tellAgain(filter);
    this.#synchroniseSoon();
    this.#tellLinks();
  }

  #tellLinks(): void {
    for (const link of [...this.#links]) link.tell();
  }

  /** One that fails keeps no other from being told. */
  #tellConnection(): void {
    for (const link of [...this.#links])
      try {
        link.connectionChanged();
      } catch (error) {
        this.#log.error({ err: error, broker: this.name }, 'A listener for the link state failed');
      }
  }

  #lookLater(): void {
    this.#lookTimer = this.#clock.setTimer(() => {
      this.#lookDue = true;
      this.#lookLater();
      this.#synchroniseSoon();
    }, LOOK_EVERY_MS);
  }

  async #prepare(connection: BrokerConnection): Promise<void> {
    await this.#synchronising;
    this.#refused = new Map();
    this.#subscriptions.restart();
    this.#topics.restart();
    this.#lookDue = false;
    this.#sender.connected(connection);
    await this.#pass(connection);
  }

  /** In a microtask, so that what a driver subscribes in one go leaves in one packet. */
  #synchroniseSoon(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#synchroniseNow();
    });
  }

  #synchroniseNow(): void {
    const { connection } = this.#loop;
    // While there is none, and while one is prepared, coming up does it.
    if (connection === undefined) return;
    if (this.#synchronising !== undefined) {
      this.#again = true;
      return;
    }
    this.#synchronising = this.#synchronise(connection)
      .catch((error: unknown) => {
        // After a lost connection the next one begins anew.
        if (!(error instanceof BrokerFailure))
          this.#log.error({ broker: this.name, err: error }, 'MQTT subscribing failed');
      })
      .finally(() => {
        this.#synchronising = undefined;
        const again = this.#again;
        this.#again = false;
        if (again) this.#synchroniseNow();
      });
  }

  /** Until nothing is left to do. */
  async #synchronise(connection: BrokerConnection): Promise<void> {
    while (await this.#pass(connection));
  }

  /** Tells the broker who listens to what and sweeps command topics. Resolves with whether there was anything to do. */
  async #pass(connection: BrokerConnection): Promise<boolean> {
    const { subscribe, unsubscribe } = this.#subscriptions.takeChanges();
    if (unsubscribe.length > 0) await connection.unsubscribe(unsubscribe);
    if (subscribe.length > 0) await this.#subscribe(connection, subscribe);
    if (this.#lookDue) {
      this.#lookDue = false;
      await this.#topics.lookAgain(connection, (filter) => this.#subscriptions.has(filter));
    }
    const { unswept } = this.#topics;
    if (unswept) await this.#sweep(connection);
    return unswept || subscribe.length > 0 || unsubscribe.length > 0;
  }

  async #subscribe(connection: BrokerConnection, filters: readonly string[]): Promise<void> {
    const codes = await connection.subscribe(filters, 1);
    for (const [index, filter] of filters.entries()) {
      const code = codes[index] ?? 0;
      if (code < 0x80) continue;
      this.#refused.set(filter, code);
      this.#log.error(
        { broker: this.name, filter, code },
        `The broker ${this.name} does not let the gateway listen to ${filter}: devices there cannot be heard. ` +
          'Allow it for the gateway’s user in the broker’s access list.',
      );
    }
  }

  async #sweep(connection: BrokerConnection): Promise<void> {
    const clear = async (topic: string) => {
      if ((await this.#sender.clearRetained(connection, topic)) === 'lost')
        throw notAnswering(this.#place, 'a PUBLISH');
    };
    for (const found of await this.#topics.sweep(connection, clear, (filter) => this.#subscriptions.has(filter))) {
      const { topic, cleared } = found;
      const what = `Somebody left a retained command on ${topic}: the device carries it out at each of its reconnects.`;
      if (cleared) this.#log.warn({ broker: this.name, topic }, `${what} It was cleared. Find out who sets retain.`);
      else
        this.#log.error(
          { broker: this.name, topic },
          `${what} The broker does not let the gateway clear it: publish an empty retained message there yourself.`,
        );
      this.#onRetainedCommand?.(found);
    }
    this.#tellLinks();
  }
}
