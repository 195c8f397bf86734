const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * How long after each failed try comes the next. Seam's documentation (webhooks: the schedule of Svix) has 5 s, then
 * 5 min: a receiver that restarts would hear nothing of its doors for five minutes, so there are steps between.
 */
const ladder: readonly number[] = [
  ...[5 * second, 10 * second, 15 * second, 30 * second, minute, 2 * minute],
  ...[5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 10 * hour],
];

/** How often what comes anew may try a receiver that is waited for, in milliseconds. A guess. */
export const probeEveryMs = 5 * second;

/** Up to this share longer, at random, so that what failed together does not come back together. A guess. */
const jitter = 0.1;

/** Whatever still waits so long after it was written down is given up, in milliseconds. A guess: twice the ladder. */
export const expireMs = 72 * hour;

/** @returns milliseconds until the next try, undefined when that was the last */
export function retryDelay(failedTries: number, random: () => number): number | undefined {
  const delay = ladder[failedTries - 1];
  return delay === undefined ? undefined : Math.round(delay * (1 + jitter * random()));
}

/** No wait is longer than this, whatever a clock that was set meanwhile makes of it. */
export const longestDelayMs = Math.round(10 * hour * (1 + jitter));
