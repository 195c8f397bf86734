import type { Clock, Timer } from '../../contract/index.ts';
import { type Answer, complete, refused } from './command-answers.ts';
import { opcodes, status } from './hci.ts';

/** What a link tells the controllers at its ends. */
export interface LinkHost {
  linkClosed(handle: number, reason: number): void;
}

/** One end of a link: a controller and the handle its host knows the link by. */
export interface LinkEnd {
  readonly host: LinkHost;
  readonly handle: number;
}

export interface LinkParameters {
  /** Milliseconds between two connection events. */
  readonly intervalMs: number;
  readonly latency: number;
  /** Milliseconds without a packet from the peer after which either end gives the link up. */
  readonly supervisionMs: number;
}

/** How packets spend their time on the way. */
export interface Pacing {
  /** `instant`: as fast as both hosts answer. `events`: on connection events, as a radio does. */
  readonly mode: 'instant' | 'events';
  /** Packets that fit one direction of one connection event. */
  readonly packetsPerEvent: number;
}

interface Direction {
  readonly waiting: (() => void)[];
  timer: Timer | undefined;
}

type Side = 0 | 1;

/**
 * A connection between two controllers. Packets arrive in order; while the ends do not hear each other they wait, as
 * the link layer repeats them, and go with the link when supervision ends it.
 */
export class AirLink {
  readonly central: LinkEnd;
  readonly peripheral: LinkEnd;
  readonly #clock: Clock;
  readonly #pacing: Pacing;
  readonly #anchor: number;
  readonly #directions: readonly [Direction, Direction] = [
    { waiting: [], timer: undefined },
    { waiting: [], timer: undefined },
  ];
  #parameters: LinkParameters;
  #supervision: Timer | undefined;
  /** The last connection event that carried something, on `Clock.now()`. */
  #lastEvent = Number.NEGATIVE_INFINITY;
  #open = true;
  /** Connection events that carried at least one packet, per direction: central to peripheral, and back. */
  readonly eventsUsed: [number, number] = [0, 0];

  constructor(
    ends: readonly [LinkEnd, LinkEnd],
    parameters: LinkParameters,
    surroundings: { clock: Clock; pacing: Pacing },
  ) {
    [this.central, this.peripheral] = ends;
    this.#parameters = parameters;
    this.#clock = surroundings.clock;
    this.#pacing = surroundings.pacing;
    this.#anchor = surroundings.clock.now();
  }

  get open(): boolean {
    return this.#open;
  }

  /** True while the ends do not hear each other. */
  get silent(): boolean {
    return this.#supervision !== undefined;
  }

  get parameters(): LinkParameters {
    return this.#parameters;
  }

  endOf(host: LinkHost): LinkEnd {
    return host === this.central.host ? this.central : this.peripheral;
  }

  update(parameters: LinkParameters): void {
    this.#parameters = parameters;
  }

  /** Carries one packet from `sender` to its peer; `arrive` is called there. */
  carry(sender: LinkHost, arrive: () => void): void {
    if (!this.#open) return;
    const side: Side = sender === this.central.host ? 0 : 1;
    this.#directions[side].waiting.push(arrive);
    this.#serve(side);
  }

  /** Neither end hears the other from now on: out of range, or a door of steel closed. */
  fade(): void {
    if (!this.#open || this.#supervision !== undefined) return;
    for (const direction of this.#directions) {
      direction.timer?.cancel();
      direction.timer = undefined;
    }
    this.#supervision = this.#clock.setTimer(
      () => this.close(status.connectionTimeout, status.connectionTimeout),
      this.#parameters.supervisionMs,
    );
  }

  /** The ends hear each other again; what waited arrives, unless supervision was faster. */
  recover(): void {
    this.#supervision?.cancel();
    this.#supervision = undefined;
    this.#serve(0);
    this.#serve(1);
  }

  /** Ends the link; both hosts are told, each with its own reason. */
  close(reasonForCentral: number, reasonForPeripheral: number): void {
    if (!this.#open) return;
    this.#open = false;
    this.#supervision?.cancel();
    for (const direction of this.#directions) {
      direction.timer?.cancel();
      direction.waiting.length = 0;
    }
    this.central.host.linkClosed(this.central.handle, reasonForCentral);
    this.peripheral.host.linkClosed(this.peripheral.handle, reasonForPeripheral);
  }

  #serve(side: Side): void {
    const direction = this.#directions[side];
    if (this.#supervision !== undefined || direction.timer !== undefined || direction.waiting.length === 0) return;
    if (this.#pacing.mode === 'instant') {
      for (const arrive of direction.waiting.splice(0)) arrive();
      return;
    }
    const event = this.#nextEvent();
    direction.timer = this.#clock.setTimer(() => {
      direction.timer = undefined;
      this.#lastEvent = Math.max(this.#lastEvent, event);
      this.eventsUsed[side] += 1;
      for (const arrive of direction.waiting.splice(0, this.#pacing.packetsPerEvent)) arrive();
      this.#serve(side);
    }, event - this.#clock.now());
  }

  /**
   * On `Clock.now()`. An answer to what arrived in an event leaves in the next one: hosts are slower than the 150 us
   * between packets. A timer may fire a little early, and must not make two events of one.
   */
  #nextEvent(): number {
    const { intervalMs } = this.#parameters;
    const since = Math.max(this.#clock.now(), this.#lastEvent) - this.#anchor;
    return this.#anchor + (Math.floor(since / intervalMs + 1e-6) + 1) * intervalMs;
  }
}

/** Advertising types of the legacy commands: Vol 4 Part E, section 7.8.5. */
const CONNECTABLE_UNDIRECTED = 0;
const SCANNABLE_UNDIRECTED = 2;

const NO_BYTES: Buffer = Buffer.alloc(0);

export interface AdvertiserSurroundings {
  readonly clock: Clock;
  readonly random: () => number;
  /** Milliseconds; undefined: as the host asks. */
  readonly intervalMs: number | undefined;
  /** One advertising event. */
  readonly event: () => void;
}

/** The advertising state of a controller: legacy advertising, one set. */
export class Advertiser {
  readonly #surroundings: AdvertiserSurroundings;
  #timer: Timer | undefined;
  #intervalMs = 100;
  type = CONNECTABLE_UNDIRECTED;
  ownAddressType = 0;
  data: Buffer = NO_BYTES;
  scanResponse: Buffer = NO_BYTES;

  constructor(surroundings: AdvertiserSurroundings) {
    this.#surroundings = surroundings;
  }

  get running(): boolean {
    return this.#timer !== undefined;
  }

  get scannable(): boolean {
    return this.type === CONNECTABLE_UNDIRECTED || this.type === SCANNABLE_UNDIRECTED;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  reset(): void {
    this.stop();
    this.type = CONNECTABLE_UNDIRECTED;
    this.ownAddressType = 0;
    this.data = NO_BYTES;
    this.scanResponse = NO_BYTES;
  }

  answer(opcode: number, parameters: Buffer): Answer | undefined {
    switch (opcode) {
      case opcodes.leSetAdvertisingParameters:
        if (this.running) return refused(status.commandDisallowed);
        this.#intervalMs = Math.max(20, parameters.readUInt16LE(0) * 0.625);
        this.type = parameters.readUInt8(4);
        this.ownAddressType = parameters.readUInt8(5);
        return complete();
      case opcodes.leSetAdvertisingData:
        this.data = Buffer.from(parameters.subarray(1, 1 + parameters.readUInt8(0)));
        return complete();
      case opcodes.leSetScanResponse:
        this.scanResponse = Buffer.from(parameters.subarray(1, 1 + parameters.readUInt8(0)));
        return complete();
      case opcodes.leSetAdvertisingEnable:
        this.stop();
        if (parameters.readUInt8(0) === 1) this.#schedule(0);
        return complete();
      default:
        return undefined;
    }
  }

  #schedule(delayMs: number): void {
    const { clock, random, intervalMs, event } = this.#surroundings;
    this.#timer = clock.setTimer(() => {
      // Up to 10 ms of random delay keep two advertisers from colliding for ever: Vol 6 Part B, section 4.4.2.2.
      this.#schedule((intervalMs ?? this.#intervalMs) + random() * 10);
      event();
    }, delayMs);
  }
}
