import type { AccessCodeRules, Secret } from '../contract/index.ts';
import type { AccessCodeRecord, CodePlacement, CodeTimes } from '../model/records.ts';
import type { AccessCodeSettings } from './settings.ts';

/** What time it is, and whether the clock can be believed. */
export interface Moment {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly sure: boolean;
}

/**
 * What is wanted of a code now. `as_it_is`: nobody knows what time it is, so nothing that depends on it is written or
 * removed.
 */
export type Want = 'on_lock' | 'off_lock' | 'as_it_is';

export function wantOf(code: AccessCodeRecord, { at, sure }: Moment, leadMs: number): Want {
  if (code.removal) return 'off_lock';
  if (code.startsAt === undefined && code.endsAt === undefined) return 'on_lock';
  if (!sure) return 'as_it_is';
  if (code.endsAt !== undefined && at >= code.endsAt) return 'off_lock';
  return at < dueAt(code, leadMs) ? 'off_lock' : 'on_lock';
}

/** When a code is to be written, in milliseconds since the Unix epoch. */
export const dueAt = ({ startsAt }: CodeTimes, leadMs: number): number =>
  startsAt === undefined ? Number.NEGATIVE_INFINITY : startsAt - leadMs;

/** The times the lock itself is given; undefined when the gateway keeps them. */
export function scheduleOf(code: AccessCodeRecord, rules: AccessCodeRules | undefined): CodePlacement['schedule'] {
  const { startsAt, endsAt, preferNativeScheduling } = code;
  if (!rules?.nativeSchedule || !preferNativeScheduling || startsAt === undefined || endsAt === undefined) {
    return undefined;
  }
  return { startsAt, endsAt };
}

export const leadOf = (
  code: AccessCodeRecord,
  rules: AccessCodeRules | undefined,
  settings: AccessCodeSettings,
): number => (scheduleOf(code, rules) ? settings.nativeLeadMs : settings.leadMs);

/**
 * Whether what stands there is what is wanted: the same digits with the same times. Whether a lock keeps times is not
 * known before it was opened: until then, what was given to it counts.
 */
export function fits(
  placement: CodePlacement,
  code: AccessCodeRecord,
  rules: AccessCodeRules | undefined,
  read: (sealed: Uint8Array) => Secret | undefined,
): boolean {
  const wanted = rules ? scheduleOf(code, rules) : placement.schedule;
  return (
    placement.state === 'held' &&
    placement.schedule?.startsAt === wanted?.startsAt &&
    placement.schedule?.endsAt === wanted?.endsAt &&
    sameDigits(placement.sealedCode, code.sealedCode, read)
  );
}

/** False also for digits that cannot be read. */
export function sameDigits(
  one: Uint8Array,
  other: Uint8Array,
  read: (sealed: Uint8Array) => Secret | undefined,
): boolean {
  if (one === other || Buffer.compare(one, other) === 0) return true;
  const digits = read(other);
  return (digits && read(one)?.equals(digits)) ?? false;
}

/** Whether two codes are ever valid at once; a missing end is for ever. */
export const overlap = (one: CodeTimes, other: CodeTimes): boolean =>
  (one.startsAt ?? Number.NEGATIVE_INFINITY) < (other.endsAt ?? Number.POSITIVE_INFINITY) &&
  (other.startsAt ?? Number.NEGATIVE_INFINITY) < (one.endsAt ?? Number.POSITIVE_INFINITY);
