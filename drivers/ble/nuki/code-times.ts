import type { CodeSchedule } from '../../../src/contract/index.ts';
import type { KeypadLimits } from './codec-commands.ts';
import type { LockTime } from './codec-fields.ts';

/** The wall-clock fields of a moment in a zone: what a lock that keeps that zone's time compares with. */
export function lockTimeAt(epochMs: number, timeZone: string): LockTime {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const fields = new Map(format.formatToParts(epochMs).map(({ type, value }) => [type, Number(value)]));
  const field = (name: Intl.DateTimeFormatPartTypes) => fields.get(name) ?? 0;
  return {
    year: field('year'),
    month: field('month'),
    day: field('day'),
    hour: field('hour'),
    minute: field('minute'),
    second: field('second'),
  };
}

/** A lock's time taken as UTC, in milliseconds since the Unix epoch. */
export const asUtc = ({ year, month, day, hour, minute, second }: LockTime): number =>
  Date.UTC(year, month - 1, day, hour, minute, second);

/** Bit 6 Monday to bit 0 Sunday; no bit: every day. */
const weekdayBits = (days: readonly number[]): number => days.reduce((bits, day) => bits | (1 << (7 - day)), 0);

export function limitsOf(schedule: CodeSchedule | undefined, timeZone: string): KeypadLimits | undefined {
  if (schedule === undefined) return undefined;
  const { startsAt, endsAt, weekly } = schedule;
  const clock = (minute: number) => ({ hour: Math.floor(minute / 60), minute: minute % 60 });
  return {
    from: lockTimeAt(startsAt, timeZone),
    until: lockTimeAt(endsAt, timeZone),
    weekdays: weekdayBits(weekly?.days ?? []),
    dailyFrom: clock(weekly?.fromMinute ?? 0),
    dailyUntil: clock(weekly?.untilMinute ?? 0),
  };
}

export const sameLimits = (one: KeypadLimits | undefined, other: KeypadLimits | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
