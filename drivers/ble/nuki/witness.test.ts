import { afterEach, describe, expect, it } from 'vitest';
import { type NukiFixture, type NukiFixtureOptions, nukiFixture } from '../../../test/kit/locks/nuki-fixture.ts';
import { errorCodes, lockStates } from './catalogue.ts';
import type { NukiMisbehaviour } from './simulator.ts';

/*
 * Commands whose end cannot be told from the state before: a latch that is pulled on an unlocked door, a LOCK on a locked
 * one; and words of the lock that belong to something else.
 */

let f: NukiFixture;

const build = async (options: NukiFixtureOptions = {}) => {
  f = await nukiFixture({ ...options, lock: { announcesChanges: false, ...options.lock } });
};

afterEach(() => f.close());

const confirmed = { wasConfirmedByDevice: true };
const pulls = () => f.lock.bolt.pulls.length;
const unlatch = { unlock: 'unlatch' } as const;
let attempts = 0;
/** Each command is an attempt of its own. */
const door = (target: 'lock' | 'unlock') =>
  f.door(target, { attemptId: `00000000-0000-4000-8000-${String(++attempts).padStart(12, '0')}` });

describe.each([
  ['with its log', {}],
  ['without its log', { pin: null }],
] as const)('a latch, %s', (_, options) => {
  it('of a locked door is pulled, and seen to be', async () => {
    await build({ settings: unlatch, ...options });
    expect(await door('unlock')).toEqual(confirmed);
    expect(pulls()).toBe(1);
  });

  it('of an unlocked door is pulled each time, and seen to be', async () => {
    await build({ settings: unlatch, ...options });
    f.lock.turnByHand('unlocked');
    for (let one = 1; one <= 3; one++) {
      expect(await door('unlock')).toEqual(confirmed);
      expect(pulls()).toBe(one);
      await f.clock.advance(10_000);
    }
  });

  it.each<NukiMisbehaviour>([
    'accept_without_moving',
    'complete_without_moving',
    'ignore_action',
    'hang_on_action',
    'att_error_on_action',
    'repeat_old_news_late',
  ])('of an unlocked door that is not pulled (%s): unlocked is no success', async (misbehaviour) => {
    await build({ settings: unlatch, ...options });
    // One that was pulled before: neither its state nor its entry in the log is of this one.
    expect(await door('unlock')).toEqual(confirmed);
    await f.clock.advance(5_000);
    f.lock.misbehave(misbehaviour);
    const outcome = await door('unlock');
    expect(outcome).toMatchObject({ delivery: 'maybe_sent' });
    expect(['outcome_unknown', 'state_not_reached']).toContain(outcome.type);
    expect(pulls()).toBe(1);
  });
});

describe('a latch that nobody saw', () => {
  const unseen: readonly NukiMisbehaviour[] = ['keep_the_way_to_itself', 'drop_on_action', 'silent_on_action'];

  it.each(unseen)('is known by the lock’s own record (%s)', async (misbehaviour) => {
    await build({ settings: unlatch, lock: { times: { startMs: 100, moveMs: 1_200, latchMs: 0 } } });
    f.lock.turnByHand('unlocked');
    await f.clock.advance(1_000);
    f.lock.misbehave(misbehaviour);
    expect(await door('unlock')).toEqual(confirmed);
    expect(pulls()).toBe(1);
  });

  it.each(unseen)('is not known without it (%s)', async (misbehaviour) => {
    await build({ settings: unlatch, pin: null, lock: { times: { startMs: 100, moveMs: 1_200, latchMs: 0 } } });
    f.lock.turnByHand('unlocked');
    await f.clock.advance(1_000);
    f.lock.misbehave(misbehaviour);
    expect(await door('unlock')).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
  });

  it.each(['empty', 'cut', errorCodes.badNonce, errorCodes.badPin] as const)(
    'is not known by a log that is not told (%s)',
    async (answer) => {
      await build({ settings: unlatch, lock: { times: { startMs: 100, moveMs: 1_200, latchMs: 0 } } });
      f.lock.turnByHand('unlocked');
      f.lock.condition.log = answer;
      f.lock.misbehave('drop_on_action');
      expect(await door('unlock')).toMatchObject({ type: 'outcome_unknown' });
    },
  );

  it('is not known by the record of one before it', async () => {
    await build({ settings: unlatch, lock: { times: { startMs: 100, moveMs: 1_200, latchMs: 0 } } });
    f.lock.turnByHand('unlocked');
    for (let one = 0; one < 3; one++) await door('unlock');
    f.lock.misbehave('ignore_action');
    expect(await door('unlock')).toMatchObject({ delivery: 'maybe_sent' });
    expect(pulls()).toBe(3);
  });

  it('settles nothing after a restart: the device says that its latch is meant', async () => {
    await build({ settings: unlatch });
    expect(f.device.lock?.unlockActsOn).toBe('latch');
    await f.close();
    await build();
    expect(f.device.lock?.unlockActsOn ?? 'bolt').toBe('bolt');
  });
});

describe('a bolt that stands as asked already', () => {
  it.each([
    ['lock', 'locked'],
    ['unlock', 'unlocked'],
  ] as const)('%s on a door that is %s, and obeys: its way is seen', async (target, state) => {
    await build();
    f.lock.turnByHand(state);
    await f.clock.advance(1_000);
    expect(await door(target)).toEqual(confirmed);
  });

  it.each([
    ['lock', 'locked', {}],
    ['unlock', 'unlocked', {}],
    ['lock', 'locked', { pin: null }],
    ['unlock', 'unlocked', { pin: null }],
  ] as const)(
    '%s on a door that is %s, and does not obey: it is not said to be confirmed',
    async (target, state, options) => {
      for (const misbehaviour of ['ignore_action', 'hang_on_action', 'complete_without_moving'] as const) {
        await build(options);
        f.lock.turnByHand(state);
        await f.clock.advance(1_000);
        f.lock.misbehave(misbehaviour);
        expect(await door(target)).toEqual({ wasConfirmedByDevice: false });
        await f.close();
      }
    },
  );
});

describe('a LOCK that is found done before it would be sent once more', () => {
  const attemptId = '00000000-0000-4000-8000-0000000000aa';

  it('is not said to be confirmed where nothing shows that it moved', async () => {
    await build();
    f.lock.misbehave('hang_on_action');
    const { given, outcome } = f.begin('lock', { attemptId });
    while (f.lock.commandsAt.length === 0) await f.clock.advance(10);
    for (const { index } of f.bay.list()) f.bay.pullOut(index);
    expect(await f.settled(outcome)).toMatchObject({ delivery: 'maybe_sent' });
    given.end();
    f.bay.plugIn('c0:b1:e1:ff:00:01');
    await f.clock.advance(20_000);
    expect(await f.door('lock', { attemptId })).toEqual({ wasConfirmedByDevice: false });
    expect(f.lock.commandsAt).toHaveLength(1);
  });

  it('is confirmed where it was seen elsewhere after it was sent', async () => {
    await build();
    f.lock.turnByHand('unlocked');
    await f.clock.advance(1_000);
    f.lock.bolt.hesitatesMs = 12_000;
    expect(await f.door('lock', { attemptId, sendByMs: 60_000 })).toMatchObject({ type: 'state_not_reached' });
    await f.clock.advance(20_000);
    expect(f.lock.bolt.isLocked).toBe(true);
    expect(await f.door('lock', { attemptId })).toEqual(confirmed);
    expect(f.lock.commandsAt).toHaveLength(1);
  });
});

describe('a word that belongs to something else', () => {
  it('what the lock said of an earlier action, told again after the command', async () => {
    await build();
    f.lock.misbehave('repeat_old_news_late');
    expect(await door('unlock')).toMatchObject({ type: 'state_not_reached' });
    expect(f.lock.bolt.isLocked).toBe(true);
  });

  it.each([{}, { pin: null }] as const)(
    'where it was stuck before does not end a command that went well',
    async (options) => {
      await build(options);
      f.lock.bolt.show(lockStates.motorBlocked);
      await f.settled(f.device.lock?.read?.(f.command().ctx) ?? Promise.reject());
      f.lock.misbehave('old_state_first');
      expect(await door('unlock')).toEqual(confirmed);
    },
  );

  it('a motor that is blocked now ends it', async () => {
    await build();
    f.lock.bolt.show(lockStates.motorBlocked);
    await f.settled(f.device.lock?.read?.(f.command().ctx) ?? Promise.reject());
    f.lock.bolt.blocked = true;
    expect(await door('unlock')).toMatchObject({ type: 'lock_jammed' });
  });

  it('an error about another command is no refusal of this one', async () => {
    await build();
    f.lock.misbehave('error_about_another');
    expect(await door('unlock')).toEqual(confirmed);
  });

  it.each([lockStates.uncalibrated, lockStates.undefined, lockStates.bootRun])(
    'a lock that does not know where its bolt is (0x%s) says nothing of the command',
    async (state) => {
      await build();
      f.lock.misbehave('ignore_action');
      f.lock.bolt.show(state);
      const outcome = await door('lock');
      expect(outcome).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
      expect(outcome.message).not.toContain('said that it is not');
    },
  );
});
