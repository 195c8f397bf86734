import { ErrorWithReasonCode, type IClientPublishOptions, MqttClient } from 'mqtt';
import type { Clock, MqttMessage, Secret } from '../../contract/index.ts';
import { type BrokerSocket, openBrokerSocket } from './broker-socket.ts';
import type { TlsMaterial } from './credentials.ts';
import {
  BrokerFailure,
  type BrokerIdentity,
  closedWhileConnecting,
  connackFailure,
  connectionClosed,
  connectTimedOut,
  disconnectFailure,
  heldUp,
  notAnswering,
  socketFailure,
} from './failures.ts';
import { guardPackets, type OversizedMessage } from './packet-guard.ts';

export type ProtocolVersion = 4 | 5;

export interface Will {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  readonly qos: 0 | 1;
}

export interface ConnectionOptions extends BrokerIdentity {
  readonly tls?: TlsMaterial | undefined;
  readonly password?: Secret | undefined;
  readonly clientId: string;
  readonly protocolVersion: ProtocolVersion;
  readonly keepaliveSeconds: number;
  readonly will?: Will | undefined;
  /** For TCP, TLS and CONNACK together, and for the answer to a SUBSCRIBE. Milliseconds. */
  readonly answerTimeoutMs: number;
  readonly clock: Clock;
}

export interface ConnectionHandlers {
  message(message: MqttMessage): void;
  /** `reasonCode` is 0 where the broker speaks 3.1.1. */
  acknowledged(messageId: number, reasonCode: number): void;
  /** One that is too large to be read; it is left out. */
  oversized(message: OversizedMessage): void;
}

/** Bytes: the largest packet that is read. What a bridge tells of all its devices at once has some megabytes. */
export const MAX_PACKET = 4_325_376;

/** More bytes than this may be more than the kernel takes at once: they are handed over to find out. A guess. */
const GATHERED_AT_MOST = 16_384;

/** Milliseconds: with less than this to spare a packet is not kept until its turn ends. A guess: turns take a few. */
const LONG_TURN_MS = 200;

/** How long a goodbye may take. A guess. */
const GOODBYE_MS = 1_000;

/**
 * One connection to a broker, from CONNECT to close. It is never used again afterwards: the next connection gets a
 * client of its own, so nothing mqtt.js keeps (its queue, its store of unacknowledged packets) can be sent a second
 * time or late. See docs/decisions/0010-mqtt-commands-now-or-never.md.
 */
export class BrokerConnection {
  readonly protocolVersion: ProtocolVersion;
  /** How many QoS 1 messages may be unacknowledged at once (MQTT 5, section 3.2.2.3.3). */
  readonly receiveMaximum: number;
  /** Bytes: the largest packet that the broker takes (MQTT 5, section 3.2.2.3.6); undefined where it names none. */
  readonly maximumPacketSize: number | undefined;
  /** Resolves with why the connection ended. */
  readonly closed: Promise<BrokerFailure>;
  readonly #options: ConnectionOptions;
  readonly #client: MqttClient;
  readonly #socket: BrokerSocket;
  #failure: BrokerFailure | undefined;
  #closed = false;
  /** Told at the end. */
  readonly #waiting = new Set<(failure: BrokerFailure) => void>();
  #ending = false;
  /** While packets of this turn are gathered: whether earlier ones still waited for the kernel when it began. */
  #behind = false;
  /** `Clock.now()` after which what is gathered must not leave any more. */
  #leaveBy = Number.POSITIVE_INFINITY;

  /** @throws BrokerFailure */
  static async open(
    options: ConnectionOptions,
    handlers: ConnectionHandlers,
    signal: AbortSignal,
  ): Promise<BrokerConnection> {
    const late = new AbortController();
    const stop = () => late.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const timer = options.clock.setTimer(
      () => late.abort(connectTimedOut(options, options.answerTimeoutMs)),
      options.answerTimeoutMs,
    );
    try {
      const socket = await openBrokerSocket(options.address, options.tls, late.signal);
      return await accepted(socket, options, handlers, late.signal);
    } catch (error) {
      if (error instanceof BrokerFailure) throw error;
      const closed = error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
      throw closed ? closedWhileConnecting(options) : socketFailure(error, options);
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', stop);
    }
  }

  constructor(client: MqttClient, socket: BrokerSocket, options: ConnectionOptions, handlers: ConnectionHandlers) {
    this.#client = client;
    this.#socket = socket;
    this.#options = options;
    this.protocolVersion = options.protocolVersion;
    this.maximumPacketSize = client.serverProperties?.maximumPacketSize;
    this.receiveMaximum = client.serverProperties?.receiveMaximum ?? 65_535;
    client.on('message', (topic, payload, packet) => {
      if (this.open) handlers.message({ topic, payload, retained: packet.retain });
    });
    client.on('packetsend', () => this.#gather());
    client.on('packetreceive', (packet) => {
      // The publish callback hides reason code 16 (no matching subscribers); the packet shows it.
      if (packet.cmd === 'puback' && packet.messageId !== undefined && this.open)
        handlers.acknowledged(packet.messageId, packet.reasonCode ?? 0);
      if (packet.cmd === 'disconnect') this.#failure ??= disconnectFailure(packet.reasonCode ?? 0, options);
    });
    client.on('error', (error) => {
      const silent = error.message === 'Keepalive timeout';
      // mqtt.js goes on after a packet it could not read; what follows such a packet cannot be trusted.
      this.reset(silent ? notAnswering(options, 'a ping') : socketFailure(error, options));
    });
    this.closed = new Promise((resolve) => {
      client.on('close', () => {
        this.#closed = true;
        const failure = this.#failure ?? connectionClosed(options);
        resolve(failure);
        for (const tell of [...this.#waiting]) tell(failure);
      });
    });
  }

  get open(): boolean {
    return !this.#closed && !this.#ending && this.#client.connected && !this.#socket.stream.destroyed;
  }

  /** Whether packets of an earlier turn still wait for the kernel: what is published now would wait behind them. */
  get congested(): boolean {
    const { stream } = this.#socket;
    if (stream.writableCorked > 0 && stream.writableLength > GATHERED_AT_MOST) this.#handOver();
    return stream.writableCorked > 0 ? this.#behind : stream.writableLength > 0;
  }

  /** Resolves when the kernel has taken what was written so far, or the connection closed. */
  flushed(): Promise<void> {
    return this.#whileOpen(
      (done) => void this.#socket.stream.write('', () => done()),
      () => undefined,
    );
  }

  /**
   * Publishes: the packet is with the operating system when this turn of the event loop ends, together with all others
   * of the turn, unless the connection is congested. Left alone, mqtt.js would hand over each by itself. It also keeps a
   * packet back while it works off a store, and drops one silently that it cannot encode (empty user properties, for
   * one), so that something was written is checked.
   *
   * @param leaveBy `Clock.now()` from which on it must not leave: a turn that took so long hands nothing over, and the
   * connection is reset. When that is soon, the packet is handed over before this returns.
   * @returns the message id that {@link ConnectionHandlers.acknowledged} will name; 0 for QoS 0
   * @throws BrokerFailure when the packet did not leave; the connection is then reset
   */
  publish(
    topic: string,
    payload: string | Buffer,
    options: IClientPublishOptions & { readonly qos: 0 | 1 },
    leaveBy = Number.POSITIVE_INFINITY,
  ): number {
    if (!this.open) throw this.#failure ?? connectionClosed(this.#options);
    const { stream } = this.#socket;
    const before = stream.writableLength;
    this.#client.publish(topic, payload, options, () => undefined);
    if (stream.writableLength === before) throw this.#notWritten();
    if (leaveBy - this.#options.clock.now() < LONG_TURN_MS) this.#handOver();
    else this.#leaveBy = Math.min(this.#leaveBy, leaveBy);
    return options.qos === 0 ? 0 : this.#client.getLastMessageId();
  }

  /**
   * Resolves with the SUBACK's code for each filter: the granted QoS, or 0x80 and above for a refusal.
   * @throws BrokerFailure when the connection closed first
   */
  subscribe(filters: readonly string[], qos: 0 | 1, asPublished = false): Promise<readonly number[]> {
    return this.#answered('a SUBSCRIBE', (done) => {
      // Over 3.1.1 mqtt.js leaves `rap`, "retain as published", out.
      this.#client.subscribe([...filters], { qos, ...(asPublished && { rap: true }) }, (error, _granted, packet) => {
        if (packet !== undefined) done(undefined, packet.granted.map(Number));
        else done(error ?? new Error('no SUBACK'));
      });
    });
  }

  /** @throws BrokerFailure when the connection closed first */
  unsubscribe(filters: readonly string[]): Promise<void> {
    return this.#answered('an UNSUBSCRIBE', (done) => {
      this.#client.unsubscribe([...filters], (error) => done(error ?? undefined));
    });
  }

  /** Breaks the connection off at once, taking back whatever the kernel has not sent yet. */
  reset(failure: BrokerFailure): void {
    this.#failure ??= failure;
    this.#ending = true;
    this.#socket.reset();
  }

  /** Says goodbye (no will is sent) and closes; resolves when closed. Breaks off when that takes too long. */
  async end(): Promise<void> {
    const timer = this.#options.clock.setTimer(() => this.#socket.stream.destroy(), GOODBYE_MS);
    this.#ending = true;
    this.#client.end();
    await this.closed;
    timer.cancel();
  }

  #notWritten(): BrokerFailure {
    const failure = new BrokerFailure({
      reason: 'not_written',
      hint: 'The MQTT library did not write the message. Please report this.',
    });
    this.reset(failure);
    return failure;
  }

  /** Called before each packet: what leaves in one turn of the event loop leaves in one write. */
  #gather(): void {
    const { stream } = this.#socket;
    if (stream.writableCorked > 0) return;
    this.#behind = stream.writableLength > 0;
    stream.cork();
    setImmediate(() => this.#handOver());
  }

  #handOver(): void {
    const { stream } = this.#socket;
    const late = this.#options.clock.now() >= this.#leaveBy;
    this.#leaveBy = Number.POSITIVE_INFINITY;
    if (late) this.reset(heldUp(this.#options));
    else while (stream.writableCorked > 0) stream.uncork();
  }

  /**
   * Waits for something, and no longer than the connection lives. Nothing stays of it: a connection lives for years, and
   * what is hung on `closed` stays for as long.
   * @param atEnd what it fails with when the connection closes first; undefined: it resolves then
   */
  #whileOpen<T>(
    begin: (done: (error?: Error, value?: T) => void) => void,
    atEnd: (failure: BrokerFailure) => BrokerFailure | undefined,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (error?: Error, value?: T) => {
        this.#waiting.delete(lost);
        if (error === undefined) resolve(value as T);
        else reject(error);
      };
      const lost = (failure: BrokerFailure) => end(atEnd(failure));
      if (this.#closed) return lost(this.#failure ?? connectionClosed(this.#options));
      this.#waiting.add(lost);
      begin(end);
    });
  }

  async #answered<T>(what: string, ask: (done: (error: Error | undefined, value?: T) => void) => void): Promise<T> {
    const { clock, answerTimeoutMs } = this.#options;
    const timer = clock.setTimer(() => this.reset(notAnswering(this.#options, what)), answerTimeoutMs);
    try {
      return await this.#whileOpen<T>(ask, (failure) => failure);
    } catch (error) {
      throw error instanceof BrokerFailure ? error : (this.#failure ?? connectionClosed(this.#options));
    } finally {
      timer.cancel();
    }
  }
}

/** Sends CONNECT on an open stream and waits for CONNACK. */
function accepted(
  socket: BrokerSocket,
  options: ConnectionOptions,
  handlers: ConnectionHandlers,
  signal: AbortSignal,
): Promise<BrokerConnection> {
  const { protocolVersion, username, password, will } = options;
  guardPackets(socket.stream, {
    limit: MAX_PACKET,
    oversized: (message) => handlers.oversized(message),
    broken: () => socket.reset(),
  });
  return new Promise((resolve, reject) => {
    const client = new MqttClient(() => socket.stream, {
      protocolId: 'MQTT',
      protocolVersion,
      clientId: options.clientId,
      clean: true,
      // Over 3.1.1 nothing can be said, and the guard leaves out what is too large.
      ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 0, maximumPacketSize: MAX_PACKET } }),
      keepalive: options.keepaliveSeconds,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password: password.reveal() }),
      ...(will !== undefined && { will }),
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      // Ours counts from the first packet of TCP and comes first.
      connectTimeout: options.answerTimeoutMs * 2,
      timerVariant: 'native',
      // Its table of 65,536 numbers costs more memory than everything it saves.
      writeCache: false,
      // It is told of every step. mqtt.js would print packets, payloads included, when DEBUG is set in the environment.
      log: Function.prototype as () => void,
    });
    const settle = () => {
      client.off('connect', onConnect).off('error', onError).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
    };
    const onConnect = () => {
      settle();
      resolve(new BrokerConnection(client, socket, options, handlers));
    };
    const fail = (failure: unknown) => {
      settle();
      client.on('error', () => undefined);
      socket.reset();
      reject(failure);
    };
    const onError = (error: Error) =>
      fail(error instanceof ErrorWithReasonCode ? connackFailure(error.code, options) : error);
    const onClose = () => fail(closedWhileConnecting(options));
    const onAbort = () => fail(signal.reason);
    client.on('connect', onConnect).on('error', onError).on('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
