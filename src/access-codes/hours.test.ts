import { describe, expect, it } from 'vitest';
import type { HoursWindow, WeeklyHours } from '../model/code-hours.ts';
import { HoursCalendar } from './hours.ts';

const everyDay = [1, 2, 3, 4, 5, 6, 7];
const openEnd = { startsAt: undefined, endsAt: undefined };
const zurich = (...windows: HoursWindow[]): WeeklyHours => ({ timeZone: 'Europe/Zurich', windows });
const window = (days: number[], fromMinute: number, untilMinute: number): HoursWindow => ({
  days,
  fromMinute,
  untilMinute,
});
const at = Date.parse;
const turnAt = (
  hours: WeeklyHours,
  now: string,
  times = openEnd as { startsAt: number | undefined; endsAt: number | undefined },
) => {
  const { next } = new HoursCalendar().turns(hours, times, at(now));
  return next && [next.from, next.until].map((instant) => new Date(instant).toISOString());
};

describe('weekly hours', () => {
  it.each([
    // A Monday in winter, a Monday in summer: eight o'clock is another instant.
    ['2026-01-05T05:00:00Z', ['2026-01-05T07:00:00.000Z', '2026-01-05T16:00:00.000Z']],
    ['2026-07-06T05:00:00Z', ['2026-07-06T06:00:00.000Z', '2026-07-06T15:00:00.000Z']],
    // On, and just over: the next is on Friday.
    ['2026-07-06T14:59:59Z', ['2026-07-06T06:00:00.000Z', '2026-07-06T15:00:00.000Z']],
    ['2026-07-06T15:00:00Z', ['2026-07-10T06:00:00.000Z', '2026-07-10T15:00:00.000Z']],
  ])('by the wall clock: after %s comes %j', (now, expected) => {
    expect(turnAt(zurich(window([1, 5], 8 * 60, 17 * 60)), now)).toEqual(expected);
  });

  it('runs over midnight and over the end of the week', () => {
    const nights = zurich(window([7], 22 * 60, 6 * 60));
    expect(turnAt(nights, '2026-07-06T02:00:00Z')).toEqual(['2026-07-05T20:00:00.000Z', '2026-07-06T04:00:00.000Z']);
  });

  it('joins windows that meet, and is cut by the times of its code', () => {
    const hours = zurich(
      window(everyDay, 8 * 60, 12 * 60),
      window(everyDay, 12 * 60, 24 * 60),
      window(everyDay, 0, 60),
    );
    expect(turnAt(hours, '2026-07-06T08:00:00Z')).toEqual(['2026-07-06T06:00:00.000Z', '2026-07-06T23:00:00.000Z']);
    const times = { startsAt: at('2026-07-06T09:00:00Z'), endsAt: at('2026-07-06T10:00:00Z') };
    expect(turnAt(hours, '2026-07-01T08:00:00Z', times)).toEqual([
      '2026-07-06T09:00:00.000Z',
      '2026-07-06T10:00:00.000Z',
    ]);
    expect(turnAt(hours, '2026-07-06T10:00:00Z', times)).toBeUndefined();
  });

  it.each([
    // 02:00 to 03:00 is skipped on 29 March: a window that begins in it begins when the clock is set forward.
    ['2026-03-28T22:00:00Z', 150, 240, ['2026-03-29T01:00:00.000Z', '2026-03-29T02:00:00.000Z']],
    // One that lies in it is not on that night.
    ['2026-03-28T22:00:00Z', 125, 175, ['2026-03-30T00:05:00.000Z', '2026-03-30T00:55:00.000Z']],
    // 02:00 to 03:00 is there twice on 25 October: a window in it begins with the first and ends with the second.
    ['2026-10-24T22:00:00Z', 135, 165, ['2026-10-25T00:15:00.000Z', '2026-10-25T01:45:00.000Z']],
    // A whole night has an hour less, and one more.
    ['2026-03-28T22:00:00Z', 0, 360, ['2026-03-28T23:00:00.000Z', '2026-03-29T04:00:00.000Z']],
    ['2026-10-24T21:00:00Z', 0, 360, ['2026-10-24T22:00:00.000Z', '2026-10-25T05:00:00.000Z']],
  ])('in a night in which the clock is set, after %s, from %i to %i', (now, from, until, expected) => {
    expect(turnAt(zurich(window(everyDay, from, until)), now)).toEqual(expected);
  });

  it.each(['America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia'])(
    'agrees with the wall clock of %s',
    (timeZone) => {
      const hours = { timeZone, windows: [window([2, 3, 7], 7 * 60 + 30, 19 * 60), window([6], 23 * 60, 5 * 60)] };
      const calendar = new HoursCalendar();
      const format = new Intl.DateTimeFormat('en-GB', {
        timeZone,
        weekday: 'short',
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      });
      for (let now = at('2026-03-01T00:10:00Z'); now < at('2026-12-01T00:00:00Z'); now += 3_660_000 * 5) {
        const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
        const time = `${parts.get('hour')}:${parts.get('minute')}`;
        const day = parts.get('weekday') ?? '';
        const isOn =
          (['Tue', 'Wed', 'Sun'].includes(day) && time >= '07:30' && time < '19:00') ||
          (day === 'Sat' && time >= '23:00') ||
          (day === 'Sun' && time < '05:00');
        const { next } = calendar.turns(hours, openEnd, now);
        expect(next !== undefined && next.from <= now && now < next.until, new Date(now).toISOString()).toBe(isOn);
      }
    },
  );
});

describe('hours in a lock’s own words', () => {
  const onLock = (hours: WeeklyHours, zone: string, now: string) => {
    const found = new HoursCalendar().onLock(hours, zone, at(now));
    return found && { ...found.weekly, until: found.until && new Date(found.until).toISOString() };
  };

  it.each([
    ['2026-01-05T05:00:00Z', 7 * 60, 16 * 60, '2026-03-29T01:00:00.000Z'],
    ['2026-07-06T05:00:00Z', 6 * 60, 15 * 60, '2026-10-25T01:00:00.000Z'],
  ])('a lock on UTC is told them until the clock is set: %s', (now, fromMinute, untilMinute, until) => {
    const hours = zurich(window([1, 5], 8 * 60, 17 * 60));
    expect(onLock(hours, 'UTC', now)).toEqual({ days: [1, 5], fromMinute, untilMinute, until });
  });

  it('a lock in their zone is told them once', () => {
    const hours = zurich(window([1], 8 * 60, 17 * 60), window([3], 8 * 60, 17 * 60));
    expect(onLock(hours, 'Europe/Zurich', '2026-01-05T05:00:00Z')).toEqual({
      ...{ days: [1, 3], fromMinute: 480, untilMinute: 1_020, until: undefined },
    });
  });

  it('another day where they cross the lock’s midnight together, and not at all where one of them does', () => {
    const early = { timeZone: 'Asia/Tokyo', windows: [window([1, 7], 6 * 60, 8 * 60)] };
    expect(onLock(early, 'UTC', '2026-01-05T05:00:00Z')).toEqual({
      ...{ days: [6, 7], fromMinute: 21 * 60, untilMinute: 23 * 60, until: undefined },
    });
    const across = { timeZone: 'Asia/Tokyo', windows: [window([1], 8 * 60, 10 * 60)] };
    expect(onLock(across, 'UTC', '2026-01-05T05:00:00Z')).toBeUndefined();
    expect(onLock(zurich(window([1], 22 * 60, 6 * 60)), 'Europe/Zurich', '2026-01-05T05:00:00Z')).toBeUndefined();
    const several = zurich(window([1], 8 * 60, 9 * 60), window([1], 18 * 60, 19 * 60));
    expect(onLock(several, 'Europe/Zurich', '2026-01-05T05:00:00Z')).toBeUndefined();
    expect(onLock(zurich(window([6, 7], 0, 1_440)), 'Europe/Zurich', '2026-01-05T05:00:00Z')).toMatchObject({
      ...{ days: [6, 7], fromMinute: 0, untilMinute: 0 },
    });
  });
});
