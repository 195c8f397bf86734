import { describe, expect, test } from 'vitest';
import { coreFixture } from '../../test/kit/gateway/core-fixture.ts';
import { ScriptedKeypad } from '../../test/kit/locks/scripted-keypad.ts';
import { ScriptedLock } from '../../test/kit/locks/scripted-lock.ts';
import { ScriptedSensor } from '../../test/kit/noise/scripted-sensor.ts';
import { Secret } from '../contract/index.ts';
import type { PlayedDevice } from '../model/sandbox.ts';

/** A door and a sensor, of which some are played, and what was done to them. */
async function building(played: readonly string[] = ['front', 'hall']) {
  const keypad = new ScriptedKeypad();
  const lock = new ScriptedLock();
  lock.keypad = keypad;
  const sensor = new ScriptedSensor();
  const done: unknown[] = [];
  const devices: Readonly<Record<string, PlayedDevice>> = {
    front: {
      events: { connect: () => done.push('connect'), disconnect: () => done.push('disconnect') },
      typeCode: (digits) => done.push(['typed', digits]),
      programCode: (digits) => {
        if (keypad.slots.has(3)) return false;
        keypad.slots.set(3, digits);
        lock.report({ kind: 'code_slot', slot: 3, occupied: true });
        return true;
      },
      reset: () => {
        keypad.slots.clear();
        done.push('reset front');
      },
    },
    hall: {
      events: {},
      makeNoise: (level, ms) => done.push(['noise', level, ms]),
      reset: () => done.push('reset hall'),
    },
  };
  const fixture = coreFixture({
    played: (deviceId) => (played.includes(deviceId) ? devices[deviceId] : undefined),
    devices: [
      { slug: 'front', driver: lock.driver, link: lock.link },
      { slug: 'hall', driver: sensor.driver, link: sensor.link },
    ],
  });
  await fixture.core.start();
  await fixture.clock.advance(100);
  return { ...fixture, lock, keypad, done, sandbox: fixture.core.sandbox };
}

const refused = (message: RegExp) => ({ type: 'unsupported_action', message: expect.stringMatching(message) });

describe('a device that is simulated', () => {
  test('does what its simulator plays, and is refused the rest in words', async () => {
    const { sandbox, done } = await building();
    expect([...(sandbox.eventsOf('front') ?? [])]).toEqual(['connect', 'disconnect']);
    sandbox.simulate('front', 'disconnect');
    expect(done).toEqual(['disconnect']);
    expect(() => sandbox.simulate('front', 'remove')).toThrow(
      'Door front is simulated, and its simulator does not play',
    );
    expect(() => sandbox.triggerNoise('front')).toThrow('noise, since it hears none');
  });

  test('has codes typed by an attempt that waits for its turn, and holds no digits', async () => {
    const { sandbox, done, origin, end, clock, store } = await building();
    const attempt = await sandbox.typeCode('front', new Secret('482915'), origin());
    expect((await clock.until(end(attempt))).settlement).toEqual({ status: 'success', result: {} });
    expect(done).toEqual([['typed', '482915']]);
    expect(JSON.stringify(store.read.attempts({ limit: 10 }))).not.toContain('482915');
    expect(() => sandbox.lockAtKeypad('front', origin())).toThrow('somebody who locks it at its keypad');
  });

  test('has a code put in at the lock, which the gateway finds by itself', async () => {
    const { sandbox, clock, core } = await building();
    const found = await clock.until(sandbox.programCode('front', new Secret('482915'), 'Ben'));
    expect(found).toMatchObject({ deviceId: 'front', slot: 3 });
    expect(core.accessCodes.unmanaged.list('front')).toEqual([found]);
    await expect(sandbox.programCode('front', new Secret('482915'), 'Ben')).rejects.toMatchObject({
      type: 'invalid_input',
    });
    await expect(sandbox.programCode('front', new Secret('1'), 'Ben')).rejects.toMatchObject({ type: 'invalid_input' });
  });

  test('is loud enough, and for long enough, for its highest threshold, and for none without one', async () => {
    const { sandbox, core, origin, done } = await building();
    expect(() => sandbox.triggerNoise('hall')).toThrow('has no noise threshold to trigger');
    const hours = { startsDailyAt: '00:00:00', endsDailyAt: '23:59:00' };
    await core.noise.create({ deviceId: 'hall', decibels: 60, sustainedMs: 90_000, ...hours }, origin());
    await core.noise.create({ deviceId: 'hall', decibels: 75, sustainedMs: 5_000, ...hours }, origin());
    sandbox.triggerNoise('hall');
    const [[, level, ms] = []] = done as [string, number, number][];
    expect(level).toBe(90);
    expect(ms).toBeGreaterThan(90_000);
  });
});

describe('a real device', () => {
  test('is refused everything, by its name', async () => {
    const { sandbox, origin, done } = await building(['hall']);
    expect(sandbox.eventsOf('front')).toBeUndefined();
    const no = refused(/^Door front is not simulated by this gateway/);
    expect(() => sandbox.simulate('front', 'disconnect')).toThrow(expect.objectContaining(no));
    expect(() => sandbox.typeCode('front', new Secret('1234'), origin())).toThrow(expect.objectContaining(no));
    await expect(sandbox.programCode('front', new Secret('1234'), 'Ben')).rejects.toMatchObject(no);
    await expect(sandbox.reset(origin())).rejects.toMatchObject(
      refused(/no sandbox: Door front is not simulated here/),
    );
    expect([sandbox.isWhole, done]).toEqual([false, []]);
  });

  test('that does not exist is not found', async () => {
    const { sandbox } = await building();
    expect(() => sandbox.simulate('cellar', 'disconnect')).toThrow(
      expect.objectContaining({ type: 'device_not_found' }),
    );
  });
});

test('a gateway whose devices are all simulated is emptied, and says so once it is', async () => {
  const { core, sandbox, origin, clock, done, keypad } = await building();
  await core.accessCodes.create({ deviceId: 'front', code: new Secret('471199') }, origin());
  const { userIdentityId } = await core.userIdentities.create({ fullName: 'Ana' });
  const space = await core.spaces.create({ name: 'Flat 7', deviceIds: ['front'] });
  const inSpace = { user: { userIdentityId }, deviceIds: [], spaceIds: [space.spaceId], requests: [{}] };
  await core.accessGrants.create(inSpace);
  const hours = { startsDailyAt: '00:00:00', endsDailyAt: '23:59:00' };
  await core.noise.create({ deviceId: 'hall', decibels: 60, ...hours }, origin());
  await core.administration.update('front', { name: 'Mine', customMetadata: { room: '7' }, isManaged: false });
  await core.administration.takeOutOfService('hall', 'test', origin());
  await clock.advance(30_000);
  expect(keypad.slots.size).toBeGreaterThan(0);
  const attempt = await clock.until(sandbox.reset(origin()));
  expect(attempt).toMatchObject({
    actionType: 'RESET_SANDBOX_WORKSPACE',
    settlement: { status: 'success', result: {} },
  });
  expect(core.attempts.get(attempt.actionAttemptId)).toMatchObject({ deviceId: core.identity.workspaceId });
  expect(done).toEqual(['reset front', 'reset hall']);
  expect(core.accessCodes.list()).toEqual([]);
  expect([...core.accessGrants.list()]).toEqual([]);
  expect([core.userIdentities.list(), core.spaces.list(), core.noise.list()]).toEqual([[], [], []]);
  expect(core.devices.get('front')).toMatchObject({
    name: 'Door front',
    settings: { customMetadata: {}, isManaged: true },
  });
  expect(core.devices.get('hall')).toMatchObject({ outOfService: false });
  expect(keypad.slots.size).toBe(0);
});
