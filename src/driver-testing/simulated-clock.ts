import type { Clock, Timer } from '../contract/index.ts';

interface Armed extends Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A clock that moves only when told to. Between two timers it lets every promise that can settle do so, so that a
 * whole history runs in a fixed order however long it lasts.
 */
export class SimulatedClock implements Clock {
  #now = 0;
  #wallOffset: number;
  #order = 0;
  readonly #armed = new Set<Armed>();

  /** @param startsAt wall time at the clock's zero, in milliseconds since the Unix epoch */
  constructor(startsAt: number = Date.UTC(2026, 4, 1, 10)) {
    this.#wallOffset = startsAt;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#wallOffset + this.#now;
  }

  /** Sets the wall clock, as an operator or NTP would; the monotonic clock goes on as it was. */
  setWallTime(epochMs: number): void {
    this.#wallOffset = epochMs - this.#now;
  }

  setTimer(callback: () => void, ms: number): Timer {
    const armed: Armed = {
      at: this.#now + Math.max(0, ms),
      order: this.#order++,
      callback,
      cancel: () => this.#armed.delete(armed),
    };
    this.#armed.add(armed);
    return armed;
  }

  get armedTimers(): number {
    return this.#armed.size;
  }

  /** Moves on by `ms`, firing what falls due on the way, in order. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.settle();
    for (;;) {
      const next = this.#earliest();
      if (next === undefined || next.at > until) break;
      this.#now = Math.max(this.#now, next.at);
      this.#armed.delete(next);
      next.callback();
      await this.settle();
    }
    this.#now = until;
  }

  /**
   * The process stands still for `ms`, as on a machine that is busy or slept: then all that fell due is called at once,
   * before anything is heard that came meanwhile.
   */
  async standStill(ms: number): Promise<void> {
    await this.settle();
    this.#now += ms;
    const due = [...this.#armed].filter(({ at }) => at <= this.#now).sort((a, b) => a.at - b.at || a.order - b.order);
    for (const one of due) if (this.#armed.delete(one)) one.callback();
    await this.settle();
  }

  /** Moves on from timer to timer until `promise` settles; fails after `limitMs` of simulated time. */
  async until<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let done = false;
    const mark = () => {
      done = true;
    };
    promise.then(mark, mark);
    const limit = this.#now + limitMs;
    await this.settle();
    while (!done) {
      const next = this.#earliest();
      if (next === undefined) throw new Error('nothing is left that could settle the promise: no timer is armed');
      if (next.at > limit) throw new Error(`the promise did not settle within ${limitMs} simulated ms`);
      await this.advance(Math.max(0, next.at - this.#now));
    }
    return promise;
  }

  /** Lets every promise that can settle without time passing do so. */
  async settle(): Promise<void> {
    // A macrotask runs only once the microtask queue is empty, so one turn drains chains of any length; the second
    // covers callbacks that libraries themselves put off by a turn.
    for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #earliest(): Armed | undefined {
    let earliest: Armed | undefined;
    for (const armed of this.#armed) {
      if (
        earliest === undefined ||
        armed.at < earliest.at ||
        (armed.at === earliest.at && armed.order < earliest.order)
      )
        earliest = armed;
    }
    return earliest;
  }
}

/** Longer than any deadline: what has not ended by then never ends. Milliseconds. */
const LONGEST_MS = 120_000;

/** The same promise, which rejects when it would otherwise keep a test for ever. */
export function withinBounds<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(() => reject(new Error('it does not end')), LONGEST_MS);
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
