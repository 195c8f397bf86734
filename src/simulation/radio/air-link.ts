import type { Clock, Timer } from '../../contract/index.ts';
import { status } from './hci.ts';

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
