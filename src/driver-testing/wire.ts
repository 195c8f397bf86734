import type { Clock } from '../contract/index.ts';

/**
 * One direction of a connection: what is put on it arrives in order, after the latency drawn for it. Cutting it
 * loses what is on the way.
 */
export class Wire {
  readonly #clock: Clock;
  readonly #latency: () => number;
  #lastArrival = 0;
  #epoch = 0;

  constructor(clock: Clock, latency: () => number) {
    this.#clock = clock;
    this.#latency = latency;
  }

  put(arrive: () => void): void {
    const epoch = this.#epoch;
    const at = Math.max(this.#lastArrival, this.#clock.now() + this.#latency());
    this.#lastArrival = at;
    this.#clock.setTimer(() => {
      if (epoch === this.#epoch) arrive();
    }, at - this.#clock.now());
  }

  /** What is on the way never arrives. */
  cut(): void {
    this.#epoch += 1;
    this.#lastArrival = this.#clock.now();
  }
}
