import type { Clock, DenialReason, DeviceReport, LockMethod } from '../../../src/contract/index.ts';
import { commands, completions, lockActions, statusCodes, triggers } from './catalogue.ts';
import { asUtc } from './code-times.ts';
import { requestLogEntries, type SecurityPin } from './codec-commands.ts';
import type { LockTime } from './codec-fields.ts';
import { type LogEntry, readLogEntry, readStatus } from './codec-replies.ts';
import { type NukiConnection, REPLY_MS } from './connection.ts';
import { refusal, silent } from './failures.ts';

/** Entries asked for at a time, so that a door of another lock on the same adapter waits half a second at most. */
const LOG_PAGE = 10;

export interface LogPage {
  /** Newest first. */
  readonly entries: readonly LogEntry[];
  /** Nothing older is in the lock's log. */
  readonly isLast: boolean;
}

/**
 * Asks for entries of the lock's log, the newest first. A page that was cut short or refused is none: what is missing
 * of it must not pass for what did not happen.
 *
 * @param startIndex from this entry on to older ones; 0 from the newest
 * @throws GatewayError what the lock said instead, or `device_offline`
 */
export async function askLogPage(
  connection: NukiConnection,
  { clock, deviceName }: { readonly clock: Clock; readonly deviceName: string },
  startIndex: number,
  pin: SecurityPin,
): Promise<LogPage> {
  const request = { startIndex, count: LOG_PAGE, newestFirst: true };
  await connection.send(requestLogEntries(request, await connection.challenge(), pin));
  const entries: LogEntry[] = [];
  for (;;) {
    const arrival = await connection.next(clock.now() + REPLY_MS);
    if (arrival === undefined) {
      // Whether COMPLETE follows a full page is not documented.
      if (entries.length >= LOG_PAGE) return { entries: newestFirst(entries), isLast: false };
      throw silent(deviceName, 'while telling of its log');
    }
    if (arrival.kind === 'error') {
      const { command, code } = arrival.report;
      if (command === commands.requestLogEntries || command === 0) throw refusal(deviceName, code);
      continue;
    }
    const { command, payload } = arrival.message;
    if (command === commands.logEntry) entries.push(readLogEntry(payload));
    if (command === commands.status && readStatus(payload) === statusCodes.complete)
      return { entries: newestFirst(entries), isLast: entries.length < LOG_PAGE };
  }
}

const newestFirst = (entries: readonly LogEntry[]): readonly LogEntry[] =>
  entries.toSorted((a, b) => b.index - a.index);

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

type Operated = Extract<DeviceReport, { kind: 'lock_operated' }>;

const methods: ReadonlyMap<number, LockMethod> = new Map<number, LockMethod>([
  [triggers.manual, 'manual'],
  [triggers.button, 'manual'],
  [triggers.automatic, 'automatic'],
  [triggers.autoLock, 'automatic'],
  [triggers.system, 'remote'],
  [triggers.homeKit, 'remote'],
  [triggers.mqtt, 'remote'],
]);

const denials: ReadonlyMap<number, DenialReason> = new Map<number, DenialReason>([
  [completions.invalidCode, 'unknown_code'],
  [completions.invalidFingerprint, 'credential_error'],
]);

/** Lock'n'go unlocks first; that it locks afterwards has an entry of its own. */
const movements: ReadonlyMap<number, Operated['operation']> = new Map<number, Operated['operation']>([
  [lockActions.unlock, 'unlocked'],
  [lockActions.lock, 'locked'],
  [lockActions.unlatch, 'unlocked'],
  [lockActions.lockAndGo, 'unlocked'],
  [lockActions.lockAndGoWithUnlatch, 'unlocked'],
  [lockActions.fullLock, 'locked'],
]);

/** Where an action at the keypad came from (Bluetooth API, "Keypad action"). */
const keypadSources = { arrow: 0, code: 1, fingerprint: 2 } as const;

/** Numbers that no code has: nobody, and all. */
const nobody: ReadonlySet<number> = new Set([0, 0xffff]);

const operationOf = (action: number, completion: number): Operated['operation'] | undefined => {
  if (completion === completions.motorBlocked) return 'jammed';
  if (completion === completions.invalidCode || completion === completions.invalidFingerprint) return 'access_denied';
  return completion === completions.success ? movements.get(action) : undefined;
};

/**
 * What an entry of the lock's log tells of somebody operating it. Our own commands are left out: their attempts tell
 * of them.
 */
export function operatedFrom({ authorizationId, detail }: LogEntry, ownId: number): Operated | undefined {
  if (detail.kind === 'lock_action') {
    if (authorizationId === ownId && detail.trigger === triggers.system) return undefined;
    const operation = operationOf(detail.action, detail.completion);
    const method = methods.get(detail.trigger) ?? 'unknown';
    // "System" is a command over Bluetooth (Bluetooth API, "Trigger"): a telephone's, a fob's, or a bridge's.
    const via = detail.trigger === triggers.system ? { via: 'bluetooth' as const } : {};
    return operation && { kind: 'lock_operated', operation, method, ...via };
  }
  if (detail.kind !== 'keypad') return undefined;
  const operation = operationOf(detail.action, detail.completion);
  if (operation === undefined) return undefined;
  const { source, codeId } = detail;
  // Fingers are counted apart from codes: the number of one must not pass for the other's.
  const isCode = source === keypadSources.code;
  const slot = operation !== 'access_denied' && isCode && !nobody.has(codeId) ? { slot: codeId } : {};
  const denial = denials.get(detail.completion);
  const method = isCode ? 'keycode' : source === keypadSources.arrow ? 'manual' : 'unknown';
  return { kind: 'lock_operated', operation, method, ...slot, ...(denial && { denial }) };
}

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
