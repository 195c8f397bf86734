import type { AccessCodeRules, CodeSchedule, Secret } from '../contract/index.ts';
import type { HoursWindow, WeeklyHours } from '../model/code-hours.ts';
import type { AccessCodeRecord, CodePlacement, CodeTimes } from '../model/records.ts';
import type { HoursCalendar } from './hours.ts';
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

export function wantOf(
  code: Pick<AccessCodeRecord, 'removal' | 'startsAt' | 'endsAt'>,
  { at, sure }: Moment,
  leadMs: number,
): Want {
  if (code.removal) return 'off_lock';
  if (code.startsAt === undefined && code.endsAt === undefined) return 'on_lock';
  if (!sure) return 'as_it_is';
  if (code.endsAt !== undefined && at >= code.endsAt) return 'off_lock';
  return at < dueAt(code, leadMs) ? 'off_lock' : 'on_lock';
}

/** What of a code's times counts now: with hours, those of the turn that is on or comes next. */
export interface Timing extends CodeTimes {
  /** What the lock itself is to be given. */
  readonly schedule: CodePlacement['schedule'];
  readonly leadMs: number;
  /** When the turn before was over. */
  readonly lastUntil: number | undefined;
  /** What is to be said of hours that the lock cannot follow exactly. */
  readonly problem: string | undefined;
}

/** What a code is judged by. */
export interface Circumstances {
  readonly moment: Moment;
  /** Undefined for a lock that has not been opened yet, or has no keypad. */
  readonly rules: AccessCodeRules | undefined;
  readonly settings: AccessCodeSettings;
  readonly calendar: HoursCalendar;
  /** The digits in clear, to compare; undefined when they cannot be read. */
  readonly read: (sealed: Uint8Array) => Secret | undefined;
}

/** What the rest of a code's record follows from. */
export interface CodeEvaluation {
  readonly moment: Moment;
  readonly rules: AccessCodeRules | undefined;
  /** Until then, in milliseconds since the Unix epoch, the time alone changes nothing. */
  readonly holdsUntil: number;
  readonly want: Want;
  /** What of its times counts now. */
  readonly timing: Timing;
  /** The placement that is just as wanted. */
  readonly fitting: CodePlacement | undefined;
}

/** What is wanted of a code now, and which of its placements is just that. */
export function evaluate(code: AccessCodeRecord, on: Circumstances): CodeEvaluation {
  const { moment, rules } = on;
  const timing = timingOf(code, rules, on.settings, moment.at, on.calendar);
  const { startsAt, endsAt, leadMs } = timing;
  return {
    moment,
    rules,
    timing,
    holdsUntil: nextInstant(code, timing, moment.at),
    want: wantOf({ removal: code.removal, startsAt, endsAt }, moment, leadMs),
    fitting: code.placements.find((placement) => fits(placement, code, rules, on.read, timing)),
  };
}

/** Whether evaluating a code again would say the same. */
export const holds = (
  evaluation: CodeEvaluation,
  { moment, rules }: Pick<Circumstances, 'moment' | 'rules'>,
): boolean =>
  evaluation.rules === rules &&
  evaluation.moment.sure === moment.sure &&
  evaluation.moment.at <= moment.at &&
  evaluation.holdsUntil > moment.at;

/**
 * Nothing waits longer than this to be looked at again: the wall clock may have jumped, and a calendar looks no more than
 * some days ahead. In milliseconds, a guess.
 */
export const longestSleepMs = 600_000;

/** When the time alone changes what is wanted of a code, or what is to be told of it. */
function nextInstant(code: AccessCodeRecord, timing: Timing, at: number): number {
  const { startsAt, endsAt, schedule, lastUntil, leadMs } = timing;
  const instants = [
    dueAt(timing, leadMs),
    startsAt,
    endsAt,
    schedule?.startsAt,
    schedule?.endsAt,
    code.endsAt,
    wantedSince(code, timing) + lateAfterMs,
    lastUntil && lastUntil + lateAfterMs,
    code.removal && code.removal.at + lateAfterMs,
  ];
  let next = at + longestSleepMs;
  for (const instant of instants) if (instant !== undefined && instant > at) next = Math.min(next, instant);
  return next;
}

/** How late a code may be before it is called late, in milliseconds. A guess: a healthy lock takes seconds. */
export const lateAfterMs = 60_000;

/** Since when it should work. */
export const wantedSince = ({ createdAt }: AccessCodeRecord, { startsAt }: Timing): number =>
  Math.max(startsAt ?? 0, createdAt);

/** Hours are kept on a lock that does not keep them by writing and removing: what that takes, in milliseconds. Guesses. */
const turnLeadMs = { cheap: 120_000, battery: 600_000 };

/** A turn has to be this much longer than its lead, for a lock whose codes are written and removed in it. A guess. */
const shortestTurnMs = { cheap: 300_000, battery: 900_000 };

/** An end for a lock that insists on one, in milliseconds after the beginning. A guess: nobody's code is as old. */
const farAwayMs = 10 * 366 * 86_400_000;

function timingOf(
  code: AccessCodeRecord,
  rules: AccessCodeRules | undefined,
  settings: AccessCodeSettings,
  at: number,
  calendar: HoursCalendar,
): Timing {
  const { hours, startsAt, endsAt, createdAt, preferNativeScheduling } = code;
  if (!hours) {
    const schedule = scheduleOf(code, rules);
    const leadMs = schedule ? settings.nativeLeadMs : settings.leadMs;
    return { startsAt, endsAt, schedule, leadMs, lastUntil: undefined, problem: undefined };
  }
  const isNative = rules?.nativeSchedule === true && preferNativeScheduling;
  const begin = startsAt ?? createdAt;
  const onLock =
    isNative && rules.weeklyHours && calendar.onLock(hours, rules.weeklyHours.timeZone, Math.max(at, begin));
  if (onLock) {
    const until = Math.min(endsAt ?? begin + farAwayMs, onLock.until ?? Number.POSITIVE_INFINITY);
    const schedule = { startsAt: begin, endsAt: until, weekly: onLock.weekly };
    return { startsAt, endsAt, schedule, leadMs: settings.nativeLeadMs, lastUntil: undefined, problem: undefined };
  }
  const { next, lastUntil } = calendar.turns(hours, code, at);
  if (!next) {
    const startsNever = Number.POSITIVE_INFINITY;
    return { startsAt: startsNever, endsAt, schedule: undefined, leadMs: 0, lastUntil, problem: undefined };
  }
  const { from, until } = next;
  const times = { startsAt: from, endsAt: until, lastUntil };
  if (isNative) {
    const schedule = { startsAt: from, endsAt: until };
    return { ...times, schedule, leadMs: settings.nativeLeadMs, problem: undefined };
  }
  const cost = rules?.readCost ?? 'battery';
  return { ...times, schedule: undefined, leadMs: turnLeadMs[cost], problem: problemOf(hours, cost) };
}

/** What a lock whose codes are written and removed at these hours does not do as they say. */
function problemOf({ windows }: WeeklyHours, cost: 'cheap' | 'battery'): string | undefined {
  const lead = turnLeadMs[cost] / 60_000;
  const minutes = ({ fromMinute, untilMinute }: HoursWindow) =>
    untilMinute > fromMinute ? untilMinute - fromMinute : untilMinute + 1_440 - fromMinute;
  const shortest = Math.min(...windows.map(minutes));
  if (shortest * 60_000 >= shortestTurnMs[cost]) return undefined;
  return (
    `The shortest window has ${shortest} minutes. This lock does not keep hours itself: the code is written up to ${lead} ` +
    `minutes before each window and removed at its end, and an exchange that has to be repeated may take longer than the ` +
    `window. Make it ${shortestTurnMs[cost] / 60_000} minutes or more.`
  );
}

/** When a code is to be written, in milliseconds since the Unix epoch. */
export const dueAt = ({ startsAt }: CodeTimes, leadMs: number): number =>
  startsAt === undefined ? Number.NEGATIVE_INFINITY : startsAt - leadMs;

/** The times the lock itself is given; undefined when the gateway keeps them. */
function scheduleOf(code: AccessCodeRecord, rules: AccessCodeRules | undefined): CodePlacement['schedule'] {
  const { startsAt, endsAt, preferNativeScheduling } = code;
  if (!rules?.nativeSchedule || !preferNativeScheduling || startsAt === undefined || endsAt === undefined) {
    return undefined;
  }
  return { startsAt, endsAt };
}

/**
 * Whether what stands there is what is wanted: the same digits with the same times. Whether a lock keeps times is not
 * known before it was opened: until then, what was given to it counts.
 */
export function fits(
  placement: CodePlacement,
  code: AccessCodeRecord,
  rules: AccessCodeRules | undefined,
  read: (sealed: Uint8Array) => Secret | undefined,
  { schedule }: Pick<Timing, 'schedule'> = { schedule: scheduleOf(code, rules) },
): boolean {
  const wanted = rules ? schedule : placement.schedule;
  return (
    placement.state === 'held' &&
    placement.schedule?.startsAt === wanted?.startsAt &&
    placement.schedule?.endsAt === wanted?.endsAt &&
    sameWeekly(placement.schedule?.weekly, wanted?.weekly) &&
    sameDigits(placement.sealedCode, code.sealedCode, read)
  );
}

const sameWeekly = (one: CodeSchedule['weekly'], other: CodeSchedule['weekly']): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/** False also for digits that cannot be read. */
function sameDigits(one: Uint8Array, other: Uint8Array, read: (sealed: Uint8Array) => Secret | undefined): boolean {
  if (one === other || Buffer.compare(one, other) === 0) return true;
  const digits = read(other);
  return (digits && read(one)?.equals(digits)) ?? false;
}

/** Whether two codes are ever valid at once; a missing end is for ever. */
export const overlap = (one: CodeTimes, other: CodeTimes): boolean =>
  (one.startsAt ?? Number.NEGATIVE_INFINITY) < (other.endsAt ?? Number.POSITIVE_INFINITY) &&
  (other.startsAt ?? Number.NEGATIVE_INFINITY) < (one.endsAt ?? Number.POSITIVE_INFINITY);
