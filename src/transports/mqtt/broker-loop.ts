import type { Logger } from 'pino';
import { type Clock, type LinkState, sleep, type Unsubscribe } from '../../contract/index.ts';
import { BrokerConnection, type ConnectionHandlers, type ConnectionOptions } from './broker-connection.ts';
import { BrokerFailure, socketFailure } from './failures.ts';

export interface LoopOptions extends Omit<ConnectionOptions, 'protocolVersion'> {
  /** Undefined: 5, and 3.1.1 where the broker refuses 5. */
  readonly protocolVersion?: ConnectionOptions['protocolVersion'] | undefined;
  /** The pause before the first new try; it grows up to the longest. Milliseconds. */
  readonly shortestPauseMs: number;
  readonly longestPauseMs: number;
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Logger;
  /** What the connection is for. A broker is told of once, by the one that carries commands. */
  readonly purpose: 'commands' | 'monitoring';
  readonly isKnownToBeOld?: boolean | undefined;
  /** Runs on each new connection before the state becomes up; when it fails the connection is given up. */
  prepare(connection: BrokerConnection): Promise<void>;
  /** Called when a connection is gone, before the state changes. */
  lost(): void;
  readonly handlers: ConnectionHandlers;
}

/** A connection that lived this long was a good one: the next pause is short again. A guess. */
const GOOD_AFTER_MS = 5_000;

/** Slower than doubling: after an outage of seconds a door must not wait for as long again. A guess. */
const GROWTH = 1.5;

/** Keeps a connection to one broker: connects, prepares, says how it is, and tries again for ever. */
export class BrokerLoop {
  readonly #options: LoopOptions;
  readonly #listeners = new Set<(state: LinkState) => void>();
  readonly #stop = new AbortController();
  #state: LinkState = { status: 'down', reason: 'starting', hint: 'The gateway has not tried to connect yet.' };
  #connection: BrokerConnection | undefined;
  #reconnects = -1;
  #upSince: number | undefined;
  #running: Promise<void> | undefined;
  #toldOfOldVersion = false;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The connection while the state is up. */
  get connection(): BrokerConnection | undefined {
    return this.#state.status === 'up' ? this.#connection : undefined;
  }

  /** How often the connection came back after it had been there. */
  get reconnects(): number {
    return Math.max(0, this.#reconnects);
  }

  onStateChange(listener: (state: LinkState) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Begins to connect and returns at once. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the connection and the trying. `orderly` says goodbye first. */
  async close(orderly: boolean): Promise<void> {
    this.#stop.abort(new BrokerFailure({ reason: 'closed', hint: 'The gateway is stopping.' }));
    const connection = this.#connection;
    if (orderly) await connection?.end();
    else connection?.reset(this.#stop.signal.reason);
    await this.#running;
    this.#become({ status: 'down', reason: 'closed', hint: 'The gateway is stopping.' });
  }

  async #run(): Promise<void> {
    const { clock, random, shortestPauseMs, longestPauseMs } = this.#options;
    const { signal } = this.#stop;
    let pause = shortestPauseMs;
    while (!signal.aborted) {
      this.#upSince = undefined;
      const failure = await this.#live();
      this.#connection = undefined;
      this.#options.lost();
      if (signal.aborted) return;
      this.#sayDown(failure);
      if (this.#upSince !== undefined && clock.now() - this.#upSince >= GOOD_AFTER_MS) pause = shortestPauseMs;
      // Between half and the whole pause: many gateways must not come back in step after a broker's restart.
      await sleep(clock, pause * (0.5 + random() / 2), signal).catch(() => undefined);
      pause = Math.min(pause * GROWTH, longestPauseMs);
    }
  }

  /** One connection from its making to its end; resolves with why it ended. */
  async #live(): Promise<BrokerFailure> {
    const { clock, log, name, prepare } = this.#options;
    try {
      const connection = await this.#connect();
      this.#connection = connection;
      const lost = connection.closed.then((failure) => Promise.reject(failure));
      await Promise.race([prepare(connection), lost]);
      this.#upSince = clock.now();
      this.#reconnects++;
      const { purpose } = this.#options;
      log[purpose === 'commands' ? 'info' : 'debug'](
        { broker: name, mqtt: connection.protocolVersion, purpose },
        `MQTT broker ${name} is connected`,
      );
      this.#become({ status: 'up' });
      return await connection.closed;
    } catch (error) {
      if (!(error instanceof BrokerFailure))
        log.error({ broker: name, err: error }, 'Preparing an MQTT connection failed');
      const failure = error instanceof BrokerFailure ? error : socketFailure(error, this.#options);
      this.#connection?.reset(failure);
      return failure;
    }
  }

  async #connect(): Promise<BrokerConnection> {
    const { log, name, handlers } = this.#options;
    const open = (protocolVersion: ConnectionOptions['protocolVersion']) =>
      BrokerConnection.open({ ...this.#options, protocolVersion }, handlers, this.#stop.signal);
    if (this.#options.protocolVersion !== undefined) return open(this.#options.protocolVersion);
    try {
      return await open(5);
    } catch (error) {
      if (!(error instanceof BrokerFailure && error.versionRefused)) throw error;
    }
    const connection = await open(4);
    if (!this.#toldOfOldVersion) {
      this.#toldOfOldVersion = true;
      const isNews = this.#options.purpose === 'commands' && !this.#options.isKnownToBeOld;
      log[isNews ? 'warn' : 'debug'](
        { broker: name },
        'The MQTT broker speaks 3.1.1 only. Lost: message expiry (a broker that keeps a command for an absent device ' +
          'delivers it late), reason codes (a command nobody is subscribed to, or that is not allowed, looks sent), ' +
          'user properties.',
      );
    }
    return connection;
  }

  #sayDown({ reason, hint }: BrokerFailure): void {
    const { log, name } = this.#options;
    const before = this.#state;
    if (before.status !== 'down' || before.reason !== reason || before.hint !== hint)
      log[this.#options.purpose === 'commands' ? 'warn' : 'debug'](
        { broker: name, reason },
        `MQTT broker ${name} is not connected: ${hint}`,
      );
    this.#become({ status: 'down', reason, hint });
  }

  #become(state: LinkState): void {
    const before = this.#state;
    if (before.status === state.status && (before.status === 'up' || state.status === 'up')) return;
    if (
      before.status === 'down' &&
      state.status === 'down' &&
      before.reason === state.reason &&
      before.hint === state.hint
    )
      return;
    this.#state = state;
    for (const listener of [...this.#listeners]) {
      try {
        listener(state);
      } catch (error) {
        this.#options.log.error({ err: error, broker: this.#options.name }, 'A listener for the link state failed');
      }
    }
  }
}
