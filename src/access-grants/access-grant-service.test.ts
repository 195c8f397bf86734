import { describe, expect, test } from 'vitest';
import { day, hour, type KeypadHouseOptions, keypadHouse } from '../../test/kit/locks/keypad-house.ts';
import { Secret } from '../contract/index.ts';
import type { NewAccessGrant } from '../model/grants.ts';

async function house(options: KeypadHouseOptions = {}) {
  const made = await keypadHouse(options);
  const { clock, core, keypad } = made;
  await clock.advance(10_000);
  const { accessGrants, spaces, accessCodes } = core;
  const give = (request: Partial<NewAccessGrant> = {}) =>
    clock.until(
      accessGrants.create({
        user: { fullName: 'Ana' },
        deviceIds: ['front', 'side'],
        spaceIds: [],
        requests: [{}],
        ...request,
      }),
    );
  const pinsOf = (accessGrantId: string) =>
    accessGrants.methodsOf(accessGrantId).map((method) => accessGrants.reveal(method)?.reveal() ?? '');
  const opens = (slug: string, pin: string | undefined) => keypad(slug).opens(pin ?? '');
  const told = (accessGrantId: string) =>
    core.events
      .list({ limit: 500, accessGrantIds: [accessGrantId] })
      .map(({ eventType, deviceId }) => [eventType.replace('access_', ''), deviceId].filter(Boolean).join(' '));
  return { ...made, accessGrants, spaces, accessCodes, give, pinsOf, opens, told };
}

describe('an access grant', () => {
  test('has one PIN for its doors, is issued once both were seen to hold it, and tells of each step', async () => {
    const { give, clock, accessGrants, pinsOf, opens, told } = await house();
    const { accessGrantId } = await give();
    const [method] = accessGrants.methodsOf(accessGrantId);
    expect(method).toMatchObject({ issuedAt: undefined, doors: [{ granted: false }, { granted: false }] });
    await clock.advance(30_000);
    const [pin] = pinsOf(accessGrantId);
    expect([opens('front', pin), opens('side', pin)]).toEqual([true, true]);
    expect(accessGrants.methodsOf(accessGrantId)).toMatchObject([
      {
        issuedAt: expect.any(Number),
        doors: [
          { granted: true, fitting: true },
          { granted: true, fitting: true },
        ],
      },
    ]);
    expect(told(accessGrantId)).toEqual([
      'grant.created',
      'method.created',
      'grant.access_granted_to_door front',
      'grant.access_granted_to_door side',
      'method.issued',
      'grant.access_granted_to_all_doors',
    ]);
  });

  test('waits for its time, and goes with it', async () => {
    const { give, clock, accessGrants, pinsOf, opens, told, accessCodes } = await house();
    const startsAt = clock.wallTime() + day;
    const { accessGrantId } = await give({ startsAt, endsAt: startsAt + day });
    const [pin] = pinsOf(accessGrantId);
    await clock.advance(day - 2 * hour);
    expect(opens('front', pin)).toBe(false);
    await clock.advance(hour + 60_000);
    expect([opens('front', pin), opens('side', pin)]).toEqual([true, true]);
    await clock.advance(day + hour);
    expect([opens('front', pin), opens('side', pin)]).toEqual([false, false]);
    expect(accessCodes.list()).toEqual([]);
    expect(accessGrants.get(accessGrantId)).toMatchObject({ isComplete: false });
    expect(told(accessGrantId).slice(-2)).toEqual([
      'grant.access_to_door_lost front',
      'grant.access_to_door_lost side',
    ]);
  });

  test('that is deleted takes its codes off every lock, however often it is asked', async () => {
    const { give, clock, accessGrants, pinsOf, opens, told, accessCodes, keypad } = await house();
    const { accessGrantId } = await give();
    await clock.advance(30_000);
    const [pin] = pinsOf(accessGrantId);
    keypad('side').reachable = false;
    await clock.until(accessGrants.delete(accessGrantId));
    await clock.until(accessGrants.delete(accessGrantId));
    await clock.advance(30_000);
    expect([opens('front', pin), opens('side', pin)]).toEqual([false, true]);
    expect(accessGrants.get(accessGrantId)?.removal).toBeDefined();
    keypad('side').reachable = true;
    await clock.advance(hour);
    expect(opens('side', pin)).toBe(false);
    expect(accessGrants.get(accessGrantId)).toBeUndefined();
    expect(accessCodes.list()).toEqual([]);
    await clock.until(accessGrants.delete(accessGrantId));
    expect(told(accessGrantId).slice(-5)).toEqual([
      'grant.access_to_door_lost front',
      'grant.access_to_door_lost side',
      'method.revoked',
      'method.deleted',
      'grant.deleted',
    ]);
    await expect(accessGrants.delete('another')).rejects.toThrow(/no such access grant/);
  });

  test('is prolonged and shortened, and its doors follow', async () => {
    const { give, clock, accessGrants, pinsOf, opens } = await house({
      doors: ['front', { slug: 'side', native: true }],
    });
    const endsAt = clock.wallTime() + day;
    const { accessGrantId } = await give({ endsAt });
    await clock.advance(30_000);
    const [pin] = pinsOf(accessGrantId);
    await clock.until(accessGrants.update(accessGrantId, { endsAt: endsAt + day }));
    await clock.advance(day + hour);
    expect([opens('front', pin), opens('side', pin)]).toEqual([true, true]);
    await clock.until(accessGrants.update(accessGrantId, { endsAt: clock.wallTime() + hour }));
    await clock.advance(2 * hour);
    expect([opens('front', pin), opens('side', pin)]).toEqual([false, false]);
    // A grant that had ended goes on with the same PIN.
    await clock.until(accessGrants.update(accessGrantId, { endsAt: clock.wallTime() + day }));
    await clock.advance(60_000);
    expect([opens('front', pin), opens('side', pin)]).toEqual([true, true]);
  });

  test('gives each door a PIN of its own where none fits both, and says so', async () => {
    const { give, clock, accessGrants, core, opens } = await house({ doors: ['front', 'side'] });
    // The digits that are wanted are somebody else's on one of the doors.
    await clock.until(
      core.accessCodes.create(
        { deviceId: 'side', code: new Secret('582914') },
        { actor: { kind: 'cli', name: 't' }, receivedAt: 0 },
      ),
    );
    await clock.advance(20_000);
    const { accessGrantId } = await give({ requests: [{ code: new Secret('582914') }] });
    await clock.advance(30_000);
    const methods = accessGrants.methodsOf(accessGrantId);
    expect(methods.map(({ doors }) => doors.map(({ deviceId }) => deviceId))).toEqual([['front'], ['side']]);
    const pins = methods.map((method) => accessGrants.reveal(method)?.reveal());
    expect(pins[0]).toBe('582914');
    expect(pins[1]).not.toBe('582914');
    expect([opens('front', pins[0]), opens('side', pins[1]), opens('front', pins[1])]).toEqual([true, true, false]);
  });

  test('is given doors that join its space and loses those that leave, with the same PIN', async () => {
    const { give, clock, spaces, pinsOf, opens, told } = await house();
    const space = await clock.until(spaces.create({ name: 'Flat', deviceIds: ['front'] }));
    const { accessGrantId } = await give({ deviceIds: [], spaceIds: [space.spaceId] });
    await clock.advance(30_000);
    const [pin] = pinsOf(accessGrantId);
    expect([opens('front', pin), opens('side', pin)]).toEqual([true, false]);
    await clock.until(spaces.addDevices(space.spaceId, ['side']));
    await clock.advance(30_000);
    expect(opens('side', pin)).toBe(true);
    await clock.until(spaces.removeDevices(space.spaceId, ['front']));
    await clock.advance(30_000);
    expect([opens('front', pin), opens('side', pin)]).toEqual([false, true]);
    await clock.until(spaces.addDevices(space.spaceId, ['front']));
    await clock.advance(30_000);
    expect([opens('front', pin), pinsOf(accessGrantId)]).toEqual([true, [pin]]);
    expect(told(accessGrantId)).toContain('grant.access_to_door_lost front');
    expect(told(accessGrantId).at(-1)).toBe('grant.access_granted_to_all_doors');
  });

  test('that leaves a door and comes back before the code is gone is given it again', async () => {
    const { give, clock, spaces, pinsOf, opens, keypad } = await house();
    const space = await clock.until(spaces.create({ name: 'Flat', deviceIds: ['front', 'side'] }));
    const { accessGrantId } = await give({ deviceIds: [], spaceIds: [space.spaceId] });
    await clock.advance(30_000);
    const [pin] = pinsOf(accessGrantId);
    keypad('front').reachable = false;
    await clock.until(spaces.removeDevices(space.spaceId, ['front']));
    await clock.advance(60_000);
    await clock.until(spaces.addDevices(space.spaceId, ['front']));
    keypad('front').reachable = true;
    await clock.advance(2 * hour);
    expect([opens('front', pin), pinsOf(accessGrantId)]).toEqual([true, [pin]]);
  });

  test('goes on without a door that takes no codes, and is refused where none does', async () => {
    const { give, clock, accessGrants, opens, pinsOf, told } = await house({
      doors: ['front', { slug: 'gate', bare: true }],
    });
    await expect(give({ deviceIds: ['gate'] })).rejects.toMatchObject({ type: 'unsupported_action' });
    expect([...accessGrants.list()]).toEqual([]);
    const { accessGrantId } = await give({ deviceIds: ['front', 'gate'] });
    await clock.advance(30_000);
    expect(opens('front', pinsOf(accessGrantId)[0])).toBe(true);
    expect(accessGrants.get(accessGrantId)).toMatchObject({
      isComplete: false,
      refusals: [{ deviceId: 'gate', type: 'unsupported_action' }],
    });
    expect(told(accessGrantId)).toContain('grant.could_not_create_requested_access_methods');
  });

  test('lets its guest in with a backup code where its own cannot be written', async () => {
    const { give, clock, accessGrants, pinsOf, opens, keypad, told } = await house({ settings: { backupCodes: 1 } });
    await clock.advance(60_000);
    keypad('side').reachable = false;
    const { accessGrantId } = await give({ endsAt: clock.wallTime() + day });
    await clock.advance(10 * 60_000);
    const methods = accessGrants.methodsOf(accessGrantId);
    expect(methods).toMatchObject([
      {
        issuedAt: expect.any(Number),
        doors: [{ deviceId: 'front' }, { deviceId: 'side', replacedBy: expect.any(String) }],
      },
      { issuedAt: expect.any(Number), standsInFor: methods[0]?.accessMethodId, doors: [{ deviceId: 'side' }] },
    ]);
    const [pin, backup] = pinsOf(accessGrantId);
    expect([opens('front', pin), opens('side', pin), opens('side', backup)]).toEqual([true, false, true]);
    expect(told(accessGrantId)).toContain('grant.access_granted_to_all_doors');
    keypad('side').reachable = true;
    await clock.until(accessGrants.delete(accessGrantId));
    await clock.advance(2 * hour);
    expect([opens('front', pin), opens('side', pin), opens('side', backup)]).toEqual([false, false, false]);
    expect(accessGrants.get(accessGrantId)).toBeUndefined();
  });

  test('tells when a lock loses its code, and when it has it again', async () => {
    const { give, clock, pinsOf, opens, keypad, told, locks, accessGrants } = await house();
    const { accessGrantId } = await give();
    await clock.advance(30_000);
    const before = told(accessGrantId).length;
    keypad('front').loseAll();
    for (const slot of [1, 2, 3]) locks.get('front')?.report({ kind: 'code_slot', slot, occupied: false });
    await clock.advance(60_000);
    expect(opens('front', pinsOf(accessGrantId)[0])).toBe(true);
    expect(told(accessGrantId).slice(before)).toEqual([
      'grant.access_to_door_lost front',
      'grant.access_granted_to_door front',
      'method.reissued',
      'grant.access_granted_to_all_doors',
    ]);
    expect(accessGrants.get(accessGrantId)?.isComplete).toBe(true);
  });

  test('keeps its codes from being changed past it', async () => {
    const { give, clock, accessCodes, origin } = await house();
    await give();
    await clock.advance(30_000);
    const [code] = accessCodes.list();
    const { accessCodeId = '' } = code ?? {};
    await expect(accessCodes.delete(accessCodeId, origin())).rejects.toThrow(/access grant/);
    await expect(accessCodes.update(accessCodeId, { endsAt: null }, origin())).rejects.toThrow(/access grant/);
    expect(code).not.toHaveProperty('name', expect.any(String));
  });

  test('is all there or not at all when the disk has no room', async () => {
    const { give, clock, accessGrants, accessCodes, core, store } = await house();
    store.fillDisk();
    await expect(give()).rejects.toMatchObject({ type: 'storage_unavailable' });
    expect([[...accessGrants.list()], accessCodes.list(), core.userIdentities.list()]).toEqual([[], [], []]);
    store.freeDisk();
    await give();
    await clock.advance(30_000);
    expect([...accessGrants.list()]).toMatchObject([{ isComplete: true }]);
  });

  test('loses one PIN that is deleted, and keeps the other', async () => {
    const { give, clock, accessGrants, pinsOf, opens } = await house();
    const { accessGrantId } = await give({ requests: [{}, {}] });
    await clock.advance(60_000);
    const [first, second] = pinsOf(accessGrantId);
    expect([opens('front', first), opens('front', second)]).toEqual([true, true]);
    const { accessMethodId = '' } = accessGrants.methodsOf(accessGrantId)[0] ?? {};
    await clock.until(accessGrants.deleteMethod(accessMethodId));
    await clock.until(accessGrants.deleteMethod(accessMethodId));
    await clock.advance(60_000);
    await clock.until(accessGrants.deleteMethod(accessMethodId));
    expect([opens('front', first), opens('side', first), opens('front', second)]).toEqual([false, false, true]);
    expect(pinsOf(accessGrantId)).toEqual([second]);
    await clock.until(accessGrants.requestMethods(accessGrantId, [{}]));
    await clock.advance(60_000);
    expect(opens('side', pinsOf(accessGrantId)[1])).toBe(true);
  });
});

describe('a grant over a restart', () => {
  test('goes on where it was', async () => {
    const made = await house();
    const { give, clock, store, core, begin, pinsOf, opens, keypad } = made;
    keypad('side').reachable = false;
    const { accessGrantId } = await give();
    await clock.advance(30_000);
    const [pin] = pinsOf(accessGrantId);
    await core.stop(0);
    const survivor = store.crash();
    keypad('side').reachable = true;
    const again = await begin(survivor, 7);
    await clock.advance(hour);
    expect(opens('side', pin)).toBe(true);
    expect(again.core.accessGrants.get(accessGrantId)).toMatchObject({ isComplete: true });
    await clock.until(again.core.accessGrants.delete(accessGrantId));
    await clock.advance(hour);
    expect([opens('front', pin), opens('side', pin)]).toEqual([false, false]);
  });
});

describe('a person', () => {
  test('is not forgotten while a grant of theirs is live, and then everywhere', async () => {
    const { give, clock, core, store, accessGrants } = await house();
    const { userIdentities } = core;
    const person = { fullName: 'Ana Meier', emailAddress: 'ana@example.com', phoneNumber: '+41 44 668 18 00' };
    const { userIdentityId } = await clock.until(userIdentities.create({ ...person, key: 'guest-7' }));
    const again = await clock.until(userIdentities.create({ ...person, key: 'guest-7' }));
    expect(again.userIdentityId).toBe(userIdentityId);
    await expect(userIdentities.create({ fullName: 'Ben', key: 'guest-7' })).rejects.toMatchObject({
      type: 'duplicate_key',
    });
    const { accessGrantId } = await give({ user: { userIdentityId }, name: 'Ana Meier, room 12' });
    await clock.advance(30_000);
    await expect(userIdentities.delete(userIdentityId)).rejects.toMatchObject({ type: 'still_in_use' });
    await clock.until(accessGrants.update(accessGrantId, { name: 'Meier party' }));
    await clock.until(accessGrants.delete(accessGrantId));
    await clock.until(userIdentities.delete(userIdentityId));
    await clock.until(userIdentities.delete(userIdentityId));
    await clock.advance(30_000);
    expect(userIdentities.list()).toEqual([]);
    const kept = JSON.stringify([
      store.read.userIdentities(),
      store.read.accessGrants(),
      store.read.accessCodes(),
      store.read.events({ limit: 1_000 }),
      store.read.attempts({ limit: 1_000 }),
    ]);
    for (const word of ['Meier', 'ana@', '668']) expect(kept).not.toContain(word);
  });
});
