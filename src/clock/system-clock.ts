import type { Clock, Timer } from '../contract/index.ts';

/** The machine's own clocks: the one place that reads them. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer(callback: () => void, ms: number): Timer {
    return new SystemTimer(callback, ms);
  },
};

/** Without a closure: there are thousands at a time. */
class SystemTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;

  constructor(callback: () => void, ms: number) {
    this.#timeout = setTimeout(callback, ms);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}
