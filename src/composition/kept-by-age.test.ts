import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { coreFixture } from '../../test/kit/gateway/core-fixture.ts';
import { day, hour, keypadHouse } from '../../test/kit/locks/keypad-house.ts';
import { fc } from '../../test/kit/seeded-properties.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { KeptByAge } from './housekeeping.ts';

const synchronised = { isSynchronised: async () => true };

/** What becomes of people, in steps of an hour. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('give' as const), person: fc.nat(3), hours: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('take' as const), person: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('door' as const), person: fc.nat(3), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rename' as const), person: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unplug' as const), isThere: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('sweep' as const), hours: fc.integer({ min: 1, max: 8 }) }) },
);

describe('people who are kept for so many days', () => {
  test('never go while a grant, a code on a lock or a door of their own refers to them, and go after that', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 16 }), async (steps) => {
        const { core, clock, keypad } = await keypadHouse({ doors: ['front'] });
        await clock.advance(10_000);
        const { userIdentities, accessGrants, accessCodes } = core;
        const ids: string[] = [];
        for (let person = 0; person < 4; person++)
          ids.push((await clock.until(userIdentities.create({ fullName: `Guest ${person}` }))).userIdentityId);
        const made = clock.wallTime();
        const people = ids.map((id) => ({ id, usedAt: made, doors: 0, grants: [] as { id: string; until: number }[] }));
        const isThere = (id: string) => userIdentities.get(id) !== undefined;
        for (const one of steps) {
          const now = clock.wallTime();
          const person = 'person' in one ? people[one.person] : undefined;
          if (person && isThere(person.id)) {
            if (one.kind === 'give') {
              const endsAt = now + (one.hours + 1) * hour;
              const request = {
                user: { userIdentityId: person.id },
                deviceIds: ['front'],
                spaceIds: [],
                requests: [{}],
              };
              const grant = await clock.until(accessGrants.create({ ...request, endsAt }).catch(() => undefined));
              if (grant) person.grants.push({ id: grant.accessGrantId, until: endsAt });
            }
            if (one.kind === 'take') {
              const [grant] = person.grants.filter(({ until }) => until > now);
              if (grant) {
                await clock.until(accessGrants.delete(grant.id));
                grant.until = now;
              }
            }
            if (one.kind === 'door') {
              await clock.until(
                userIdentities[one.on ? 'grantAccessToDevice' : 'revokeAccessToDevice'](person.id, 'front'),
              );
              if (person.doors !== Number(one.on)) person.usedAt = now;
              person.doors = Number(one.on);
            }
            if (one.kind === 'rename') {
              await clock.until(userIdentities.update(person.id, { fullName: 'Somebody else' }));
              person.usedAt = now;
            }
          }
          if (one.kind === 'unplug') keypad('front').reachable = one.isThere;
          if (one.kind === 'sweep') {
            const before = now - one.hours * hour;
            const there = people.filter(({ id }) => isThere(id));
            await clock.until(userIdentities.deleteUnused(before, 100));
            for (const { id, usedAt, doors, grants } of there) {
              const onLock = accessCodes
                .list()
                .some((code) => grants.some((grant) => grant.id === code.grant?.accessGrantId));
              const isReferred = doors > 0 || onLock || grants.some(({ until }) => until > now);
              if (isReferred) expect(isThere(id)).toBe(true);
              else if (Math.max(usedAt, ...grants.map(({ until }) => until)) < before) expect(isThere(id)).toBe(false);
              else expect(isThere(id)).toBe(true);
            }
          }
          await clock.advance(hour);
        }
      }),
      { numRuns: 8 },
    );
  });

  test('stay as long as a lock that is away may hold a code of theirs', async () => {
    const { core, clock, keypad } = await keypadHouse({ doors: ['front'] });
    await clock.advance(10_000);
    const { userIdentities, accessGrants } = core;
    const request = { user: { fullName: 'Ana Meier' }, deviceIds: ['front'], spaceIds: [], requests: [{}] };
    const { accessGrantId, userIdentityId } = await clock.until(accessGrants.create(request));
    await clock.advance(hour);
    keypad('front').reachable = false;
    await clock.until(accessGrants.delete(accessGrantId));
    await clock.advance(3 * hour);
    const sweep = () => clock.until(userIdentities.deleteUnused(clock.wallTime() - hour, 100));
    expect([await sweep(), userIdentities.get(userIdentityId)]).toMatchObject([0, { fullName: 'Ana Meier' }]);
    keypad('front').reachable = true;
    await clock.advance(day);
    expect([await sweep(), userIdentities.get(userIdentityId)]).toEqual([1, undefined]);
  });

  test('go by themselves, their grants forgotten before them, and stay over restarts; unless told nobody goes', async () => {
    const keptDays = { people: 40, noise: 8 };
    const { core, clock, store } = coreFixture({ timeSource: synchronised, devices: [], keptDays });
    await core.start();
    const { userIdentityId } = await core.userIdentities.create({ fullName: 'Ana Meier', key: 'guest-1' });
    await clock.advance(39 * day);
    expect(core.userIdentities.list()).toHaveLength(1);
    await core.stop(0);
    const later = coreFixture({ clock, store: store.crash(), timeSource: synchronised, devices: [], keptDays });
    await later.core.start();
    await clock.advance(2 * day);
    expect(later.core.userIdentities.get(userIdentityId)).toBeUndefined();
    // The key is free again.
    expect(await later.core.userIdentities.create({ fullName: 'Ben Huber', key: 'guest-1' })).toMatchObject({
      fullName: 'Ben Huber',
    });
    await later.core.stop(0);
    const without = coreFixture({ timeSource: synchronised, devices: [] });
    await without.core.start();
    await without.core.userIdentities.create({ fullName: 'Ana Meier' });
    await without.clock.advance(400 * day);
    expect(without.core.userIdentities.list()).toHaveLength(1);
  });

  test('stay while the clock is in doubt, and after a disk that refused they are looked at again', async () => {
    const clock = new SimulatedClock();
    const asked: number[] = [];
    const forgetSome = async (before: number) => {
      asked.push(before);
      if (asked.length === 1) throw new Error('the disk is full');
      return false;
    };
    let isSure = false;
    const log = pino({ level: 'silent' });
    const kept = new KeptByAge({
      clock,
      log,
      isClockSure: () => isSure,
      kinds: [{ name: 'people', days: 2, forgetSome }],
    });
    kept.start();
    await clock.advance(day);
    expect(asked).toEqual([]);
    isSure = true;
    await clock.advance(2 * hour);
    expect(asked).toHaveLength(2);
    expect(clock.wallTime() - Number(asked[1])).toBeGreaterThanOrEqual(2 * day);
    kept.close();
    await clock.advance(day);
    expect(asked).toHaveLength(2);
  });
});
