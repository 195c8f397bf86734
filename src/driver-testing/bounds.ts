import type { Clock } from '../contract/index.ts';

/** Longer than any deadline: what has not ended by then never ends. Milliseconds. */
const LONGEST_MS = 120_000;

/** The same promise, which rejects when it would otherwise keep a test for ever. */
export function withinBounds<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(() => reject(new Error('it does not end')), LONGEST_MS);
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
