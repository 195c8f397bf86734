import { describe, expect, it } from 'vitest';
import { parseDailyWindow, windowTest } from './daily-window.ts';

describe('a daily window', () => {
  const test = (starts: string, ends: string, zone: string, instant: string) =>
    windowTest(parseDailyWindow(starts, ends, zone))(Date.parse(instant));

  it.each([
    ['20:00:00', '06:00:00', 'Europe/Zurich', '2026-01-15T18:59:59Z', false],
    ['20:00:00', '06:00:00', 'Europe/Zurich', '2026-01-15T19:00:00Z', true],
    ['20:00:00', '06:00:00', 'Europe/Zurich', '2026-01-15T23:30:00Z', true],
    ['20:00:00', '06:00:00', 'Europe/Zurich', '2026-01-16T05:00:00Z', false],
    ['20:00:00', '06:00:00', 'Europe/Zurich', '2026-07-15T18:00:00Z', true],
    ['08:00:00', '20:00:00', 'UTC', '2026-01-15T08:00:00Z', true],
    ['08:00:00', '20:00:00', 'UTC', '2026-01-15T20:00:00Z', false],
    ['00:00:00', '06:00:00', 'America/Argentina/Buenos_Aires', '2026-01-15T03:00:00Z', true],
    // Summer time begins: 02:00 becomes 03:00 on 29 March 2026 in Zurich, so 02:30 does not exist.
    ['02:15:00', '02:45:00', 'Europe/Zurich', '2026-03-29T01:00:00Z', false],
    ['02:00:00', '04:00:00', 'Europe/Zurich', '2026-03-29T01:00:00Z', true],
    // Half an hour only: on Lord Howe Island 02:00 becomes 01:30 on 5 April 2026.
    ['01:30:00', '02:00:00', 'Australia/Lord_Howe', '2026-04-04T14:45:00Z', true],
    ['01:30:00', '02:00:00', 'Australia/Lord_Howe', '2026-04-04T15:15:00Z', true],
    ['01:30:00', '02:00:00', 'Australia/Lord_Howe', '2026-04-04T15:30:00Z', false],
    // Summer time ends: 03:00 becomes 02:00 on 25 October 2026, so 02:30 comes twice.
    ['02:15:00', '02:45:00', 'Europe/Zurich', '2026-10-25T00:30:00Z', true],
    ['02:15:00', '02:45:00', 'Europe/Zurich', '2026-10-25T01:30:00Z', true],
    ['02:15:00', '02:45:00', 'Europe/Zurich', '2026-10-25T01:50:00Z', false],
  ])('%s to %s in %s at %s: %s', (starts, ends, zone, instant, inside) => {
    expect(test(starts, ends, zone, instant)).toBe(inside);
  });

  it.each([...Intl.supportedValuesOf('timeZone'), 'UTC', 'Etc/GMT+12', 'US/Pacific', 'Asia/Calcutta'])(
    'may be in %s',
    (zone) => {
      expect(parseDailyWindow(`22:00:00[${zone}]`, `07:00:00[${zone}]`, 'UTC').timeZone).toBe(zone);
    },
  );

  it.each(['+01:00', 'Mars/Olympus', 'Europe', '', ' UTC'])('may not be in "%s"', (zone) => {
    expect(() => parseDailyWindow(`22:00:00[${zone}]`, '07:00:00', 'UTC')).toThrow(/starts_daily_at/);
  });

  it('takes the zone in brackets before the default', () => {
    expect(parseDailyWindow('20:00:00[America/Los_Angeles]', '06:00:00', 'UTC')).toEqual({
      startsDailyAt: '20:00:00',
      endsDailyAt: '06:00:00',
      timeZone: 'America/Los_Angeles',
    });
  });
});
