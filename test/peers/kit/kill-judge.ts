import { errorTypes, type GatewayErrorType } from '../../../src/contract/index.ts';
import type { AttemptLife, WireAttempt } from '../../kit/sdk/api-caller.ts';
import type { LockRecord } from './lock-process.ts';

/** Milliseconds by which what a killed process had sent has reached its lock; the next one needs longer to start. */
export const ON_THE_WAY_MS = 250;
/** Milliseconds by which two processes of one machine may read its clock apart. */
const CLOCKS_APART_MS = 5;

export interface DoorEvidence {
  readonly lock: LockRecord;
  /** Every attempt on this door that applications know of, all ended. */
  readonly lives: readonly AttemptLife[];
  /** When processes were killed, ascending, in milliseconds since the Unix epoch. */
  readonly kills: readonly number[];
}

interface Window {
  readonly from: number;
  readonly until: number;
  /** How many commands may be of this attempt: a LOCK may be sent once more. */
  readonly room: number;
}

/** Holds what attempts say against what a lock wrote down. @returns every broken promise in words */
export function judgeDoor({ lock, lives, kills }: DoorEvidence): readonly string[] {
  const broken: string[] = [];
  for (const action of ['LOCK', 'UNLOCK'] as const) {
    const of = lives.filter(({ attempt }) => attempt.action_type === `${action}_DOOR`);
    const arrivals = lock.commands.filter(({ command }) => command === action).map(({ at }) => at);
    const window = (life: AttemptLife, room: number): Window => ({
      from: life.acceptedAt - CLOCKS_APART_MS,
      until: lastArrival(life, kills),
      room,
    });
    const sent = of.filter(({ attempt }) => maySent(attempt)).map((life) => window(life, action === 'LOCK' ? 2 : 1));
    for (const at of unexplained(arrivals, sent))
      broken.push(`P3 ${action} came at ${new Date(at).toISOString()}, and no attempt tells of it`);
    const confirmed = of.filter(({ attempt }) => attempt.result?.was_confirmed_by_device === true);
    const without = unmet(
      confirmed.map((life) => window(life, 1)),
      arrivals,
    );
    if (without > 0) broken.push(`P4 ${without} of ${confirmed.length} confirmed ${action} never came`);
    for (const life of of) broken.push(...boltOf(lock, life, action === 'LOCK' ? 'locked' : 'unlocked'));
  }
  return broken.map((what) => `${lock.slug}: ${what}`);
}

/** What a lock's keypad must hold: of each list exactly one PIN; and of `may` any. */
export interface WantedPins {
  readonly oneOf: readonly (readonly string[])[];
  readonly may: readonly string[];
}

/** Holds a keypad against what its gateway tells, and against what applications were told. */
export function judgeKeypad(lock: LockRecord, told: readonly string[], wanted: WantedPins): readonly string[] {
  const broken: string[] = [];
  const held = [...lock.pins].sort();
  if ([...told].sort().join() !== held.join()) broken.push(`P8 holds ${held}, and the gateway tells of ${told}`);
  for (const alternatives of wanted.oneOf)
    if (alternatives.filter((pin) => held.includes(pin)).length !== 1)
      broken.push(`P8 does not hold one of ${alternatives}, which was answered`);
  const known = new Set([...wanted.oneOf.flat(), ...wanted.may]);
  for (const pin of held) if (!known.has(pin)) broken.push(`P8 still holds ${pin}, which nobody wants`);
  return broken.map((what) => `${lock.slug}: ${what}`);
}

/** What was final once is final for ever. */
export function judgeFinal(before: WireAttempt, now: WireAttempt | undefined): readonly string[] {
  if (now === undefined) return [`P1 ${before.action_attempt_id} was answered, and is not known any more`];
  if (before.status === 'pending') return [];
  const same = before.status === now.status && before.error?.type === now.error?.type;
  return same ? [] : [`P6 ${before.action_attempt_id} was ${before.status}, and is ${now.status}`];
}

const maySent = ({ error }: WireAttempt): boolean =>
  error === null || errorTypes[error.type as GatewayErrorType].delivery !== 'not_sent';

/** An attempt is sent in the life that accepted it or never: what comes later is of nobody. */
function lastArrival({ acceptedAt, settledAt }: AttemptLife, kills: readonly number[]): number {
  const killedAt = kills.find((at) => at >= acceptedAt) ?? Number.POSITIVE_INFINITY;
  return Math.min(settledAt, killedAt) + ON_THE_WAY_MS;
}

/** Commands that are left when each attempt has taken as many of its time as it may. */
function unexplained(arrivals: readonly number[], windows: readonly Window[]): readonly number[] {
  const room = windows.map((window) => ({ ...window }) as { from: number; until: number; room: number });
  return arrivals.filter((at) => {
    // Of those that may have it, the one that ends first: it has the fewest others to choose from.
    const open = room.filter((window) => window.room > 0 && window.from <= at && at <= window.until);
    const first = open.sort((a, b) => a.until - b.until)[0];
    if (first === undefined) return true;
    first.room -= 1;
    return false;
  });
}

/** How many attempts are left without a command when each command has gone to one of its time. */
function unmet(windows: readonly Window[], arrivals: readonly number[]): number {
  return windows.length - (arrivals.length - unexplained(arrivals, windows).length);
}

function boltOf(lock: LockRecord, life: AttemptLife, asked: 'locked' | 'unlocked'): readonly string[] {
  const { attempt, acceptedAt, settledAt } = life;
  if (attempt.status !== 'success') return [];
  const until = (moment: number) => lock.movements.filter(({ at }) => at <= moment);
  const before = until(acceptedAt - CLOCKS_APART_MS);
  const stood = before.at(-1)?.to ?? lock.movements[0]?.from ?? lock.bolt;
  const during = until(settledAt + CLOCKS_APART_MS).slice(before.length);
  if (stood === asked || during.some(({ to }) => to === asked)) return [];
  return [`P4 was not ${asked} while ${attempt.action_attempt_id} was under way, which says it was`];
}
