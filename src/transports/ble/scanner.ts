import type { Logger } from 'pino';
import type { BleAdvertisement, Clock, Timer, Unsubscribe } from '../../contract/index.ts';
import type { Noble, Peripheral } from './noble.ts';

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
