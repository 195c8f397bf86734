import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { WeeklySchedule } from './objects.ts';

type WeeklyHours = typeof import('./weekly-hours.ts');

const BERLIN = 'Europe/Berlin';
const office: WeeklySchedule = {
  time_zone: BERLIN,
  windows: [
    { weekdays: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'], starts_at: '08:00', ends_at: '17:00' },
  ],
};

describe('weekly hours, as the console reads and writes them', () => {
  let hours: WeeklyHours;
  beforeAll(async () => {
    vi.stubGlobal('localStorage', { getItem: () => 'en' });
    const { session } = await import('./state.ts');
    session.value = { gateway: { time_zone: BERLIN } } as unknown as typeof session.value;
    hours = await import('./weekly-hours.ts');
  });
  afterAll(() => vi.unstubAllGlobals());

  it.each([
    ['before the first of a day', '2026-11-30T06:00:00Z', '2026-11-30T07:00:00.000Z'],
    ['while one is open: the one of the next day', '2026-11-30T08:00:00Z', '2026-12-01T07:00:00.000Z'],
    ['on the last of its days, over a weekend', '2026-12-04T18:00:00Z', '2026-12-07T07:00:00.000Z'],
    ['over the night in which summer time ends', '2026-10-23T18:00:00Z', '2026-10-26T07:00:00.000Z'],
    ['over the night in which summer time begins', '2027-03-26T18:00:00Z', '2027-03-29T06:00:00.000Z'],
    ['late at night, where the building is a day ahead of UTC', '2026-11-30T23:30:00Z', '2026-12-01T07:00:00.000Z'],
  ])('begin next %s', (_, now, next) => {
    expect(hours.nextWindow(office, Date.parse(now))).toBe(next);
  });

  it('begin at the earliest of several windows, whatever their order', () => {
    const night: WeeklySchedule = {
      time_zone: BERLIN,
      windows: [
        { weekdays: ['saturday'], starts_at: '22:00', ends_at: '02:00' },
        { weekdays: ['saturday'], starts_at: '09:00', ends_at: '11:00' },
      ],
    };
    expect(hours.nextWindow(night, Date.parse('2026-12-04T12:00:00Z'))).toBe('2026-12-05T08:00:00.000Z');
    expect(hours.nextWindow(night, Date.parse('2026-12-05T10:30:00Z'))).toBe('2026-12-05T21:00:00.000Z');
    // The same day of the next week.
    expect(hours.nextWindow(night, Date.parse('2026-12-05T21:30:00Z'))).toBe('2026-12-12T08:00:00.000Z');
  });

  it('are not guessed for another zone than the building’s', () => {
    expect(hours.nextWindow({ ...office, time_zone: 'America/New_York' }, Date.now())).toBeUndefined();
  });

  it('come back from the form as they went in, and are no change then', () => {
    const days: WeeklySchedule = {
      time_zone: BERLIN,
      windows: [
        { weekdays: ['sunday'], starts_at: '00:00', ends_at: '24:00' },
        { weekdays: ['monday', 'sunday'], starts_at: '22:00', ends_at: '02:00' },
      ],
    };
    expect(hours.scheduleOf(hours.hoursOf(days))).toEqual(days);
    expect(hours.changedHours(days, hours.hoursOf(days))).toEqual({});
    expect(hours.changedHours(days, [])).toEqual({ strikeplate_schedule: null });
    expect(hours.changedHours(undefined, hours.hoursOf(days))).toEqual({ strikeplate_schedule: days });
  });

  it('are told by the first and the last of days that follow each other', () => {
    expect(hours.inWords(office)).toBe('Mon – Fri 08:00–17:00');
  });
});
