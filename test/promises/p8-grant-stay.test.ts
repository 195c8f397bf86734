import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { GrantSerializers } from '../../src/wire/serializers.ts';
import { hour, keypadHouse } from '../kit/locks/keypad-house.ts';

const minute = 60_000;

/** What a well lock and a running gateway may take over a change. */
const promptMs = 3 * minute;

/** When a door is to open to a guest: hours after the first day's noon. */
interface Expected {
  readonly door: string;
  readonly from: number;
  readonly until: number;
}

/** The hour that a clock on a wall in Zurich shows. */
const wallHour = (at: number): number =>
  Number(new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Zurich', hour: '2-digit', hourCycle: 'h23' }).format(at));

describe('P8 of grants over a stay of three days', () => {
  it.each([
    ['as summer time begins', '2026-03-28T12:00:00+01:00'],
    ['as summer time ends', '2026-10-24T12:00:00+02:00'],
  ])('%s: every ten minutes each door opens to whom it should, or the grant says why not', async (_, start) => {
    const noon = Date.parse(start);
    const clock = new SimulatedClock(noon);
    const house = await keypadHouse({
      clock,
      doors: ['front', { slug: 'side', slots: 2 }, { slug: 'back', native: true, weeklyZone: 'UTC' }],
    });
    const { keypad, locks } = house;
    let { core, store } = house;
    await clock.advance(10_000);
    const since = () => (clock.wallTime() - noon) / hour;
    const pinOf = (id: string) => {
      const [method] = core.accessGrants.methodsOf(id);
      return (method && core.accessGrants.reveal(method)?.reveal()) ?? '';
    };
    const warned = (id: string) => {
      const grant = core.accessGrants.get(id);
      const shown = grant && new GrantSerializers(core).grant(grant, { may: () => true });
      return shown?.warnings.map(({ warning_code, message }) => `${warning_code} ${message}`).join(' ') ?? '';
    };
    const reachable = (slug: string, isThere: boolean) => {
      keypad(slug).reachable = isThere;
      locks.get(slug)?.report({
        kind: 'health',
        health: isThere
          ? { status: 'online' }
          : { status: 'offline', reason: 'out_of_range', hint: 'Bring it closer.' },
      });
    };
    const user = { fullName: 'Ana' };

    const flat = await clock.until(core.spaces.create({ name: 'Flat', deviceIds: ['front', 'side'] }));
    const give = async (request: Partial<Parameters<typeof core.accessGrants.create>[0]>) =>
      (await clock.until(core.accessGrants.create({ user, deviceIds: [], spaceIds: [], requests: [{}], ...request })))
        .accessGrantId;
    const guest = await give({ spaceIds: [flat.spaceId], startsAt: noon + 3 * hour, endsAt: noon + 71 * hour });
    const window = { days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 8 * 60, untilMinute: 11 * 60 };
    const cleaner = await give({ deviceIds: ['back'], hours: { timeZone: 'Europe/Zurich', windows: [window] } });
    const pins = { guest: pinOf(guest), cleaner: pinOf(cleaner) };

    const live = async (untilHour: number, plan: readonly Expected[]) => {
      while (since() < untilHour) {
        await clock.advance(10 * minute);
        const now = since();
        for (const slug of ['front', 'side', 'back']) {
          const own = plan.filter(({ door }) => door === slug);
          const isNear = own.some(({ from, until }) =>
            [from, until].some((edge) => Math.abs(now - edge) * hour <= promptMs + 10 * minute),
          );
          if (isNear) continue;
          const isWanted = own.some(({ from, until }) => now >= from && now < until);
          expect(keypad(slug).opens(pins.guest), `${slug} ${now.toFixed(2)} h after noon`).toBe(isWanted);
        }
        const at = clock.wallTime();
        const isCleaning = wallHour(at) >= 8 && wallHour(at) < 11;
        const isEdge = [8, 11].some((edge) => wallHour(at - promptMs) < edge && wallHour(at) >= edge);
        if (!isEdge) expect(keypad('back').opens(pins.cleaner), new Date(at).toISOString()).toBe(isCleaning);
      }
    };
    // Locks that keep no times have the code an hour before.
    let plan: Expected[] = [
      { door: 'front', from: 2, until: 80 },
      { door: 'side', from: 2, until: 80 },
    ];
    await live(8, plan);
    expect(warned(guest)).toBe('');

    // The box is restarted in the evening, and goes over the night in which the clock is set without the front door.
    await core.stop(0);
    ({ core, store } = await house.begin(store.crash(), 7));
    await live(13, plan);
    reachable('front', false);
    await live(15, plan);
    reachable('front', true);
    await live(24, plan);

    // A door joins the space, another leaves it for two hours.
    await clock.until(core.spaces.addDevices(flat.spaceId, ['back']));
    plan = [...plan, { door: 'back', from: 24, until: 80 }];
    await live(28, plan);
    await clock.until(core.spaces.removeDevices(flat.spaceId, ['front']));
    const away = plan.map((one) => (one.door === 'front' ? { ...one, until: since() } : one));
    await live(30, away);
    await clock.until(core.spaces.addDevices(flat.spaceId, ['front']));
    plan = [...away, { door: 'front', from: since(), until: 80 }];
    await live(40, plan);

    // A lock loses all it held.
    keypad('side').loseAll();
    for (const slot of [1, 2]) locks.get('side')?.report({ kind: 'code_slot', slot, occupied: false });
    await clock.advance(promptMs);
    await live(46, plan);

    // Somebody fills its last slot: there is no room for another grant, which says so until there is.
    keypad('side').byHand(2, '777777');
    locks.get('side')?.report({ kind: 'code_slot', slot: 2, occupied: true });
    await clock.advance(minute);
    const other = await give({ deviceIds: ['side'] });
    await live(47, plan);
    expect(keypad('side').opens(pinOf(other))).toBe(false);
    expect(warned(other)).toMatch(/underprovisioned_access Door side: .*no free slot/);
    keypad('side').byHand(2, undefined);
    locks.get('side')?.report({ kind: 'code_slot', slot: 2, occupied: false });
    await live(48, plan);
    expect([keypad('side').opens(pinOf(other)), warned(other)]).toEqual([true, '']);

    // The stay is shortened while the front door is away: it may open until it is back, and that is said.
    reachable('front', false);
    await clock.advance(minute);
    await clock.until(core.accessGrants.update(guest, { endsAt: noon + 52 * hour }));
    plan = plan.map((one) => (one.until < 80 ? one : { ...one, until: one.door === 'front' ? 54 : 52 }));
    await live(53.5, plan);
    expect(warned(guest)).toMatch(/overprovisioned_access Door front/);
    expect(keypad('front').opens(pins.guest)).toBe(true);
    await live(54, plan);
    reachable('front', true);
    await live(72, plan);
    const codes = core.accessCodes.list().filter(({ grant }) => grant?.accessGrantId === guest);
    expect(codes).toEqual([]);
    const told = core.events.list({ limit: 1_000, accessGrantIds: [guest] }).map(({ eventType }) => eventType);
    expect(told.filter((type) => type === 'access_grant.access_granted_to_door')).toHaveLength(
      told.filter((type) => type === 'access_grant.access_to_door_lost').length,
    );
    await core.stop(0);
  });
});
