import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NukiMisbehaviour } from '../../drivers/ble/nuki/simulator.ts';
import { type NukiBuilding, type NukiBuildingOptions, nukiBuilding, type Story } from '../kit/locks/nuki-building.ts';

/*
 * The whole core with a Nuki lock, over noble and bleno as published. For each fault: how the attempt ends, within its
 * deadline, and how often the bolt turned.
 */

const DEADLINE_MS = 20_000;

let b: NukiBuilding;

const build = async (options: NukiBuildingOptions = {}) => {
  b = await nukiBuilding(options);
};

beforeEach(() => build());

afterEach(() => b.close());

const turns = (at = 0) => b.doors[at]?.lock.turns.filter(({ by }) => by === 'command').length;
const actions = (at = 0) => b.doors[at]?.lock.history.filter((name) => name === 'lockAction').length;

/** No lie and no second turn, whatever happened. */
function expectTruth(story: Story, action: 'lock' | 'unlock', at = 0): void {
  expect(story.status).not.toBe('pending');
  expect(story.tookMs).toBeLessThanOrEqual(DEADLINE_MS + 1_000);
  expect(turns(at)).toBeLessThanOrEqual(1);
  if (story.status === 'success') expect(b.doors[at]?.lock.bolt.isLocked).toBe(action === 'lock');
}

const done = { status: 'success', confirmed: true };

/** [what goes wrong, ordered of the lock, how the UNLOCK ends, turns of the bolt, lock actions that reached it] */
const misbehaviours: readonly (readonly [string, NukiMisbehaviour, Partial<Story>, number, number])[] = [
  ['the link is lost before the challenge: tried again', 'drop_on_challenge', done, 1, 1],
  ['the lock hangs before the challenge: tried again', 'hang_on_challenge', done, 1, 1],
  ['the link is lost after the command left', 'drop_on_action', done, 1, 1],
  ['the link is lost after ACCEPTED', 'drop_after_accepted', done, 1, 1],
  ['the lock hangs on the command', 'hang_on_action', { error: 'state_not_reached' }, 0, 1],
  ['the lock answers the command with an ATT error', 'att_error_on_action', { error: 'state_not_reached' }, 0, 1],
  ['the command is confirmed and forgotten', 'ignore_action', { error: 'state_not_reached' }, 0, 1],
  ['an indication comes before the write’s response', 'reply_before_response', done, 1, 1],
  ['the nonce was used before: a fresh challenge', 'refuse_nonce', done, 1, 2],
  ['the challenge was tampered with: tried again', 'tamper_challenge', done, 1, 1],
  ['the status was tampered with', 'tamper_status', done, 1, 1],
  ['COMPLETE without a movement', 'complete_without_moving', { error: 'state_not_reached' }, 0, 1],
  ['ACCEPTED and never COMPLETE', 'never_complete', done, 1, 1],
];

describe('UNLOCK when', () => {
  it.each(misbehaviours)('%s', async (_what, misbehaviour, ending, moved, arrived) => {
    b.lock.misbehave(misbehaviour);
    const story = await b.run('unlock');
    expect(story).toMatchObject(ending);
    expectTruth(story, 'unlock');
    expect([turns(), actions()]).toEqual([moved, arrived]);
  });

  it('0x3E comes three times, and then three times again', async () => {
    b.air.failEstablishing(3);
    expect(await b.run('unlock')).toMatchObject(done);
    expect(turns()).toBe(1);
    b.air.failEstablishing(1_000);
    const story = await b.run('lock');
    expect(story).toMatchObject({ error: 'device_offline' });
    expect(story.tookMs).toBeLessThanOrEqual(7_000);
    expect(actions()).toBe(1);
  });

  it('the motor is blocked', async () => {
    b.lock.bolt.blocked = true;
    expect(await b.run('unlock')).toMatchObject({ error: 'lock_jammed' });
    expect(turns()).toBe(0);
  });

  it('the motor runs already: tried again until it is free', async () => {
    b.lock.turnByHand('unlocked');
    b.lock.bolt.run(2, 'hand', { moved: () => undefined, done: () => undefined });
    const story = await b.run('unlock');
    expect(story).toMatchObject(done);
    expectTruth(story, 'unlock');
  });

  it('the lock is out of range, comes back too late, and later works', async () => {
    b.air.find(b.address)?.mute(true);
    const story = await b.run('unlock');
    expect(story).toMatchObject({ error: 'device_offline' });
    b.air.find(b.address)?.mute(false);
    await b.clock.advance(30_000);
    expect(actions()).toBe(0);
    expect(await b.run('unlock')).toMatchObject(done);
  });

  it('the lock is out of range and back in time', async () => {
    b.air.find(b.address)?.mute(true);
    b.clock.setTimer(() => b.air.find(b.address)?.mute(false), 3_000);
    expect(await b.run('unlock')).toMatchObject(done);
    expect(turns()).toBe(1);
  });

  it('the adapter is pulled before anything left, and comes back under another index in time', async () => {
    b.bay.pullOut(0);
    b.clock.setTimer(() => b.bay.plugIn('c0:b1:e1:ff:00:01'), 2_000);
    expect(await b.run('unlock')).toMatchObject(done);
    expect(b.bay.list()).toMatchObject([{ index: 1 }]);
    expect([turns(), actions()]).toEqual([1, 1]);
  });

  it.each([0, 15, 30, 100, 600, 1_400])(
    'the adapter is pulled %i ms after the command arrived, for good: nobody claims to know',
    async (ms) => {
      const ending = b.command('unlock');
      while (actions() === 0) await b.clock.advance(1);
      await b.clock.advance(ms);
      b.bay.pullOut(0);
      const story = await b.clock.until(ending);
      expectTruth(story, 'unlock');
      if (story.status === 'error') expect(story.error).toBe('outcome_unknown');
    },
  );

  it('the adapter is pulled after the command left, and is back under another index: read, not sent again', async () => {
    const ending = b.command('unlock');
    while (actions() === 0) await b.clock.advance(1);
    b.bay.pullOut(0);
    await b.clock.advance(2_500);
    b.bay.plugIn('c0:b1:e1:ff:00:01');
    expect(await b.clock.until(ending)).toMatchObject(done);
    expect([turns(), actions()]).toEqual([1, 1]);
  });

  it('the radio fades at any moment for a while: one turn at most, and the truth', async () => {
    for (let at = 0; at < 24; at++) {
      const ending = b.command(at % 2 === 0 ? 'unlock' : 'lock');
      await b.clock.advance(20 + at * 35);
      b.air.fade(b.address);
      await b.clock.advance(at % 3 === 0 ? 1_200 : 2_600);
      b.air.comeBack(b.address);
      const before = b.lock.turns.length;
      const story = await b.clock.until(ending);
      expect(story.tookMs).toBeLessThanOrEqual(DEADLINE_MS + 1_000);
      if (story.status === 'success') expect(b.lock.bolt.isLocked).toBe(at % 2 === 1);
      await b.clock.advance(5_000);
      expect(b.lock.turns.length - before).toBeLessThanOrEqual(1);
      b.lock.bolt.show(at % 2 === 0 ? 3 : 1);
    }
  });
});

it('a LOCK that did nothing is sent once more, after the lock was read', async () => {
  await b.run('unlock');
  b.lock.history.length = 0;
  b.lock.misbehave('complete_without_moving');
  expect(await b.run('lock')).toMatchObject(done);
  expect(b.lock.history).toEqual([
    ...['requestData', 'lockAction', 'requestData'],
    ...['requestData', 'requestData', 'lockAction'],
  ]);
  expect(turns()).toBe(2);
});

it('an UNLOCK that did nothing is not', async () => {
  b.lock.misbehave('complete_without_moving');
  await b.run('unlock');
  await b.clock.advance(30_000);
  expect(actions()).toBe(1);
});

describe('two locks on one adapter', () => {
  beforeEach(async () => {
    await b.close();
    await build({ locks: 2 });
  });

  it('commanded at once both open, one after the other', async () => {
    const both = Promise.all([b.command('unlock', 0), b.command('unlock', 1)]);
    for (const [at, story] of (await b.clock.until(both)).entries()) {
      expect(story).toMatchObject(done);
      expectTruth(story, 'unlock', at);
      expect(turns(at)).toBe(1);
    }
  });

  it('one of which is away: the other opens, and both end in time', async () => {
    b.air.find(b.address)?.mute(true);
    const [away, near] = await b.clock.until(Promise.all([b.command('unlock', 0), b.command('unlock', 1)]));
    expect(away).toMatchObject({ error: 'device_offline' });
    // It waited for the adapter only as long as the other was looked for in its turn.
    expect(near).toMatchObject(done);
    expectTruth(near, 'unlock', 1);
    expect(near.tookMs).toBeLessThanOrEqual(5_000);
  });
});
