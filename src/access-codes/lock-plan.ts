import { type AccessCodeRules, type Clock, GatewayError } from '../contract/index.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { AccessCodeRecord } from '../model/records.ts';
import type { Change } from '../model/store.ts';
import type { Tries } from './code-progress.ts';
import type { CodeRepository } from './code-repository.ts';
import { chooseDigits, type NewCodeOptions, newRecord, targetOf } from './new-code.ts';
import { type EvaluatedCode, type LockHoldings, needsWork } from './next-step.ts';
import { longestSleepMs, type Moment } from './wanted.ts';

/** How soon it is noticed that a device was put back into service, in milliseconds. A guess. */
const outOfServiceMs = 60_000;

/** All that a plan for a lock is made of. */
export interface LockFacts {
  readonly moment: Moment;
  /** `Clock.now()` */
  readonly now: number;
  /** Undefined: it has not been opened yet, has no keypad, or is no longer in the configuration. */
  readonly rules: AccessCodeRules | undefined;
  readonly isOutOfService: boolean;
  /** An attempt of the reconciler's own is under way, of which there is one at a time, or what it is to do is not on disk. */
  readonly isBusy: boolean;
  readonly codes: readonly CodeFacts[];
  readonly holdings: LockHoldings;
  /** How many backup codes are to lie ready; undefined where they were switched off, and those that are there go. */
  readonly backupsWanted: number | undefined;
  /** When the lock is to be asked for all it holds, `Clock.now()`; undefined when it cannot be asked. */
  readonly scanAt: number | undefined;
}

export interface CodeFacts extends EvaluatedCode {
  /** Undefined for a code that has not failed. */
  readonly tries: Tries | undefined;
  /** A request about it is being accepted, or an attempt on it is under way. */
  readonly isWorkedOn: boolean;
}

/** What the time alone changes of what is written down. */
export type RowStep =
  /** Its time is over. */
  | { readonly kind: 'end'; readonly code: AccessCodeRecord; readonly at: number }
  /** Something else is to be told of it than before. */
  | { readonly kind: 'review'; readonly code: AccessCodeRecord }
  /** It is wanted no more, and nothing of it is on the lock. */
  | { readonly kind: 'forget'; readonly code: AccessCodeRecord }
  | { readonly kind: 'add_backups'; readonly count: number }
  /** A backup code that nobody wants any more. */
  | { readonly kind: 'withdraw'; readonly code: AccessCodeRecord };

/** What is begun at the lock. */
export type LockStep =
  /** `by`: whether it was foreseen, or something went otherwise than it should. */
  | { readonly kind: 'bring_about'; readonly code: AccessCodeRecord; readonly by: 'schedule' | 'reconcile' }
  | { readonly kind: 'scan' };

export interface LockPlan {
  /** Written down first, all together, in this order; then a new plan is made. Nobody acts on them before they are on disk. */
  readonly rows: readonly RowStep[];
  readonly step: LockStep | undefined;
  /** In how many milliseconds to look again, when nothing else has happened by then. */
  readonly lookAgainMs: number;
}

/**
 * What is to be done for a lock now. It follows from the facts alone, and they hold all there is: what a request, a
 * failure, somebody at the keypad or a restart leaves behind is only other facts.
 */
export function planOf(lock: LockFacts): LockPlan {
  const rows: RowStep[] = [];
  for (const facts of lock.codes) addRowsOf(facts, lock.moment, rows);
  rows.push(...backupRows(lock));
  return { rows, ...stepOf(lock) };
}

function addRowsOf({ code, isStale, isWorkedOn }: CodeFacts, { at, sure }: Moment, rows: RowStep[]): void {
  const isOver = sure && code.endsAt !== undefined && at >= code.endsAt && !code.removal;
  if (isOver) rows.push({ kind: 'end', code, at: code.endsAt });
  else if (isStale) rows.push({ kind: 'review', code });
  // A lock that never held it need not be asked.
  if ((isOver || code.removal) && code.placements.length === 0 && !isWorkedOn) rows.push({ kind: 'forget', code });
}

/** The last free slot is left to guests. */
function backupRows({ rules, codes, holdings, backupsWanted }: LockFacts): RowStep[] {
  if (!rules || backupsWanted === 0) return [];
  const backups = codes.flatMap(({ code }) => (isUnpulledBackup(code) ? [code] : []));
  // What lies ready on the lock opens the door, and is nobody's.
  if (backupsWanted === undefined) return backups.map((code) => ({ kind: 'withdraw', code }));
  const room =
    rules.slots === 'device'
      ? Number.POSITIVE_INFINITY
      : rules.slots.count - codes.length - holdings.unmanaged.length - 1;
  const count = Math.min(backupsWanted - backups.length, room);
  return count > 0 ? [{ kind: 'add_backups', count }] : [];
}

function stepOf(lock: LockFacts): Pick<LockPlan, 'step' | 'lookAgainMs'> {
  const { rules, now, scanAt } = lock;
  if (!rules) return { step: undefined, lookAgainMs: longestSleepMs };
  if (lock.isOutOfService) return { step: undefined, lookAgainMs: outOfServiceMs };
  if (lock.isBusy) return { step: undefined, lookAgainMs: longestSleepMs };
  const next = mostUrgent(lock, rules);
  if (next) {
    const by = isForeseen(next) ? 'schedule' : 'reconcile';
    return { step: { kind: 'bring_about', code: next.code, by }, lookAgainMs: longestSleepMs };
  }
  const step = scanAt !== undefined && scanAt <= now ? ({ kind: 'scan' } as const) : undefined;
  return { step, lookAgainMs: untilNextInstant(lock) };
}

/** Of those that are due: what has to go before what has to come, and that by its beginning. */
function mostUrgent({ codes, holdings, now }: LockFacts, rules: AccessCodeRules): CodeFacts | undefined {
  let most: CodeFacts | undefined;
  for (const code of codes) {
    const isDue = code.tries === undefined || code.tries.nextAt <= now;
    if (!isDue || code.isWorkedOn || !needsWork(code, holdings, rules)) continue;
    if (most === undefined || urgency(code.code) < urgency(most.code)) most = code;
  }
  return most;
}

const urgency = ({ removal, startsAt, createdAt }: AccessCodeRecord): number =>
  removal ? removal.at - Number.MAX_SAFE_INTEGER : (startsAt ?? createdAt);

/** Its time has come, and nothing has gone wrong with it. */
function isForeseen({ code, tries }: CodeFacts): boolean {
  if (tries) return false;
  if (code.removal) return code.removal.cause === 'ended';
  return code.startsAt !== undefined && code.placements.length === 0 && code.errors.length === 0;
}

/** Until something follows from the time alone. */
function untilNextInstant({ codes, moment: { at }, now, scanAt }: LockFacts): number {
  let soonest = scanAt !== undefined && scanAt > now ? Math.min(longestSleepMs, scanAt - now) : longestSleepMs;
  for (const { holdsUntil, tries } of codes) {
    soonest = Math.min(soonest, holdsUntil - at);
    if (tries && tries.nextAt > now) soonest = Math.min(soonest, tries.nextAt - now);
  }
  return Math.max(1, soonest);
}

export interface BackupPoolOptions extends NewCodeOptions {
  readonly clock: Clock;
  readonly settings: { readonly backupCodes: number };
  /** UUIDv7 */
  readonly newId: () => string;
}

/** Where somebody wants backup codes on one lock and the configuration names no number. Seam leaves it open. */
const usualCount = 1;

const forEver = { startsAt: undefined, endsAt: undefined };

export const isUnpulledBackup = ({ backup, removal }: AccessCodeRecord): boolean =>
  backup !== undefined && backup.pulledFor === undefined && removal === undefined;

/** A backup code of a lock that opens now. */
export const readyBackup = (repository: CodeRepository, deviceId: string): AccessCodeRecord | undefined =>
  repository.list(deviceId).find((code) => isUnpulledBackup(code) && code.status === 'set');

/** How many backup codes are to lie ready on a lock. */
export function backupsWanted(
  device: DeviceSnapshot | undefined,
  { backupCodes }: BackupPoolOptions['settings'],
): number {
  if (device?.capabilities.accessCodes === undefined) return 0;
  const { backupPool = backupCodes > 0 } = device.settings;
  return backupPool ? Math.max(backupCodes, usualCount) : 0;
}

/** Writes down one more backup code for a lock; reconciliation puts it there. */
export function newBackup(options: BackupPoolOptions, deviceId: string): readonly Change[] {
  const { repository, newId, clock } = options;
  const about = { accessCodeId: newId(), deviceId, createdAt: clock.wallTime() };
  const digits = chooseDigits(options, {}, [targetOf(options, deviceId, forEver)]);
  const ready = newRecord(repository, about, digits, { preferNativeScheduling: false }, forEver);
  return repository.save({ ...ready, backup: { pulledFor: undefined } });
}

/**
 * Gives a backup code to the guest of another, until that one's end.
 * @throws GatewayError `invalid_input`
 */
export function pull(
  repository: CodeRepository,
  code: AccessCodeRecord,
  name: string,
  at: number,
): { readonly backup: AccessCodeRecord; readonly changes: readonly Change[] } {
  if (!code.useBackupPool) {
    throw new GatewayError(
      'invalid_input',
      'This access code was created without use_backup_access_code_pool, so that no backup code can be pulled for it.',
    );
  }
  const ready = readyBackup(repository, code.deviceId);
  if (!ready) {
    throw new GatewayError(
      'invalid_input',
      `${name} holds no backup code at the moment. Try again later, or create another code.`,
    );
  }
  const { accessCodeId, deviceId } = code;
  const backup: AccessCodeRecord = {
    ...ready,
    name: code.name,
    backup: { pulledFor: accessCodeId },
    commonCodeKey: code.commonCodeKey,
    // It opens already; only its end is the stay's.
    ...(code.endsAt !== undefined && { startsAt: at, endsAt: code.endsAt }),
  };
  const warning = {
    code: 'using_backup_access_code',
    message: 'A backup code that was on the lock already is used in place of this one.',
    at,
  };
  const changes = [
    ...repository.save(backup),
    ...repository.change(
      accessCodeId,
      { pulledBackupAccessCodeId: backup.accessCodeId, warnings: [...code.warnings, warning] },
      {
        eventType: 'access_code.backup_access_code_pulled',
        deviceId,
        accessCodeId,
        occurredAt: at,
        details: { backup_access_code_id: backup.accessCodeId },
      },
    ),
  ];
  return { backup: repository.require(backup.accessCodeId), changes };
}
