import type { Clock, Timer } from '../../../src/contract/index.ts';

/** A process's view of a clock: when the process is killed, none of its timers fires any more. */
export class MortalClock implements Clock {
  readonly #clock: Clock;
  #alive = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  kill(): void {
    this.#alive = false;
  }

  now(): number {
    return this.#clock.now();
  }

  wallTime(): number {
    return this.#clock.wallTime();
  }

  setTimer(callback: () => void, ms: number): Timer {
    return this.#clock.setTimer(() => {
      if (this.#alive) callback();
    }, ms);
  }
}
