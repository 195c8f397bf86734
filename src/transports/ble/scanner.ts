import type { Logger } from 'pino';
import { type BleAdvertisement, type Clock, sleep, type Timer, type Unsubscribe } from '../../contract/index.ts';
import { type ConnectParameters, idOf, isConnecting, type Noble, type Peripheral, untyped } from './noble.ts';

/** How long the controller may take to begin or end a scan, in milliseconds. A guess; it takes one round trip. */
const SWITCH_PATIENCE_MS = 2_000;

/** How often a scan is begun anew while somebody waits, in milliseconds. A guess. */
const HASTY_REARM_MS = 1_000;

export interface ScannerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Every so many milliseconds the scan is begun anew. The controller tells of each device once per scan, which keeps
   * a busy site from flooding the host and still tells of a change within this time.
   */
  readonly rearmMs: number;
  /** noble remembers every address it ever heard, and phones change theirs all day. */
  readonly crowd: number;
  /** The controller does not do what it is told. */
  readonly onWedged: () => void;
  /** More than `crowd` addresses were heard: the stack had better be replaced while it has nothing to do. */
  readonly onCrowded: () => void;
}

/**
 * The only one who scans. It listens while somebody wants to hear and no connection is made or open: many controllers
 * refuse to connect while they scan, and some drop links.
 */
export class Scanner {
  readonly #options: ScannerOptions;
  readonly #listeners = new Set<(advertisement: BleAdvertisement) => void>();
  /** Those of people who wait. */
  readonly #hasty = new Set<(advertisement: BleAdvertisement) => void>();
  readonly #heard = new Set<string>();
  #noble: Noble | undefined;
  #pauses = 0;
  #scanning = false;
  #rearm: Timer | undefined;
  /** Switching on and off happens one after the other. */
  #switching: Promise<void> = Promise.resolve();
  #giveUp: () => void = () => undefined;
  readonly #onDiscover = (peripheral: Peripheral) => this.#hear(peripheral);

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  /** @param quick tells of everybody who is there at once, and of changes within a second; it costs radio time */
  listen(listener: (advertisement: BleAdvertisement) => void, quick = false): Unsubscribe {
    this.#listeners.add(listener);
    if (quick) {
      this.#hasty.add(listener);
      this.#beginAnew();
    }
    this.#settle();
    return () => {
      this.#listeners.delete(listener);
      this.#hasty.delete(listener);
      this.#settle();
    };
  }

  attach(noble: Noble): void {
    this.#noble = noble;
    this.#heard.clear();
    noble.on('discover', this.#onDiscover);
    this.#settle();
  }

  /** The stack is gone, and its scan with it. */
  detach(): void {
    this.#noble?.removeListener('discover', this.#onDiscover);
    this.#noble = undefined;
    this.#scanning = false;
    this.#rearm?.cancel();
    this.#giveUp();
  }

  /** Resolves once no scan runs. Each call is made good by one of {@link resume}. */
  async pause(): Promise<void> {
    this.#pauses += 1;
    this.#settle();
    await this.#switching;
  }

  resume(): void {
    this.#pauses -= 1;
    this.#settle();
  }

  #settle(): void {
    this.#switching = this.#switching.then(() => this.#switch());
  }

  async #switch(): Promise<void> {
    const noble = this.#noble;
    const wanted = noble !== undefined && this.#listeners.size > 0 && this.#pauses === 0;
    if (noble === undefined || wanted === this.#scanning) return;
    if (!wanted) {
      await this.#cease(noble);
      return;
    }
    if (this.#heard.size > this.#options.crowd) this.#options.onCrowded();
    if (this.#noble === noble) await this.#begin(noble);
  }

  async #begin(noble: Noble): Promise<void> {
    if (!(await this.#told(noble, (done) => noble.startScanning([], false, done)))) return;
    this.#scanning = true;
    const { clock, rearmMs } = this.#options;
    const ms = this.#hasty.size > 0 ? Math.min(HASTY_REARM_MS, rearmMs) : rearmMs;
    this.#rearm = clock.setTimer(() => this.#beginAnew(), ms);
  }

  #beginAnew(): void {
    const noble = this.#noble;
    this.#switching = this.#switching.then(async () => {
      if (noble === undefined || this.#noble !== noble || !this.#scanning) return;
      await this.#cease(noble);
      await this.#switch();
    });
  }

  async #cease(noble: Noble): Promise<void> {
    this.#rearm?.cancel();
    this.#scanning = false;
    await this.#told(noble, (done) => noble.stopScanning(done));
  }

  /** False when the stack is gone meanwhile, or did not do it in time. */
  #told(noble: Noble, ask: (done: (error?: Error) => void) => void): Promise<boolean> {
    const { clock, log, onWedged } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.setTimer(() => {
        resolve(false);
        log.warn('the Bluetooth controller does not switch its scan');
        onWedged();
      }, SWITCH_PATIENCE_MS);
      this.#giveUp = () => {
        timer.cancel();
        resolve(false);
      };
      const done = (error?: Error) => {
        timer.cancel();
        resolve(!error && this.#noble === noble);
      };
      try {
        ask(done);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #hear(peripheral: Peripheral): void {
    this.#heard.add(peripheral.id);
    const { localName, manufacturerData, serviceData, serviceUuids } = peripheral.advertisement;
    // noble goes on changing what it hands out.
    const advertisement: BleAdvertisement = {
      address: peripheral.address,
      addressType: peripheral.addressType,
      rssi: peripheral.rssi,
      localName: localName as string | undefined,
      manufacturerData: (manufacturerData as Buffer | undefined) && Buffer.from(manufacturerData),
      serviceUuids: [...serviceUuids],
      serviceData: serviceData.map(({ uuid, data }) => ({ uuid, data: Buffer.from(data) })),
    };
    for (const listener of [...this.#listeners]) listener(advertisement);
  }
}

/** What a connection could not be made for. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
  /** `wedged`: the controller does not call a connection off, and every further one would wait behind it. */
  readonly kind: 'timeout' | 'refused' | 'wedged';

  constructor(kind: ConnectFailure['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface Peer {
  readonly address: string;
  readonly addressType: 'public' | 'random';
}

export interface ConnectOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** `Clock.now()` by which the connection must stand. */
  readonly by: number;
  readonly parameters: Omit<ConnectParameters, 'addressType'>;
}

/** How often a connection that was called off is looked at, and for how long, in milliseconds. Guesses. */
const CANCEL_POLL_MS = 50;
const CANCEL_PATIENCE_MS = 1_000;

/**
 * Connects to a device by its address, heard before or not. noble itself would wait for ever.
 * @param adopt called in the very turn in which the connection stands, before anything can arrive on it
 * @throws ConnectFailure; the signal's reason
 */
export async function connect<T>(
  noble: Noble,
  peer: Peer,
  options: ConnectOptions,
  adopt: (peripheral: Peripheral) => T,
): Promise<T> {
  const { clock, signal, by, parameters } = options;
  signal.throwIfAborted();
  const id = idOf(peer.address);
  return new Promise<T>((resolve, reject) => {
    let over = false;
    const leave = () => {
      over = true;
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      noble.removeListener('warning', onWarning);
    };
    const fail = (error: unknown) => {
      leave();
      reject(error);
    };
    // A failed connection with a device that noble never heard is told in no other way.
    const onWarning = (message: unknown) => {
      if (String(message) === `unknown peripheral ${id} connected!`)
        fail(new ConnectFailure('refused', 'the controller refused to connect'));
    };
    const onAbort = () => {
      leave();
      void callOff(noble, peer.address, options).then(
        () => reject(signal.reason),
        (error: unknown) => reject(error),
      );
    };
    const timer = clock.setTimer(
      () => {
        leave();
        void callOff(noble, peer.address, options).then(
          () => reject(new ConnectFailure('timeout', 'the device did not answer')),
          (error: unknown) => reject(error),
        );
      },
      Math.max(0, by - clock.now()),
    );
    signal.addEventListener('abort', onAbort, { once: true });
    noble.on('warning', onWarning);
    untyped(noble).connect(peer.address, { ...parameters, addressType: peer.addressType }, (error, peripheral) => {
      // Calling off answers here as well.
      if (over) return;
      leave();
      if (error) reject(new ConnectFailure('refused', error.message));
      else if (peripheral === undefined) reject(new ConnectFailure('refused', 'noble knows no such device'));
      else resolve(adopt(peripheral));
    });
  });
}

/**
 * Calls a connection off and waits until the controller has let go of it. A cancel that comes while noble still
 * resets the controller is lost, and the connection is begun after it: hence more than one.
 * @throws ConnectFailure `wedged`
 */
async function callOff(noble: Noble, address: string, { clock, log }: ConnectOptions): Promise<void> {
  noble.cancelConnect(address);
  const until = clock.now() + CANCEL_PATIENCE_MS;
  for (let polls = 1; isConnecting(noble, address); polls++) {
    if (clock.now() >= until) {
      log.warn({ address }, 'the Bluetooth controller does not call a connection off');
      throw new ConnectFailure('wedged', 'the controller does not call a connection off');
    }
    await sleep(clock, CANCEL_POLL_MS);
    if (polls % 4 === 0 && isConnecting(noble, address)) noble.cancelConnect(address);
  }
}
