import type { Clock } from '../../contract/index.ts';
import { AirLink, type Pacing } from './air-link.ts';
import { Controller, type Medium } from './controller.ts';
import { status } from './hci.ts';

export interface AirOptions {
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Default `instant`. */
  readonly pacing?: Pacing['mode'];
  /** Packets per direction and connection event under `events`. Default 6, a guess between phones and dongles. */
  readonly packetsPerEvent?: number;
  /** Milliseconds between advertising events of everybody; default: as each host asks. */
  readonly advertisingIntervalMs?: number;
  /** The smallest buffers a controller may have, so that long values are always cut: 27 octets, 4 packets. */
  readonly aclBuffers?: Medium['aclBuffers'];
  /** dBm. Default -58. */
  readonly rssi?: number;
}

/**
 * The air between Bluetooth LE controllers: who advertises is heard by who scans, who initiates gets its link. Faults
 * are methods. It draws time and chance from its arguments alone.
 */
export class Air implements Medium {
  readonly aclBuffers: Medium['aclBuffers'];
  readonly advertisingIntervalMs: number | undefined;
  readonly rssi: number;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #pacing: Pacing;
  readonly #controllers = new Set<Controller>();
  readonly #away = new Set<Controller>();
  #plugged = 0;
  #failEstablishing = 0;
  #refuse: { remaining: number; code: number } = { remaining: 0, code: status.success };
  #linksMade = 0;

  constructor(options: AirOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#pacing = { mode: options.pacing ?? 'instant', packetsPerEvent: options.packetsPerEvent ?? 6 };
    this.aclBuffers = options.aclBuffers ?? { length: 27, count: 4 };
    this.advertisingIntervalMs = options.advertisingIntervalMs;
    this.rssi = options.rssi ?? -58;
  }

  /** A new controller on this air. Its address is `c0:b1:e1:00:00:nn` unless one is given. */
  plug(address?: string): Controller {
    this.#plugged += 1;
    const own = address ?? `c0:b1:e1:00:00:${this.#plugged.toString(16).padStart(2, '0')}`;
    if (this.find(own) !== undefined) throw new Error(`a controller ${own} is on this air already`);
    const controller = new Controller(own, this, this.#clock);
    this.#controllers.add(controller);
    return controller;
  }

  /** Takes a controller off the air; see {@link Controller.unplug}. */
  unplug(controller: Controller): void {
    this.#controllers.delete(controller);
    controller.unplug();
  }

  find(address: string): Controller | undefined {
    return [...this.#controllers].find((controller) => controller.address === address.toLowerCase());
  }

  /** Links made since the beginning. */
  get linksMade(): number {
    return this.#linksMade;
  }

  get openLinks(): readonly AirLink[] {
    return [...new Set([...this.#controllers].flatMap((controller) => controller.links))];
  }

  // ---- faults

  /** The controller's links fall silent, in both directions, until {@link comeBack} or supervision ends them. */
  fade(address: string): void {
    for (const link of this.#demand(address).links) link.fade();
  }

  comeBack(address: string): void {
    for (const link of this.#demand(address).links) link.recover();
  }

  /** The controller goes out of range: nobody hears it, and its links fall silent. */
  leave(address: string): void {
    this.#away.add(this.#demand(address));
    this.fade(address);
  }

  arrive(address: string): void {
    this.#away.delete(this.#demand(address));
    this.comeBack(address);
  }

  /** The peer ends its links with a reason: by default as a person would, 0x13. */
  kick(address: string, reason: number = status.remoteUserEnded): void {
    for (const link of this.#demand(address).links) link.close(reason, reason);
  }

  /** The next `times` links fail to be established (0x3E): reported as made, and lost before the first packet. */
  failEstablishing(times: number): void {
    this.#failEstablishing = times;
  }

  /** The next `times` LE Create Connection commands are refused with a status, 0x0C by default. */
  refuseConnections(times: number, code: number = status.commandDisallowed): void {
    this.#refuse = { remaining: times, code };
  }

  // ---- what controllers ask of it

  random(): number {
    return this.#random();
  }

  admitConnection(): number {
    if (this.#refuse.remaining === 0) return status.success;
    this.#refuse.remaining -= 1;
    return this.#refuse.code;
  }

  advertise(from: Controller): void {
    if (this.#away.has(from)) return;
    const initiator = [...this.#controllers].find((other) => other !== from && other.wants(from.addressOnAir));
    if (initiator !== undefined) this.#connect(initiator, from);
    else for (const other of this.#controllers) if (other !== from) other.hear(from);
  }

  #connect(central: Controller, peripheral: Controller): void {
    const parameters = central.takeInitiating();
    if (parameters === undefined) return;
    const ends = [
      { host: central, handle: central.reserveHandle() },
      { host: peripheral, handle: peripheral.reserveHandle() },
    ] as const;
    const link = new AirLink(ends, parameters, { clock: this.#clock, pacing: this.#pacing });
    this.#linksMade += 1;
    const fails = this.#failEstablishing > 0;
    // The peer never heard the request: nothing is carried, and six intervals later the central gives up.
    if (fails) {
      this.#failEstablishing -= 1;
      link.fade();
    }
    central.linkOpened(ends[0].handle, link, 'central', peripheral.addressOnAir);
    if (!fails) peripheral.linkOpened(ends[1].handle, link, 'peripheral', central.addressOnAir);
    else
      this.#clock.setTimer(
        () => link.close(status.failedToEstablish, status.failedToEstablish),
        6 * parameters.intervalMs,
      );
  }

  #demand(address: string): Controller {
    const controller = this.find(address);
    if (controller === undefined) throw new Error(`no controller ${address} on this air`);
    return controller;
  }
}
