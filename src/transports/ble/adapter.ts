import type { Logger } from 'pino';
import {
  type BleAdvertisement,
  type BleLink,
  type BleSessionOptions,
  type Clock,
  GatewayError,
  type GattSession,
  type LinkState,
  sleep,
  type Timer,
  type Unsubscribe,
} from '../../contract/index.ts';
import { joinSignals } from '../../driver-kit/join-signals.ts';
import type { AdapterFinder, FoundAdapter } from './adapter-finder.ts';
import { adapterTrouble } from './adapter-finder.ts';
import { GattCatalogue } from './gatt-catalogue.ts';
import type { Peer } from './scanner.ts';
import { Scanner } from './scanner.ts';
import { notReached, SessionMaker, SessionQueue, WaitedTooLong } from './sessions.ts';
import { Stack, type StackTrouble } from './stack.ts';
import { type BleTimings, defaultTimings } from './timings.ts';

export interface BleAdapterOptions {
  /** As in configuration: for messages. */
  readonly name: string;
  readonly finder: AdapterFinder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Links at a time. One unless the adapter is known to bear more. */
  readonly maxLinks?: number;
  readonly timings?: Partial<BleTimings>;
  /** Addresses heard before the stack is replaced in an idle moment. */
  readonly crowd?: number;
}

/** How long until an adapter that is not there is looked for again, in milliseconds. */
const LOOK_AGAIN_MS = 1_000;

/** How long a device is looked for while others wait, and how often they are looked for after that, in milliseconds. */
const CONNECT_SLICE_MS = 2_000;
const LOOK_FOR_OTHERS_MS = 250;

class GaveWay extends Error {
  override readonly name = 'GaveWay';
}

/**
 * One Bluetooth adapter, kept running: found, lost, found again. It lends its connections to devices, doors first,
 * and scans while it has nothing better to do.
 */
export class BleAdapter {
  readonly #options: BleAdapterOptions;
  readonly #timings: BleTimings;
  readonly #queue: SessionQueue;
  readonly #scanner: Scanner;
  readonly #maker: SessionMaker;
  readonly #stateListeners = new Set<(state: LinkState) => void>();
  readonly #closing = new AbortController();
  #state: LinkState;
  #stack: { readonly stack: Stack; readonly ended: AbortController } | undefined;
  readonly #sessions = new Set<Promise<unknown>>();
  #running: Promise<void> | undefined;
  #losses = 0;

  constructor(options: BleAdapterOptions) {
    const { clock, log, name } = options;
    this.#options = options;
    this.#timings = { ...defaultTimings, ...options.timings };
    this.#queue = new SessionQueue(options.maxLinks ?? 1);
    this.#maker = new SessionMaker({
      clock,
      log,
      random: options.random,
      timings: this.#timings,
      catalogue: new GattCatalogue(),
    });
    this.#state = { status: 'down', reason: 'starting', hint: `The Bluetooth adapter ${name} is being started.` };
    this.#scanner = new Scanner({
      clock,
      log,
      rearmMs: this.#timings.rearmScanMs,
      crowd: options.crowd ?? 2_000,
      onWedged: () => this.#stack?.stack.lost('not_answering'),
      onCrowded: () => {
        if (this.#queue.idle) this.#replaceStack();
      },
    });
  }

  /** Starts looking for the adapter. A host without one, or without Bluetooth, is no error: the state says so. */
  start(): void {
    this.#running ??= this.#run();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** How often a running adapter was lost. */
  get losses(): number {
    return this.#losses;
  }

  onStateChange(listener: (state: LinkState) => void): Unsubscribe {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** A device's place within reach of this adapter. @param deviceName for messages */
  link(peer: Peer, deviceName: string): BleLink {
    const adapter = this;
    const address = peer.address.toLowerCase();
    return {
      kind: 'ble',
      address,
      get state() {
        return adapter.#state;
      },
      onStateChange: (listener) => adapter.onStateChange(listener),
      session: async (options, use) => {
        const session = adapter.#session({ ...peer, address }, deviceName, options, use);
        adapter.#sessions.add(session);
        try {
          return await session;
        } finally {
          adapter.#sessions.delete(session);
        }
      },
      onAdvertisement: (listener) =>
        adapter.#scanner.listen((advertisement) => {
          if (advertisement.address === address) listener(advertisement);
        }),
    };
  }

  /** Hears everybody. @param quick for a person who waits: at once, and changes within a second */
  onAdvertisement(listener: (advertisement: BleAdvertisement) => void, quick = false): Unsubscribe {
    return this.#scanner.listen(listener, quick);
  }

  async close(): Promise<void> {
    this.#closing.abort(new GatewayError('link_unavailable', 'The gateway is stopping.'));
    this.#endStack(this.#closing.signal.reason);
    await this.#running;
    await Promise.allSettled(this.#sessions);
  }

  // ---- the adapter's life

  async #run(): Promise<void> {
    const { clock, finder, log, name } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const found = await finder.find();
      if (signal.aborted) return;
      if ('reason' in found) this.#down(found.reason, found.hint);
      else {
        const lost = await this.#startStack(found);
        if (lost !== undefined) {
          log.info(
            { adapter: name, as: found.name, address: this.#stack?.stack.address },
            'the Bluetooth adapter is ready',
          );
          if ((await lost) === 'replace') continue;
        }
      }
      await sleep(clock, LOOK_AGAIN_MS, signal).catch(() => undefined);
    }
  }

  /** Resolves with a promise that is kept when the stack has ended, or with nothing when it did not start. */
  async #startStack(found: FoundAdapter): Promise<Promise<'lost' | 'replace'> | undefined> {
    const { clock, log, finder, name } = this.#options;
    const ended = new AbortController();
    const down = (trouble: StackTrouble) => {
      const { reason, hint } = adapterTrouble(trouble, found, name);
      this.#down(reason, hint);
      return new GatewayError('link_unavailable', hint);
    };
    let stack: Stack | StackTrouble;
    try {
      stack = await Stack.start(found.binding, {
        clock,
        log,
        patienceMs: this.#timings.powerOnMs,
        onLost: (trouble) => {
          this.#losses += 1;
          log.warn({ adapter: name, trouble }, 'the Bluetooth adapter was lost');
          this.#endStack(down(trouble));
        },
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#down('unsupported', `The Bluetooth stack could not be loaded on this platform: ${why}`);
      return undefined;
    }
    if (typeof stack === 'string') {
      down(stack);
      return undefined;
    }
    if (this.#closing.signal.aborted) {
      stack.stop();
      return undefined;
    }
    finder.learn(stack.address);
    this.#stack = { stack, ended };
    this.#scanner.attach(stack.noble);
    this.#enter({ status: 'up' });
    return new Promise((resolve) => {
      ended.signal.addEventListener('abort', () => resolve(ended.signal.reason === 'replace' ? 'replace' : 'lost'), {
        once: true,
      });
    });
  }

  /** Between two stacks nothing is lost: it happens when nobody has a session. */
  #replaceStack(): void {
    this.#options.log.info({ adapter: this.#options.name }, 'the Bluetooth stack is replaced to forget strangers');
    this.#endStack('replace');
  }

  #endStack(reason: unknown): void {
    const running = this.#stack;
    if (running === undefined) return;
    this.#stack = undefined;
    this.#scanner.detach();
    running.ended.abort(reason);
    running.stack.stop();
  }

  #down(reason: string, hint: string): void {
    const before = this.#state;
    if (before.status === 'down' && before.reason === reason) return;
    this.#options.log.warn({ adapter: this.#options.name, reason, hint }, 'the Bluetooth adapter is not usable');
    this.#enter({ status: 'down', reason, hint });
  }

  #enter(state: LinkState): void {
    const before = this.#state;
    this.#state = state;
    if (before.status === 'up' && state.status === 'up') return;
    for (const listener of [...this.#stateListeners]) listener(state);
  }

  // ---- sessions

  async #session<T>(
    peer: Peer,
    deviceName: string,
    options: BleSessionOptions,
    use: (gatt: GattSession) => Promise<T>,
  ): Promise<T> {
    for (let tried = false; ; tried = true) {
      const leave = await this.#enterQueue(deviceName, options, tried);
      let hungUp: Promise<void> | undefined;
      const over = () => {
        leave();
        this.#scanner.resume();
      };
      try {
        await this.#scanner.pause();
        return await this.#takeTurn(peer, deviceName, options, use, (closing) => {
          hungUp = closing;
        });
      } catch (error) {
        if (!(error instanceof GaveWay)) throw error;
      } finally {
        if (hungUp === undefined) over();
        else this.#keep(hungUp.then(over));
      }
    }
  }

  /** What is waited for when the adapter is closed. */
  #keep(ending: Promise<unknown>): void {
    this.#sessions.add(ending);
    void ending.then(() => this.#sessions.delete(ending));
  }

  /**
   * @param hangingUp told of the connection's end where that takes long: whoever used it has its answer before
   * @throws GaveWay when the device was not reached and others wait: then it is queued for again
   */
  async #takeTurn<T>(
    peer: Peer,
    deviceName: string,
    options: BleSessionOptions,
    use: (gatt: GattSession) => Promise<T>,
    hangingUp: (closing: Promise<void>) => void,
  ): Promise<T> {
    const running = this.#requireStack();
    const yielding = new AbortController();
    const joined = joinSignals([options.signal, running.ended.signal, yielding.signal]);
    const turn = this.#watchTurn(options.priority, yielding);
    try {
      const session = await this.#maker.make(running, peer, deviceName, { ...options, signal: joined.signal });
      turn.over();
      try {
        return await this.#maker.lend(session, use);
      } finally {
        const closing = session.close();
        if (running.stack.hangUp.atOnce) await closing;
        else hangingUp(closing);
      }
    } finally {
      turn.over();
      joined.release();
    }
  }

  /** An absent device must not keep the adapter from one that is there. */
  #watchTurn(priority: BleSessionOptions['priority'], yielding: AbortController): { over(): void } {
    const { clock } = this.#options;
    let timer: Timer;
    const look = () => {
      if (this.#queue.hasWaiting(priority)) yielding.abort(new GaveWay('others wait for the adapter'));
      else timer = clock.setTimer(look, LOOK_FOR_OTHERS_MS);
    };
    timer = clock.setTimer(look, CONNECT_SLICE_MS);
    return { over: () => timer.cancel() };
  }

  /** @param tried the device was looked for before, and others came in between */
  async #enterQueue(
    deviceName: string,
    { priority, signal, by }: BleSessionOptions,
    tried: boolean,
  ): Promise<() => void> {
    this.#requireStack();
    try {
      return await this.#queue.enter(priority, { signal, by, clock: this.#options.clock });
    } catch (error) {
      if (!(error instanceof WaitedTooLong)) throw error;
      if (tried) throw notReached(deviceName, 'it did not answer');
      throw new GatewayError(
        'link_unavailable',
        `The Bluetooth adapter was busy with other devices, and nothing was sent to ${deviceName}. Try again; with ` +
          'many devices, add an adapter.',
      );
    }
  }

  #requireStack(): { readonly stack: Stack; readonly ended: AbortController } {
    if (this.#stack !== undefined) return this.#stack;
    const hint = this.#state.status === 'down' ? this.#state.hint : 'The Bluetooth adapter is being restarted.';
    throw new GatewayError('link_unavailable', hint);
  }
}
