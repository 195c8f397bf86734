import type { Clock, Health, Timer } from '../contract/index.ts';

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
