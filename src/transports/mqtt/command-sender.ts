import { type Clock, GatewayError, type SendPermit, type Timer } from '../../contract/index.ts';
import type { BrokerConnection } from './broker-connection.ts';
import { BrokerFailure, type BrokerIdentity, type Down, notAnswering } from './failures.ts';
import { topicProblem } from './topic-filter.ts';

/** What sending needs of a connection. */
export type SendingConnection = Pick<
  BrokerConnection,
  'congested' | 'flushed' | 'protocolVersion' | 'publish' | 'receiveMaximum' | 'reset'
>;

export interface Outgoing {
  /** For messages. */
  readonly device: string;
  readonly topic: string;
  readonly payload: string;
  readonly signal: AbortSignal;
  /** Undefined: the message cannot act. */
  readonly permit: SendPermit | undefined;
  /** The connection to use now. @throws GatewayError `link_unavailable` (`not_sent`) while there is none */
  connection(): SendingConnection;
}

/** No PUBACK within this: the connection is reset. */
const ACKNOWLEDGED_WITHIN_MS = 1_000;
/** How long a broker may keep a command for a device that is away. */
const EXPIRY_SECONDS = 5;
/** With less time than this until `send_by` a command could not be taken back in time. A guess. */
const LEAST_TIME_MS = 20;
/**
 * A broker keeps a command for a device that is away with a persistent session. The shortest expiry is one second, and
 * mosquitto 2.0.11 was seen to keep a message up to a second longer than told: with less time than this it could hand
 * the command over after `send_by`. MQTT 3.1.1 has no expiry at all, and nothing to gain by this.
 */
const LEAST_TIME_WITH_EXPIRY_MS = 2_000;

const NO_MATCHING_SUBSCRIBERS = 0x10;
const NOT_AUTHORIZED = 0x87;
const TOPIC_NAME_INVALID = 0x90;

/**
 * Sends commands so that none is late and none goes twice. A command is published when the connection is there and
 * has room, in the same tick as its permit is spent, and the packet is with the kernel when that turn of the event loop
 * ends, or never if that turn took too long for its expiry to be true. From then on the kernel alone decides when it leaves: a network that went silent without a FIN keeps it, for minutes.
 * Hence the reset when the broker has not acknowledged within a second, and at `send_by` if that comes first: it
 * discards what the kernel has not sent.
 */
export class CommandSender {
  readonly #clock: Clock;
  readonly #place: BrokerIdentity;
  #inFlight: InFlight | undefined;

  constructor(clock: Clock, place: BrokerIdentity) {
    this.#clock = clock;
    this.#place = place;
  }

  get idle(): boolean {
    return (this.#inFlight?.size ?? 0) === 0;
  }

  connected(connection: SendingConnection): void {
    this.#inFlight = new InFlight(this.#clock, () => connection.reset(notAnswering(this.#place, 'a PUBLISH')));
  }

  connectionLost(): void {
    this.#inFlight?.lose();
  }

  acknowledged(messageId: number, reasonCode: number): void {
    this.#inFlight?.acknowledge(messageId, reasonCode);
  }

  /** Publishes an empty retained message, which makes the broker forget the one it kept. */
  clearRetained(connection: SendingConnection, topic: string): Promise<Acknowledgement> {
    const id = connection.publish(topic, '', { qos: 1, retain: true });
    return this.#track(id, ACKNOWLEDGED_WITHIN_MS);
  }

  /**
   * Resolves with when the acknowledgement was read.
   * @throws GatewayError as {@link MqttLink.command} and {@link MqttLink.query} say
   */
  async send(outgoing: Outgoing): Promise<number> {
    const { device, topic, payload, signal, permit } = outgoing;
    signal.throwIfAborted();
    const problem = topicProblem(topic);
    if (problem !== undefined)
      throw new GatewayError(
        'misconfigured',
        `${device}: "${topic}" is no MQTT topic: ${problem}. Correct its settings.`,
      );
    let connection = outgoing.connection();
    if (!this.#hasRoom(connection)) {
      await this.#untilRoom(outgoing);
      connection = outgoing.connection();
    }
    const remainingMs = this.#remaining(outgoing, connection);
    const expirySeconds = expiryWithin(remainingMs);
    const options = { qos: 1, retain: false, properties: { messageExpiryInterval: expirySeconds } } as const;
    // Nothing is awaited between here and the packet.
    permit?.spend();
    let messageId: number;
    try {
      messageId = connection.publish(topic, payload, options, leaveBy(connection, permit, expirySeconds));
    } catch (error) {
      throw this.#notPublished(connection, outgoing, error);
    }
    const acknowledgement = this.#track(messageId, Math.min(ACKNOWLEDGED_WITHIN_MS, remainingMs));
    const settled = await orLeft(signal, acknowledgement);
    if (settled === undefined) throw left(outgoing);
    return judge(settled, outgoing, this.#place);
  }

  #hasRoom(connection: SendingConnection): boolean {
    return !connection.congested && (this.#inFlight?.size ?? 0) < connection.receiveMaximum;
  }

  /** A network or broker that takes nothing for as long as a PUBACK may take is as good as gone. */
  async #untilRoom(outgoing: Outgoing): Promise<void> {
    const { signal } = outgoing;
    const stuck = outgoing.connection();
    const timer = this.#clock.setTimer(
      () => stuck.reset(notAnswering(this.#place, 'earlier messages')),
      ACKNOWLEDGED_WITHIN_MS,
    );
    try {
      for (let connection = stuck; !this.#hasRoom(connection); connection = outgoing.connection()) {
        await orLeft(signal, connection.congested ? connection.flushed() : this.#inFlight?.changed());
        signal.throwIfAborted();
      }
    } finally {
      timer.cancel();
    }
  }

  #remaining({ permit, device }: Outgoing, { protocolVersion }: SendingConnection): number {
    if (permit === undefined) return Number.POSITIVE_INFINITY;
    const remainingMs = permit.sendBy - this.#clock.now();
    if (remainingMs < LEAST_TIME_MS)
      throw new GatewayError(
        'expired',
        `${device}: the moment to send the command has passed; nothing was sent. Try again.`,
      );
    if (protocolVersion === 5 && remainingMs < LEAST_TIME_WITH_EXPIRY_MS)
      throw new GatewayError(
        'expired',
        `${device}: less than two seconds were left to send the command, and the broker might have kept it for longer; ` +
          'nothing was sent. Try again.',
      );
    return remainingMs;
  }

  #notPublished(connection: SendingConnection, { device, permit }: Outgoing, error: unknown): GatewayError {
    if (error instanceof BrokerFailure) {
      permit?.withdraw();
      return unavailable(device, this.#place, error);
    }
    connection.reset(notAnswering(this.#place, 'a PUBLISH'));
    return new GatewayError('outcome_unknown', unknown(device, this.#place.name), { cause: error });
  }

  #track(messageId: number, limitMs: number): Promise<Acknowledgement> {
    return this.#inFlight?.add(messageId, limitMs) ?? Promise.resolve('lost');
  }
}

/**
 * Whole seconds; mosquitto 2.0 takes 0 for no expiry at all. A broker that counts in whole seconds keeps a message up to a
 * second longer (seen with mosquitto 2.0.11).
 */
const expiryWithin = (remainingMs: number): number =>
  Math.max(1, Math.min(EXPIRY_SECONDS, Math.floor(remainingMs / 1_000) - 1));

/**
 * `Clock.now()` from which on the packet must not leave. The broker counts the expiry from when it receives it: what leaves
 * later than that was reckoned with could reach a device that was away after `send_by`.
 */
function leaveBy({ protocolVersion }: SendingConnection, permit: SendPermit | undefined, expirySeconds: number) {
  if (permit === undefined) return undefined;
  return protocolVersion === 5 ? permit.sendBy - (expirySeconds + 1) * 1_000 : permit.sendBy;
}

/** The error of a link that is down. */
export const unavailable = (device: string, { name }: BrokerIdentity, down: Down) =>
  new GatewayError('link_unavailable', `${device}: nothing was sent, the MQTT link ${name} is down. ${down.hint}`);

const unknown = (device: string, broker: string) =>
  `${device}: the MQTT broker ${broker} did not confirm the command in time, so it may or may not have arrived. ` +
  'Look at the device before you repeat it.';

/** Resolves as `promise` does, or with undefined when the signal aborts first. */
function orLeft<T>(signal: AbortSignal, promise: Promise<T> | undefined): Promise<T | undefined> {
  return new Promise((resolve) => {
    const onAbort = () => resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
    promise?.then((value) => {
      signal.removeEventListener('abort', onAbort);
      resolve(value);
    });
  });
}

/** The caller left while the message was under way; the message itself stays under supervision. */
function left({ signal, permit, device }: Outgoing): unknown {
  if (permit === undefined) return signal.reason;
  const message = `${device}: the command was given up while it was under way, so it may or may not have arrived.`;
  return new GatewayError('outcome_unknown', message, { cause: signal.reason });
}

/** Turns a PUBACK's reason code into when it came or an error (MQTT 5, section 3.4.2.1). */
function judge(
  acknowledgement: Acknowledgement,
  { device, topic, permit }: Outgoing,
  { name, username }: BrokerIdentity,
): number {
  if (acknowledgement === 'lost') {
    if (permit !== undefined) throw new GatewayError('outcome_unknown', unknown(device, name));
    throw new GatewayError(
      'link_unavailable',
      `${device}: the MQTT broker ${name} did not take the question. Try again.`,
    );
  }
  const { reasonCode, at } = acknowledgement;
  if (reasonCode !== NO_MATCHING_SUBSCRIBERS && reasonCode < 0x80) return at;
  permit?.withdraw();
  if (reasonCode === NO_MATCHING_SUBSCRIBERS)
    throw new GatewayError(
      'link_unavailable',
      `${device}: nobody is subscribed to ${topic} at the MQTT broker ${name}, so nobody received it. ` +
        'Start the bridge or device that should be, and check the topic in its settings.',
    );
  if (reasonCode === NOT_AUTHORIZED || reasonCode === TOPIC_NAME_INVALID)
    throw new GatewayError(
      'misconfigured',
      `${device}: the MQTT broker ${name} does not let ${username ?? 'the gateway'} publish on ${topic}. ` +
        'Allow it in the broker’s access list.',
    );
  throw new GatewayError(
    'link_unavailable',
    `${device}: the MQTT broker ${name} refused the message (PUBACK ${reasonCode}). The broker’s log says why.`,
  );
}

/** What became of a published message: the PUBACK and when it was read (`Clock.now()`), or nobody will ever know. */
type Acknowledgement = { readonly reasonCode: number; readonly at: number } | 'lost';

/** The messages of one connection that the broker has not acknowledged yet. */
class InFlight {
  readonly #clock: Clock;
  readonly #onOverdue: () => void;
  readonly #pending = new Map<
    number,
    { readonly timer: Timer | undefined; readonly settle: (acknowledgement: Acknowledgement) => void }
  >();
  readonly #waiting = new Set<() => void>();
  #lost = false;

  /** @param onOverdue called when a message was not acknowledged within its limit: the connection is to be reset */
  constructor(clock: Clock, onOverdue: () => void) {
    this.#clock = clock;
    this.#onOverdue = onOverdue;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Call it in the same tick as the publish. `limitMs` undefined: no limit. Never rejects. */
  add(messageId: number, limitMs: number | undefined): Promise<Acknowledgement> {
    if (this.#lost) return Promise.resolve('lost');
    const timer = limitMs === undefined ? undefined : this.#clock.setTimer(() => this.#overdue(messageId), limitMs);
    return new Promise((settle) => void this.#pending.set(messageId, { timer, settle }));
  }

  acknowledge(messageId: number, reasonCode: number): void {
    const entry = this.#pending.get(messageId);
    if (entry === undefined) return;
    this.#pending.delete(messageId);
    entry.timer?.cancel();
    entry.settle({ reasonCode, at: this.#clock.now() });
    this.#wake();
  }

  /** The connection is gone: everything still open is lost, and so is what comes later. */
  lose(): void {
    this.#lost = true;
    for (const { timer, settle } of this.#pending.values()) {
      timer?.cancel();
      settle('lost');
    }
    this.#pending.clear();
    this.#wake();
  }

  /** Resolves at the next acknowledgement or loss. */
  changed(): Promise<void> {
    return this.#lost ? Promise.resolve() : new Promise((resolve) => void this.#waiting.add(resolve));
  }

  /** A process that was held up finds its timers first and reads what came in meanwhile afterwards: look once more. */
  #overdue(messageId: number): void {
    setImmediate(() => {
      if (this.#pending.has(messageId)) this.#onOverdue();
    });
  }

  #wake(): void {
    for (const resume of this.#waiting) resume();
    this.#waiting.clear();
  }
}
