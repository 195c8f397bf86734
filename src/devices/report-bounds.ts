import type { Clock, DeviceReport, Health, Timer } from '../contract/index.ts';

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

/** So many losses within the window make a connection flaky. A guess: one is an accident, two may be a restart. */
const manyLosses = 3;

/** How long losses count, and how long a connection must hold to be steady again, in milliseconds. A guess. */
const windowMs = 3_600_000;

/** Whether the connection to a device holds: each loss counts for an hour, however short it was. */
export class Steadiness {
  readonly #clock: Clock;
  readonly #onChange: (flakySince: number | undefined) => void;
  /** `Clock.now()` of each that counts still. */
  #losses: readonly number[] = [];
  #isOnline = false;
  #isFlaky = false;
  #holding: Timer | undefined;

  /** @param onChange gets since when it is flaky, in milliseconds since the Unix epoch; undefined: it is steady again */
  constructor(clock: Clock, onChange: (flakySince: number | undefined) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  heard({ status }: Health): void {
    const wasOnline = this.#isOnline;
    this.#isOnline = status === 'online';
    if (this.#isOnline && !wasOnline && this.#isFlaky) {
      this.#holding = this.#clock.setTimer(() => this.#held(), windowMs);
    } else if (wasOnline && status === 'offline') this.#lost();
  }

  close(): void {
    this.#holding?.cancel();
  }

  #lost(): void {
    this.#holding?.cancel();
    const now = this.#clock.now();
    this.#losses = [...this.#losses.filter((at) => at > now - windowMs), now].slice(-manyLosses);
    if (this.#isFlaky || this.#losses.length < manyLosses) return;
    this.#isFlaky = true;
    this.#onChange(this.#clock.wallTime());
  }

  #held(): void {
    this.#isFlaky = false;
    this.#losses = [];
    this.#onChange(undefined);
  }
}
