import { describe, expect, it } from 'vitest';
import { type KeypadStayOptions, keypadStay } from '../../test/kit/locks/keypad-stay.ts';
import type { HoursWindow, WeeklyHours } from '../model/code-hours.ts';

const minute = 60_000;
const hour = 60 * minute;

const clean: HoursWindow[] = [{ days: [6, 7, 1], fromMinute: 8 * 60, untilMinute: 11 * 60 }];
const nights: HoursWindow[] = [{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 22 * 60, untilMinute: 6 * 60 }];
const twice: HoursWindow[] = [
  { days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 90, untilMinute: 150 },
  { days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 18 * 60, untilMinute: 18 * 60 + 45 },
];
const zurich = (windows: readonly HoursWindow[]): WeeklyHours => ({ timeZone: 'Europe/Zurich', windows });

/** By the wall clock, and by nothing of the code under test. */
function isOn(windows: readonly HoursWindow[], at: number): boolean {
  const clock = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone: 'Europe/Zurich', weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  });
  const parts = new Map(clock.formatToParts(at).map(({ type, value }) => [type, value]));
  const day = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(parts.get('weekday') ?? '') + 1;
  const now = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  return windows.some(({ days, fromMinute, untilMinute }) =>
    fromMinute < untilMinute
      ? days.includes(day) && now >= fromMinute && now < untilMinute
      : (days.includes(day) && now >= fromMinute) || (days.includes(((day + 5) % 7) + 1) && now < untilMinute),
  );
}

const locks: Record<string, KeypadStayOptions> = {
  'keeps no times, and is read at will': { readCost: 'cheap' },
  'keeps no times, and has a battery': { readCost: 'battery' },
  'keeps times': { native: true },
  'keeps hours by a clock on UTC': { native: true, weeklyZone: 'UTC' },
  'keeps hours by the clock of the house': { native: true, weeklyZone: 'Europe/Zurich' },
};

describe.each(Object.entries(locks))('hours on a lock that %s', (name, options) => {
  // The days around the nights in which the clock is set forward, and back.
  it.each([
    ['2026-03-27T10:00:00Z', clean],
    ['2026-03-27T10:00:00Z', nights],
    ['2026-03-27T10:00:00Z', twice],
    ['2026-10-23T10:00:00Z', clean],
    ['2026-10-23T10:00:00Z', nights],
    ['2026-10-23T10:00:00Z', twice],
  ])('from %s on, %j', async (start, windows) => {
    const { clock, keypad, codes, create } = await keypadStay({ ...options, startsAt: Date.parse(start) });
    await create('0472', undefined, undefined, { hours: zurich(windows) });
    // A lock that keeps nothing has the code a little before; and a change takes a moment.
    const earlyMs = options.native ? 0 : options.readCost === 'cheap' ? 2 * minute : 10 * minute;
    const promptMs = minute;
    let wasOn = 0;
    for (let step = 0; step < 3 * 24 * 6; step++) {
      await clock.advance(10 * minute);
      const at = clock.wallTime();
      // Between the two times at which a clock shows the same, a window that has begun goes on.
      if (at >= Date.parse('2026-10-25T00:30:00Z') && at <= Date.parse('2026-10-25T01:00:00Z')) continue;
      const opens = keypad.opens('0472');
      if (isOn(windows, at - promptMs) && isOn(windows, at)) {
        wasOn += 1;
        expect(opens, new Date(at).toISOString()).toBe(true);
        expect(codes.list()[0]?.status).toBe('set');
      } else if (![at - promptMs, at, at + earlyMs].some((moment) => isOn(windows, moment))) {
        expect(opens, new Date(at).toISOString()).toBe(false);
      }
    }
    expect(wasOn).toBeGreaterThan(10);
    // Hours that the lock keeps itself cost it a write when they begin, and one when its clock is not the house's.
    const writes = keypad.changes.filter(({ present }) => present).length;
    if (windows === clean && name.startsWith('keeps hours')) expect(writes).toBe(options.weeklyZone === 'UTC' ? 2 : 1);
    await clock.advance(hour);
  });
});

describe('a code with hours', () => {
  it('says when it comes next, and that the lock was away when its hours ended', async () => {
    const { clock, keypad, codes, create, told, lock } = await keypadStay({
      readCost: 'cheap',
      startsAt: Date.parse('2026-07-06T05:00:00Z'),
    });
    const daily = [{ days: [1, 2, 3, 4, 5], fromMinute: 8 * 60, untilMinute: 9 * 60 }];
    const { code } = await create('0472', undefined, undefined, { hours: zurich(daily) });
    expect(codes.get(code.accessCodeId)).toMatchObject({
      status: 'unset',
      pendingMutations: [{ mutationCode: 'deferring_creation', scheduledAt: Date.parse('2026-07-06T05:58:00Z') }],
    });
    await clock.advance(70 * minute);
    expect(codes.get(code.accessCodeId)).toMatchObject({ status: 'set', warnings: [] });
    keypad.reachable = false;
    lock.report({ kind: 'health', health: { status: 'offline', reason: 'out_of_range', hint: 'Bring it closer.' } });
    await clock.advance(hour);
    expect(codes.get(code.accessCodeId)).toMatchObject({ warnings: [{ code: 'delay_in_removing_from_device' }] });
    expect(told(code.accessCodeId)).toContain('delay_in_removing_from_device');
    keypad.reachable = true;
    lock.report({ kind: 'health', health: { status: 'online' } });
    await clock.advance(minute);
    expect([keypad.opens('0472'), codes.get(code.accessCodeId)?.warnings]).toEqual([false, []]);
    expect(codes.get(code.accessCodeId)?.pendingMutations).toMatchObject([
      { mutationCode: 'deferring_creation', scheduledAt: Date.parse('2026-07-07T05:58:00Z') },
    ]);
  });

  it('warns of a window that is too short for a lock on a battery, and for none that keeps hours', async () => {
    const short = { hours: zurich([{ days: [1], fromMinute: 8 * 60, untilMinute: 8 * 60 + 10 }]) };
    const battery = await keypadStay({ startsAt: Date.parse('2026-07-06T05:00:00Z') });
    const { code } = await battery.create('0472', undefined, undefined, short);
    expect(code.warnings).toMatchObject([
      { code: 'strikeplate_schedule_window_too_short', message: expect.stringMatching(/10 minutes.*15 minutes/) },
    ]);
    for (const fine of [{ readCost: 'cheap' }, { native: true }, { native: true, weeklyZone: 'UTC' }] as const) {
      const { create } = await keypadStay({ ...fine, startsAt: Date.parse('2026-07-06T05:00:00Z') });
      expect((await create('0472', undefined, undefined, short)).code.warnings).toEqual([]);
    }
  });

  it('is given other hours, and none', async () => {
    const { clock, keypad, codes, create, origin, told } = await keypadStay({
      startsAt: Date.parse('2026-07-06T07:00:00Z'),
    });
    const morning = zurich([{ days: [1], fromMinute: 8 * 60, untilMinute: 12 * 60 }]);
    const { code } = await create('0472', undefined, undefined, { hours: morning });
    await clock.advance(minute);
    expect(keypad.opens('0472')).toBe(true);
    await codes.update(
      code.accessCodeId,
      { hours: zurich([{ days: [2], fromMinute: 0, untilMinute: 1_440 }]) },
      origin(),
    );
    await clock.advance(minute);
    expect(keypad.opens('0472')).toBe(false);
    await codes.update(code.accessCodeId, { hours: null }, origin());
    await clock.advance(minute);
    expect(keypad.opens('0472')).toBe(true);
    expect(told(code.accessCodeId).filter((type) => type === 'time_frame_changed')).toHaveLength(2);
  });
});

describe('a code with so many uses', () => {
  it('goes after the last of them', async () => {
    const { clock, keypad, codes, create, lock } = await keypadStay();
    const { code } = await create('0472', undefined, undefined, { maxUses: 2 });
    await clock.advance(minute);
    const use = () => lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 1 });
    use();
    await clock.advance(minute);
    expect(codes.get(code.accessCodeId)).toMatchObject({ uses: 1, maxUses: 2 });
    expect(keypad.opens('0472')).toBe(true);
    use();
    await clock.advance(minute);
    expect([keypad.opens('0472'), codes.get(code.accessCodeId)]).toEqual([false, undefined]);
  });
});
