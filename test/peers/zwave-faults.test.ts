import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LockFaults } from '../../drivers/zwave/node/simulator-lock.ts';
import { socatProgram } from './kit/tty-pair.ts';
import { libraryTime, until, ZwaveNetwork, type ZwaveSite, zwaveSite } from './kit/zwave-site.ts';

/*
 * The whole core over zwave-js and a real tty, against the nodes that zwave-js ships for its own tests. The library's
 * timers are its own, so the time is the process's: nothing here asserts how long something took.
 */

/** User Code 2 on S2, User Code 1 in the clear, User Credential on S2, and the older Lock alone. */
const V2 = 2;
const V1 = 3;
const U3C = 4;
const LOCK_ONLY = 5;
const SENSOR = 6;
const SLEEPER = 7;
const doors = [V2, V1, U3C, LOCK_ONLY];
const keypads = [V2, V1, U3C];

const done = { status: 'success', confirmed: true };
const notTold = { status: 'success', confirmed: false };
const failed = (error: string) => ({ status: 'error', error });

describe.skipIf(socatProgram === undefined)('a Z-Wave network over a tty', () => {
  let network: ZwaveNetwork;
  let site: ZwaveSite;
  let time: ReturnType<typeof libraryTime>;
  const lock = (node: number) => network.simulated.lock(node);

  beforeAll(async () => {
    network = await ZwaveNetwork.open([
      { kind: 'lock', node: V2 },
      { kind: 'lock', node: V1, codes: 'user_code_1', secure: false },
      { kind: 'lock', node: U3C, codes: 'user_credential' },
      { kind: 'lock', node: LOCK_ONLY, locked_by: 'lock', codes: 'none', secure: false, listens: 'always' },
      { kind: 'noise', node: SENSOR },
      { kind: 'lock', node: SLEEPER, codes: 'none', secure: false, listens: 'when_it_wakes' },
    ]);
    time = libraryTime(() => [network]);
    site = await zwaveSite(network, { keypads, locks: [LOCK_ONLY, SLEEPER], sensors: [SENSOR] });
    await site.online([...doors, SENSOR]);
  });

  afterAll(async () => {
    await site?.close();
    await time?.end();
    await network?.close();
  });

  beforeEach(async () => {
    for (const node of doors) {
      lock(node).faults = {};
      if (lock(node).bolt === 'between') await lock(node).operate('unlocked');
      if (lock(node).bolt !== 'locked') expect(await site.door(node, 'lock')).toMatchObject(done);
      lock(node).commands.length = 0;
      lock(node).movements = 0;
    }
  });

  describe('doors', () => {
    it.each([
      ['User Code 2 on S2', V2],
      ['User Code 1 in the clear', V1],
      ['User Credential on S2', U3C],
      ['Lock alone', LOCK_ONLY],
    ])('%s: unlocks and locks, once each, and is seen to', async (_, node) => {
      expect(await site.door(node, 'unlock')).toMatchObject(done);
      expect(lock(node).bolt).toBe('unlocked');
      expect(await site.door(node, 'lock')).toMatchObject(done);
      expect(lock(node).bolt).toBe('locked');
      expect([lock(node).movements, lock(node).commands.length]).toEqual([2, 2]);
    });

    const rows: readonly (readonly [what: string, node: number, faults: LockFaults, ends: object, moved: number])[] = [
      ['moves and tells 3 s late', V1, { movesLate: { ms: 3_000, tells: true } }, done, 1],
      ['moves 4.5 s late and tells nothing', V2, { movesLate: { ms: 4_500, tells: false } }, done, 1],
      ['moves 4.5 s late and tells nothing, by Lock', LOCK_ONLY, { movesLate: { ms: 4_500, tells: false } }, done, 1],
      ['jams and says success', V2, { jams: { said: 'success', tells: 'event' } }, failed('lock_jammed'), 0],
      ['jams and says so', V2, { jams: { said: 'fail', tells: 'event' } }, failed('lock_jammed'), 0],
      [
        'jams, says success, and has only its mode to tell',
        V1,
        { jams: { said: 'success', tells: 'mode' } },
        failed('lock_jammed'),
        0,
      ],
      ['refuses', V2, { refuses: true }, failed('device_rejected'), 0],
      ['does nothing and says nothing', V1, { refuses: true }, failed('state_not_reached'), 0],
      ['moves and falls silent', V1, { mute: true }, failed('outcome_unknown'), 1],
      ['is out of range', V2, { deaf: true }, failed('device_offline'), 0],
    ];
    it.each(rows)('that %s', async (_, node, faults, ends, moved) => {
      lock(node).faults = faults;
      expect(await site.door(node, 'unlock')).toMatchObject(ends);
      expect(lock(node).movements).toBe(moved);
      expect(lock(node).commands.length).toBeLessThanOrEqual(1);
      lock(node).faults = {};
      if (lock(node).bolt === 'between') await lock(node).operate('locked');
      // A LOCK on a locked bolt is confirmed only by a lock that has a word for it (Supervision).
      const wasLocked = lock(node).bolt === 'locked';
      const story = await site.door(node, 'lock');
      expect(story).toMatchObject(wasLocked && node !== V2 ? notTold : done);
      expect(lock(node).bolt).toBe('locked');
    });

    it('that was out of range and is back in time obeys once', async () => {
      lock(V1).faults = { deaf: true };
      const story = site.door(V1, 'unlock');
      await until(() => site.at(V1)?.health.status === 'offline');
      lock(V1).faults = {};
      expect(await story).toMatchObject(done);
      expect([lock(V1).movements, lock(V1).commands.length]).toEqual([1, 1]);
    });

    it('that sleeps and was never heard of is not ready, and gets nothing later', async () => {
      expect(site.at(SLEEPER)?.health).toMatchObject({ status: 'not_ready' });
      expect(await site.door(SLEEPER, 'unlock')).toMatchObject(failed('device_not_ready'));
      expect(lock(SLEEPER).commands).toEqual([]);
    });

    it('all at once each obey once', async () => {
      const stories = await Promise.all(doors.map((node) => site.door(node, 'unlock')));
      expect(stories).toMatchObject(doors.map(() => done));
      expect(doors.map((node) => lock(node).movements)).toEqual([1, 1, 1, 1]);
    });
  });

  describe('codes', () => {
    const held = (node: number) => [1, 2, 3, 4, 5].map((slot) => lock(node).held(slot));

    it.each([
      ['User Code 2 on S2', V2],
      ['User Code 1 in the clear', V1],
      ['User Credential on S2', U3C],
    ])('%s: are written, seen, and removed', async (_, node) => {
      const { id, ...story } = await site.addCode(node, '481516');
      expect(story).toMatchObject({ status: 'success' });
      expect(held(node)).toContain('481516');
      expect(await site.removeCode(id)).toMatchObject({ status: 'success' });
      expect(held(node)).not.toContain('481516');
    });

    it.each([
      ['User Code 2 on S2', V2],
      ['User Code 1 in the clear', V1],
      ['User Credential on S2', U3C],
    ])('%s: that the lock takes and does not store are not claimed', async (_, node) => {
      lock(node).faults = { storesNothing: true };
      const { id, ...story } = await site.addCode(node, '234200');
      expect(story).toMatchObject(failed('code_not_stored'));
      lock(node).faults = {};
      await site.removeCode(id);
      expect(held(node)).not.toContain('234200');
    });

    it('that the lock shows as stars count as stored', async () => {
      lock(V1).faults = { masksCodes: 'stars' };
      const { id, ...story } = await site.addCode(V1, '135799');
      expect(story).toMatchObject({ status: 'success' });
      expect(held(V1)).toContain('135799');
      await site.removeCode(id);
    });

    it.each([
      ['with an event, by supervision', V2, 'duplicate_code_on_device'],
      ['by silence', V1, 'code_not_stored'],
    ])('that the lock holds elsewhere are refused %s', async (_, node, error) => {
      lock(node).hold(9, '909090');
      const { id, ...story } = await site.addCode(node, '909090');
      expect(story).toMatchObject(failed(error));
      expect(held(node)).not.toContain('909090');
      await site.removeCode(id);
      await lock(node).forget(9);
    });

    it('find no room on a full lock, and what is there stays', async () => {
      for (const slot of [1, 2, 3, 4, 5]) lock(V2).hold(slot, `77770${slot}`);
      const { id, ...story } = await site.addCode(V2, '123498');
      expect(story).toMatchObject(failed('no_space_for_access_code_on_device'));
      expect(held(V2)).toEqual([1, 2, 3, 4, 5].map((slot) => `77770${slot}`));
      await site.removeCode(id);
      for (const slot of [1, 2, 3, 4, 5]) await lock(V2).forget(slot);
    });
  });

  describe('what nodes tell by themselves', () => {
    it('by hand, by keypad, and which slot', async () => {
      await lock(V1).operate('unlocked');
      await until(() => site.at(V1)?.changedBy === 'manual' && site.at(V1)?.lockState === 'unlocked');
      await lock(V1).operate('locked', 4);
      await until(() => site.at(V1)?.changedBy === 'keycode' && site.at(V1)?.lockState === 'locked');
      // Encrypted with what the command before agreed upon.
      expect(await site.door(V2, 'lock')).toMatchObject(done);
      await lock(V2).operate('unlocked', 4);
      await until(() => site.at(V2)?.changedBy === 'keycode');
    });

    it('battery and loudness', async () => {
      expect(site.at(V2)?.battery).toMatchObject({ level: 0.8, low: false });
      await network.simulated.sound(SENSOR, 71.5);
      await until(() => site.at(SENSOR)?.noise?.level === 71.5);
    });
  });

  it('keeps codes and keys out of the log, at every level', () => {
    const text = site.log.text.toLowerCase();
    expect(text.length).toBeGreaterThan(0);
    for (const code of ['481516', '234200', '135799', '909090', '123498']) expect(text).not.toContain(code);
    for (const key of Object.values(network.keys)) expect(text).not.toContain(Buffer.from(key).toString('hex'));
  });
});
