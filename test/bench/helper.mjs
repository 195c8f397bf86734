// The other end of HelperProcess: answers questions over IPC, and ends when the parent hangs up.
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';

/** Before there is anything to end properly: a parent that failed must not leave this process behind. */
const endAtOnce = () => process.exit(0);
process.once('disconnect', endAtOnce);

/** What the parent wants this helper to know. */
export const settings = () => JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));

/**
 * @param {Record<string, (details: any) => unknown>} answers
 * @param {() => unknown} [onEnd] before the process ends
 */
export function answer(answers, onEnd = () => undefined) {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  /** @type {Record<string, (details: any) => unknown>} */
  const all = {
    figures: async () => {
      const { user, system } = process.cpuUsage();
      const { rss, heapUsed } = process.memoryUsage();
      // The histogram counts the timer's own interval, too.
      const loopP99Ms = Math.max(0, delay.percentile(99) / 1e6 - 10);
      delay.reset();
      const more = await answers.moreFigures?.({});
      return { cpuMicros: user + system, rssBytes: rss, heapBytes: heapUsed, loopP99Ms, ...(more ?? {}) };
    },
    collectGarbage: () => globalThis.gc?.(),
    /** Resident bytes of each part of this thread's heap. */
    heapSpaces: () =>
      Object.fromEntries(getHeapSpaceStatistics().map((space) => [space.space_name, space.physical_space_size])),
    ...answers,
  };
  process.on('message', async (/** @type {any} */ { id, question, details }) => {
    try {
      process.send?.({ id, value: await all[question]?.(details) });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
  process.off('disconnect', endAtOnce);
  process.on('disconnect', async () => {
    await onEnd();
    process.exit(0);
  });
}
