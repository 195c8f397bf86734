import type { Clock, DeviceReport, Timer } from '../contract/index.ts';

/** How many reports of one device are taken in at once, and per second for as long as they come. Guesses: a busy lock makes ten. */
const BURST = 1_000;
const PER_SECOND = 100;
/** How long the newest may wait for its turn while more come than are taken in, in milliseconds. */
const HELD_MS = 100;

/** Of these the newest is the truth; of the others each is an event of its own. */
const lasting: ReadonlySet<DeviceReport['kind']> = new Set(['health', 'lock_state', 'door', 'battery', 'noise']);

/**
 * Bounds the work that one device's reports cause, whatever it hangs on: each may be a commit, events, webhooks and
 * messages. While more come than are taken in, of what lasts the newest is, ten times a second, and what happened is
 * passed over.
 */
export class ReportBudget {
  readonly #clock: Clock;
  readonly #take: (report: DeviceReport) => void;
  readonly #onPassedOver: (count: number) => void;
  /** Made when there is something to hold. */
  #held: Map<DeviceReport['kind'], DeviceReport> | undefined;
  #left = BURST;
  #countedAt: number;
  #timer: Timer | undefined;
  #passedOver = 0;

  constructor(clock: Clock, take: (report: DeviceReport) => void, onPassedOver: (count: number) => void) {
    this.#clock = clock;
    this.#take = take;
    this.#onPassedOver = onPassedOver;
    this.#countedAt = clock.now();
  }

  report(report: DeviceReport): void {
    const { kind } = report;
    // Of the driver's own making, and not to be missed.
    if (kind === 'capabilities' || (this.#timer === undefined && this.#takesOne())) {
      this.#take(report);
      return;
    }
    this.#held ??= new Map();
    if (!lasting.has(kind) || this.#held.has(kind)) this.#passedOver += 1;
    if (lasting.has(kind)) this.#held.set(kind, report);
    this.#timer ??= this.#clock.setTimer(() => this.#flush(), HELD_MS);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#held = undefined;
  }

  #flush(): void {
    this.#timer = undefined;
    const held = [...(this.#held?.values() ?? [])];
    this.#held = undefined;
    this.#refill();
    this.#left = Math.max(0, this.#left - held.length);
    if (this.#passedOver > 0) this.#onPassedOver(this.#passedOver);
    this.#passedOver = 0;
    for (const report of held) this.#take(report);
  }

  #takesOne(): boolean {
    this.#refill();
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  #refill(): void {
    const now = this.#clock.now();
    this.#left = Math.min(BURST, this.#left + ((now - this.#countedAt) * PER_SECOND) / 1_000);
    this.#countedAt = now;
  }
}
