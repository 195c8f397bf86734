import { triggers } from './catalogue.ts';
import type { LogEntry } from './codec-replies.ts';

/** An action that was sent so long ago is in the log by now, or never will be, in milliseconds. A guess. */
const SETTLED_MS = 60_000;

/**
 * Which entries of the lock's log are of which of our own commands. Entries have numbers and commands have not: a
 * command is known by its entry only when all earlier ones that may still get theirs have been accounted for.
 */
export class OwnRecord {
  readonly #authorizationId: number;
  /** Commands that may still get an entry. */
  #owed = 0;
  #lastSentAt = Number.NEGATIVE_INFINITY;
  /** Own entries seen since the last command left, and how many of them may be of earlier ones. */
  #seen: LogEntry[] = [];
  #before = 0;

  constructor(authorizationId: number) {
    this.#authorizationId = authorizationId;
  }

  sent(now: number): void {
    if (now - this.#lastSentAt > SETTLED_MS) this.#owed = 0;
    this.#before = this.#owed;
    this.#owed += 1;
    this.#lastSentAt = now;
    this.#seen = [];
  }

  /** New entries of the log, oldest first. */
  read(entries: readonly LogEntry[]): void {
    const own = entries.filter(
      ({ authorizationId, detail }) =>
        authorizationId === this.#authorizationId &&
        detail.kind === 'lock_action' &&
        detail.trigger === triggers.system,
    );
    this.#seen.push(...own);
    this.#owed = Math.max(0, this.#owed - own.length);
  }

  /** How the last command ended, one of `completions`, as the log has it; undefined when nothing there is certainly it. */
  completionOf(action: number): number | undefined {
    const newest = this.#seen.at(-1)?.detail;
    if (this.#seen.length <= this.#before || newest?.kind !== 'lock_action') return undefined;
    return newest.action === action ? newest.completion : undefined;
  }
}
