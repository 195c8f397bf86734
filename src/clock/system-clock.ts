import type { Clock, Timer } from '../contract/index.ts';

/** The machine's own clocks: the one place that reads them. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer(callback: () => void, ms: number): Timer {
    const timer = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
