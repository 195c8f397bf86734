import { asUtc } from './code-times.ts';
import type { LockTime } from './codec-fields.ts';
import type { LogEntry } from './codec-replies.ts';
import { LOG_PAGE, type LogPage } from './log-page.ts';

/** Pages read in one go at most: more than a lock is known to keep. What is beyond is said to be missing. */
const MOST_PAGES = 100;

/** What is new in a lock's log, oldest first. */
export interface LogNews {
  readonly entries: readonly LogEntry[];
  /** Entries between the last known and the oldest of these that the lock does not have any more. */
  readonly missing: number;
}

/** A clock that shows an earlier year was never set. */
const SET_SINCE = 2018;

const NO_NEWS: LogNews = { entries: [], missing: 0 };

/**
 * Knows up to where a lock's log was read, so that each entry is told once: after a reconnect, after pages that could
 * not be read, and after the lock was reset and counts from the beginning again. A new reader tells of nothing that
 * happened before it.
 */
export class LogReader {
  #last: LogEntry | undefined;
  /** The lock's own time when it told of no entry at all, in milliseconds since the Unix epoch. */
  #emptyAt: number | undefined;

  /** The newest entry that is known. */
  get lastIndex(): number | undefined {
    return this.#last?.index;
  }

  /**
   * Reads on to the last known entry. When a page cannot be read, nothing is new and nothing is forgotten.
   * @param page asks for one page; undefined when the lock does not give it
   * @param lockTime the lock's own time now
   * @returns undefined when a page is missing
   * @throws what `page` throws
   */
  async read(
    page: (startIndex: number) => Promise<LogPage | undefined>,
    lockTime: LockTime,
  ): Promise<LogNews | undefined> {
    const entries = await this.#collect(page);
    if (entries === undefined) return undefined;
    const newest = entries[0];
    if (newest === undefined) {
      // It has not taken back what it told before. A log that is empty from the start has only what comes later; one
      // that merely was not told has entries of before.
      if (this.#last === undefined && lockTime.year >= SET_SINCE) this.#emptyAt ??= asUtc(lockTime);
      return NO_NEWS;
    }
    const last = this.#last;
    this.#last = newest;
    if (last === undefined) return { entries: later(entries, this.#emptyAt ?? Number.POSITIVE_INFINITY), missing: 0 };
    const known = entries.find(({ index }) => index === last.index);
    const beganAnew = newest.index < last.index || (known !== undefined && !isSame(known, last));
    if (beganAnew) return { entries: later(entries, asUtc(last.time) + 1), missing: 0 };
    const fresh = entries.filter(({ index }) => index > last.index).toReversed();
    const oldest = fresh[0]?.index ?? last.index + 1;
    const isReached = entries.some(({ index }) => index <= last.index);
    return { entries: fresh, missing: isReached ? 0 : oldest - last.index - 1 };
  }

  /** Newest first, with the last known one where the lock still has it. */
  async #collect(page: (startIndex: number) => Promise<LogPage | undefined>): Promise<readonly LogEntry[] | undefined> {
    const found = new Map<number, LogEntry>();
    let startIndex = 0;
    for (let pages = 0; pages < MOST_PAGES; pages++) {
      const asked = await page(startIndex);
      if (asked === undefined) return undefined;
      const { entries, isLast } = asked;
      const before = found.size;
      for (const entry of entries) found.set(entry.index, entry);
      const oldest = Math.min(...found.keys());
      const isReached = this.#last === undefined || oldest <= this.#last.index;
      // A lock that does not go on from where it is asked to tells the same again.
      if (isLast || isReached || found.size === before || entries.length < LOG_PAGE || oldest <= 1) break;
      startIndex = oldest - 1;
    }
    return [...found.values()].toSorted((a, b) => b.index - a.index);
  }
}

const isSame = (one: LogEntry, other: LogEntry): boolean =>
  asUtc(one.time) === asUtc(other.time) &&
  one.authorizationId === other.authorizationId &&
  JSON.stringify(one.detail) === JSON.stringify(other.detail);

/** Oldest first. */
const later = (entries: readonly LogEntry[], time: number): readonly LogEntry[] =>
  entries.filter((entry) => asUtc(entry.time) >= time).toReversed();
