import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Driver } from 'zwave-js';
import {
  type Clock,
  GatewayError,
  type LinkState,
  sleep,
  type Unsubscribe,
  type ZwaveLink,
} from '../../contract/index.ts';
import type { OpenStick } from './controller-events.ts';
import { type DatabaseFactory, DriverDatabases } from './databases.ts';
import { assertCodesAreKept, driverOptions, type ZwaveNetworkKeys } from './driver-options.ts';
import type { ZwaveLibrary } from './library.ts';
import { zwaveLog } from './log-bridge.ts';
import { type NodeHost, NodeLink } from './node-link.ts';
import { StickGate, type StickSocket } from './port-binding.ts';

/** Wait before a stick is opened again, in milliseconds: doubled from the first to the last. Guesses. */
const REOPEN_FIRST_MS = 200;
const REOPEN_LAST_MS = 2_000;
/** A stick that says nothing for so long after its port was opened is not one. A guess; the slowest start seen took 5 s. */
const START_MS = 30_000;
/** How long the library may take to let go of a stick that is gone. A guess. */
const LET_GO_MS = 5_000;

export interface ZwaveStickOptions {
  readonly name: string;
  readonly socket: StickSocket;
  readonly keys: ZwaveNetworkKeys;
  readonly cacheDir: string;
  /** The network that the stick must hold, eight hexadecimal digits; undefined before it was seen for the first time. */
  readonly homeId: string | undefined;
  /** Called once, with the network that was found where none was expected. */
  readonly remember: (homeId: string) => void;
  readonly library: ZwaveLibrary;
  readonly databases: DatabaseFactory;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

const notYet: LinkState = {
  status: 'down',
  reason: 'opening',
  hint: 'It is being opened; try again in a few seconds.',
};

/**
 * One Z-Wave controller, shared by the devices behind it. It is opened again for ever, each time with a new driver of
 * zwave-js: what an earlier one had in hand dies with it, so that nothing is sent late or twice.
 */
export class ZwaveStick implements NodeHost {
  readonly name: string;
  readonly #options: ZwaveStickOptions;
  readonly #nodes = new Map<number, NodeLink>();
  readonly #listeners = new Set<(state: LinkState) => void>();
  readonly #closing = new AbortController();
  #state: LinkState = notYet;
  #homeId: string | undefined;
  #openings = 0;
  #open: OpenStick | undefined;
  #reopen: (why: string) => void = () => undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ZwaveStickOptions) {
    this.name = options.name;
    this.#options = options;
    this.#homeId = options.homeId;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** How often it came back after it had been there. */
  get reconnects(): number {
    return Math.max(0, this.#openings - 1);
  }

  get library(): ZwaveLibrary {
    return this.#options.library;
  }

  now(): number {
    return this.#options.clock.now();
  }

  distrust(why: string): void {
    this.#reopen(why);
  }

  /** For what concerns the network as a whole. @throws GatewayError `link_unavailable` while it is not open */
  get open(): OpenStick {
    if (this.#open !== undefined) return this.#open;
    const hint = this.#state.status === 'down' ? this.#state.hint : 'It is being opened; try again in a few seconds.';
    throw new GatewayError('link_unavailable', `The Z-Wave stick ${this.name} cannot be used. ${hint}`);
  }

  start(): void {
    this.#running = this.#keepOpen();
  }

  /** The same node gets the same link's inside: what it reports reaches everybody who listens. */
  link(node: number): ZwaveLink {
    let found = this.#nodes.get(node);
    if (found === undefined) {
      found = new NodeLink(node, this);
      this.#nodes.set(node, found);
      // A device that came with a changed configuration, to a stick that is open already.
      if (this.#open !== undefined) found.attach(this.#open.driver);
    }
    return found.link((listener) => this.#onStateChange(listener));
  }

  async close(): Promise<void> {
    this.#closing.abort(new GatewayError('link_unavailable', `The Z-Wave stick ${this.name} is being closed.`));
    await this.#running;
  }

  #onStateChange(listener: (state: LinkState) => void): Unsubscribe {
    const own = (state: LinkState) => listener(state);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  #become(state: LinkState): void {
    if (state.status === this.#state.status && state.status === 'up') return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  async #keepOpen(): Promise<void> {
    const { clock, random, log } = this.#options;
    const { signal } = this.#closing;
    let wait = REOPEN_FIRST_MS;
    while (!signal.aborted) {
      const opened = this.#openings;
      try {
        await this.#openOnce();
      } catch (error) {
        const { message } = error as Error;
        if (this.#state.status === 'up' || this.#state.hint !== message) log.warn({ stick: this.name }, message);
        const { fault } = error as { readonly fault?: unknown };
        const lost = typeof fault === 'string' ? fault : 'stick_lost';
        const reason = error instanceof StickRefused ? 'wrong_network' : lost;
        this.#become({ status: 'down', reason, hint: message });
      }
      if (this.#openings > opened) wait = REOPEN_FIRST_MS;
      await sleep(clock, wait * (0.75 + random() / 2), signal).catch(() => undefined);
      wait = Math.min(wait * 2, REOPEN_LAST_MS);
    }
    this.#become({ status: 'down', reason: 'closing', hint: 'The gateway is stopping.' });
  }

  /** Resolves when the gateway stops. @throws Error with what became of the stick, in words */
  async #openOnce(): Promise<void> {
    const { socket, library, cacheDir, keys, log, clock } = this.#options;
    let lose: (error: Error) => void = () => undefined;
    const lost = new Promise<never>((_, reject) => {
      lose = reject;
    });
    lost.catch(() => undefined);
    const { signal } = this.#closing;
    const onClose = () => lose(signal.reason as Error);
    signal.addEventListener('abort', onClose, { once: true });
    const gate = new StickGate(lose);
    const over = new AbortController();
    const databases = new DriverDatabases(this.#options.databases);
    let driver: Driver | undefined;
    try {
      await gate.open(socket);
      this.#reopen = (why) => {
        gate.shut();
        lose(new Error(`The Z-Wave stick at ${socket.path} is opened again: ${why}.`));
      };
      // Codes are among what is kept there.
      await mkdir(cacheDir, { recursive: true, mode: 0o700 });
      const options = driverOptions({ keys, cacheDir, log: zwaveLog(log), databases: databases.factory });
      assertCodesAreKept(options);
      driver = new library.Driver(gate.factory, options);
      await inTime(Promise.race([lost, this.#started(driver, lose)]), clock, socket.path);
      const own = driver;
      for (const node of this.#nodes.values()) node.attach(own);
      own.controller.on('node added', (node) => this.#nodes.get(node.id)?.attach(own));
      own.controller.on('node removed', (node) => this.#nodes.get(node.id)?.attach(own));
      this.#openings += 1;
      this.#open = { driver, library, lost: over.signal };
      log.info(
        { stick: this.name, home_id: this.#homeId, nodes: own.controller.nodes.size - 1 },
        'the Z-Wave stick is there',
      );
      this.#become({ status: 'up' });
      await lost;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', onClose);
      gate.shut();
      this.#open = undefined;
      over.abort(
        new GatewayError('link_unavailable', `The Z-Wave stick ${this.name} was lost. Try again when it is back.`),
      );
      this.#reopen = () => undefined;
      if (this.#state.status === 'up')
        this.#become({ status: 'down', reason: 'stick_lost', hint: 'It was lost and is opened again by itself.' });
      for (const node of this.#nodes.values()) node.detach();
      await letGo(driver, clock, log);
      // The next driver finds them held otherwise, and so on for ever.
      await databases.close();
      await gate.close();
    }
  }

  /** Resolves when the stick has told which network it holds, and it is the right one. */
  #started(driver: Driver, lose: (error: Error) => void): Promise<void> {
    const { socket } = this.#options;
    const lostWords = (error: unknown) => {
      const { code, message } = error as { readonly code?: unknown; readonly message?: string };
      const said = typeof code === 'number' ? `zwave-js ${code}` : message;
      return new Error(
        `The Z-Wave stick at ${socket.path} does not answer as one (${said}). Check that it is a Z-Wave stick, and plug it in again.`,
      );
    };
    driver.on('error', (error) => lose(lostWords(error)));
    return new Promise((resolve, reject) => {
      driver.once('driver ready', () => {
        try {
          this.#checkNetwork(driver.controller.homeId ?? 0);
          resolve();
        } catch (error) {
          reject(error);
        }
      });
      driver.start().catch((error: unknown) => reject(lostWords(error)));
    });
  }

  /** @throws StickRefused: another stick, or one that was reset, is not taken for the one whose locks are known */
  #checkNetwork(id: number): void {
    const found = id.toString(16).padStart(8, '0');
    if (this.#homeId === undefined) {
      this.#homeId = found;
      this.#options.remember(found);
    } else if (this.#homeId !== found) {
      throw new StickRefused(
        `The Z-Wave stick ${this.name} holds the network ${found}, but ${this.#homeId} is expected: it is another stick, or it was reset. Plug in the right one, or set zwave.${this.name}.home_id to "${found}" when the change is meant.`,
      );
    }
  }
}

class StickRefused extends Error {}

async function inTime<T>(work: Promise<T>, clock: Clock, path: string): Promise<T> {
  const enough = new AbortController();
  const tooSlow = sleep(clock, START_MS, enough.signal).then(() => {
    throw new Error(
      `The Z-Wave stick at ${path} said nothing for ${START_MS / 1_000} s. Unplug it and plug it in again.`,
    );
  });
  tooSlow.catch(() => undefined);
  try {
    return await Promise.race([work, tooSlow]);
  } finally {
    enough.abort();
  }
}

async function letGo(driver: Driver | undefined, clock: Clock, log: Logger): Promise<void> {
  if (driver === undefined) return;
  const enough = new AbortController();
  const done = driver.destroy().catch((error: unknown) => log.warn({ err: error }, 'zwave-js did not end cleanly'));
  await Promise.race([done, sleep(clock, LET_GO_MS, enough.signal).catch(() => undefined)]);
  enough.abort();
}
