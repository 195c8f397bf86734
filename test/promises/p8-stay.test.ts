import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/contract/index.ts';
import { ZigbeeStay } from '../kit/locks/zigbee-stay.ts';

const minute = 60_000;
const hour = 60 * minute;

/** What a well lock and a running gateway may take over a change, in milliseconds. */
const promptMs = 3 * minute;

/** When the lock must hold which digits: hours after check-in day's noon. */
interface Expected {
  readonly digits: string;
  readonly from: number;
  readonly until: number;
}

/** Lets time pass minute by minute and holds the keypad to the plan, within `promptMs` of each change. */
async function live(stay: ZigbeeStay, noon: number, untilHour: number, plan: readonly Expected[]): Promise<void> {
  while (stay.now < noon + untilHour * hour) {
    await stay.pass(minute);
    const since = stay.now - noon;
    const settledFor = (at: number) => Math.abs(since - at * hour) > promptMs;
    if (!plan.every(({ from, until }) => settledFor(from) && settledFor(until))) continue;
    const expected = plan.filter(({ from, until }) => since >= from * hour && since < until * hour);
    expect(stay.keypad, `${(since / hour).toFixed(2)} h after noon`).toEqual(
      expected.map(({ digits }) => digits).sort(),
    );
  }
}

describe('P8 over a stay of three days', () => {
  it.each([
    [
      'as summer time begins',
      '2026-03-28T12:00:00+01:00',
      '2026-03-28T15:00:00+01:00',
      '2026-03-31T11:00:00+02:00',
      70,
    ],
    ['as summer time ends', '2026-10-24T12:00:00+02:00', '2026-10-24T15:00:00+02:00', '2026-10-27T11:00:00+01:00', 72],
  ])(
    '%s: at every minute the keypad holds what it should, or an event says why not',
    async (_, start, checkIn, checkOut, ends) => {
      const noon = Date.parse(start);
      const stay = new ZigbeeStay(noon);
      await stay.boxOn();
      await stay.pass(10_000);

      // A cleaner for ever, a guest from 15:00 to 11:00 three days later. The guest's code comes an hour before.
      const cleaner = await stay.create({ name: 'Cleaner', code: new Secret('7391') });
      const guest = await stay.create({
        name: 'Guest',
        code: new Secret('0472'),
        startsAt: Date.parse(checkIn),
        endsAt: Date.parse(checkOut),
      });
      expect(stay.core.accessCodes.get(guest)).toMatchObject({
        status: 'unset',
        pendingMutations: [{ mutationCode: 'deferring_creation' }],
      });
      const outOfTheLight: Expected[] = [
        { digits: '7391', from: 0, until: 1_000 },
        { digits: '0472', from: 2, until: 1_000 },
      ];
      await live(stay, noon, 9, outOfTheLight);
      expect(stay.core.accessCodes.get(guest)?.status).toBe('set');

      // The box is off from 21:00 to 22:30; codes need no box.
      stay.boxOff();
      await live(stay, noon, 10.5, outOfTheLight);
      await stay.boxOn();
      await live(stay, noon, 15, outOfTheLight);

      // In the night of the change the batteries are changed: the lock is away, and comes back empty.
      stay.lock.goOffline();
      stay.lock.keypad.codes.clear();
      await stay.pass(2 * hour);
      expect(stay.keypad).toEqual([]);
      stay.lock.comeOnline();
      await live(
        stay,
        noon,
        26,
        outOfTheLight.map((each) => ({ ...each, from: 17 })),
      );
      expect(stay.toldOf(guest)).toContain('deleted_external_to_seam');

      // Somebody fills the last slot at the keypad; a second guest finds no room, and is told so.
      const free = [1, 2, 3].find((slot) => !stay.lock.keypad.codes.has(slot)) ?? 0;
      stay.lock.keypad.programAtKeypad(free, '9999');
      await stay.pass(minute);
      const second = await stay.create({
        name: 'Second',
        code: new Secret('6284'),
        startsAt: noon + 27 * hour,
        endsAt: noon + 40 * hour,
      });
      const withSomebody = [...outOfTheLight, { digits: '9999', from: 26, until: 30 }];
      await live(stay, noon, 30, withSomebody);
      expect(stay.core.accessCodes.get(second)).toMatchObject({
        status: 'setting',
        errors: [{ code: 'no_space_for_access_code_on_device' }],
      });
      expect(stay.toldOf(second)).toEqual(
        expect.arrayContaining(['failed_to_set_on_device', 'delay_in_setting_on_device']),
      );
      expect(stay.core.accessCodes.unmanaged.list('front')).toMatchObject([{ slot: free }]);
      stay.lock.keypad.programAtKeypad(free, undefined);
      const withSecond = [...outOfTheLight, { digits: '6284', from: 30, until: 40 }];
      await live(stay, noon, 45, withSecond);
      expect(stay.toldOf(second).slice(-2)).toEqual(['removed_from_device', 'deleted']);

      // The stay is shortened to 18:00 while the lock is away until 20:00: until then it cannot be, and that is said.
      stay.lock.goOffline();
      await stay.pass(minute);
      await stay.core.accessCodes.update(guest, { endsAt: noon + 54 * hour }, stay.origin);
      await live(stay, noon, 56, outOfTheLight);
      expect(stay.core.accessCodes.get(guest)).toMatchObject({
        status: 'removing',
        warnings: [{ code: 'delay_in_removing_from_device' }],
      });
      expect(stay.toldOf(guest)).toContain('delay_in_removing_from_device');
      stay.lock.comeOnline();
      const withoutGuest = [
        { digits: '7391', from: 0, until: 1_000 },
        { digits: '0472', from: 2, until: 56 },
      ];
      await live(stay, noon, 60, withoutGuest);
      expect(stay.core.accessCodes.get(guest)).toBeUndefined();
      expect(stay.toldOf(guest).slice(-2)).toEqual(['removed_from_device', 'deleted']);

      // A last code ends while the box is off; it is the first thing that goes when the box is back.
      const last = await stay.create({
        code: new Secret('5163'),
        startsAt: noon + 61 * hour,
        endsAt: noon + ends * hour,
      });
      const withLast = [...withoutGuest, { digits: '5163', from: 60, until: ends + 2 }];
      await live(stay, noon, ends - 1, withLast);
      stay.boxOff();
      await live(stay, noon, ends + 2, withLast);
      await stay.boxOn();
      await live(stay, noon, ends + 4, withLast);
      expect(stay.toldOf(last).slice(-2)).toEqual(['removed_from_device', 'deleted']);

      await stay.core.accessCodes.delete(cleaner, stay.origin);
      await stay.pass(minute);
      expect(stay.keypad).toEqual([]);
    },
  );
});
