import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewayError } from '../../../src/contract/index.ts';
import { type NukiFixture, type NukiFixtureOptions, nukiFixture } from '../../../test/kit/locks/nuki-fixture.ts';

let f: NukiFixture;

/** Nobody but the test talks to the lock. */
const build = async (options: NukiFixtureOptions = {}) => {
  f = await nukiFixture({ ...options, lock: { announcesChanges: false, ...options.lock } });
};

beforeEach(() => build());

afterEach(() => f.close());

const rebuild = async (options: NukiFixtureOptions) => {
  await f.close();
  await build(options);
};

/** The turns of the bolt that a command caused: what P3 is about. */
const turns = () => f.lock.turns.filter(({ by }) => by === 'command').map(({ to }) => to);
const confirmed = { wasConfirmedByDevice: true };

describe('a door', () => {
  it('opens and closes, and each is seen', async () => {
    expect(await f.door('unlock')).toEqual(confirmed);
    expect(await f.door('lock')).toEqual(confirmed);
    expect(turns()).toEqual(['unlocked', 'locked']);
    expect(f.air.openLinks).toEqual([]);
  });

  it('of the Ultra class does as well', async () => {
    await rebuild({ lock: { generation: 'ultra' } });
    expect(await f.door('unlock')).toEqual(confirmed);
  });

  it('whose firmware cuts indications at 20 bytes does as well', async () => {
    await rebuild({ lock: { cutAt: 20 } });
    expect(await f.door('unlock')).toEqual(confirmed);
  });

  it('that answers before it confirms the write does as well', async () => {
    f.lock.misbehave('reply_before_response', 5);
    expect(await f.door('unlock')).toEqual(confirmed);
  });

  it('already as asked is confirmed by what it says now', async () => {
    expect(await f.door('lock')).toEqual(confirmed);
  });

  it('asks for its turn once, and for a fresh challenge each time', async () => {
    const { given, outcome } = f.begin('unlock');
    await f.settled(outcome);
    given.end();
    expect(given.permits).toHaveLength(1);
    expect(given.permits[0]?.spends).toHaveLength(1);
    f.lock.history.length = 0;
    await f.door('lock', { attemptId: '00000000-0000-4000-8000-00000000000a' });
    expect(f.lock.history).toEqual(['requestData', 'lockAction']);
  });
});

describe('nothing is claimed that was not seen', () => {
  it('ACCEPTED and then nothing: the state is asked for', async () => {
    f.lock.misbehave('never_complete');
    expect(await f.door('unlock')).toEqual(confirmed);
    expect(f.lock.history.slice(-2)).toEqual(['lockAction', 'requestData']);
  });

  it('what was said before the command left', async () => {
    f.lock.misbehave('repeat_old_news');
    f.lock.misbehave('ignore_action');
    const outcome = await f.door('unlock', { commitMs: 50 });
    expect(outcome).toMatchObject({ type: 'state_not_reached', delivery: 'maybe_sent' });
  });

  it('COMPLETE without a movement, which is told at once', async () => {
    f.lock.misbehave('complete_without_moving');
    const before = f.clock.now();
    expect(await f.door('unlock')).toMatchObject({ type: 'state_not_reached', delivery: 'maybe_sent' });
    expect(f.clock.now() - before).toBeLessThan(1_000);
    expect(turns()).toEqual([]);
  });

  it('ACCEPTED, the old state, COMPLETE', async () => {
    f.lock.misbehave('accept_without_moving');
    expect(await f.door('unlock')).toMatchObject({ type: 'state_not_reached' });
  });

  it('no word at all after a confirmed write, though it moves', async () => {
    f.lock.misbehave('silent_on_action');
    expect(await f.door('unlock')).toEqual(confirmed);
    expect(turns()).toEqual(['unlocked']);
  });

  it('a lock that relocks itself before it was read', async () => {
    await rebuild({ lock: { autoLockMs: 10 } });
    f.lock.misbehave('drop_on_action');
    expect(await f.door('unlock')).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    expect(turns()).toEqual(['unlocked']);
  });
});

describe('what the lock refuses', () => {
  it('a blocked motor', async () => {
    f.lock.bolt.blocked = true;
    expect(await f.door('unlock')).toMatchObject({ type: 'lock_jammed', delivery: 'acted' });
    expect(await f.settled(f.device.lock?.read?.(f.command().ctx) ?? Promise.reject())).toEqual({
      state: 'jammed',
      door: 'closed',
    });
  });

  it('too little power', async () => {
    f.lock.condition.battery = { percent: 2, critical: true, empty: true };
    expect(await f.door('unlock')).toMatchObject({ type: 'low_battery', delivery: 'refused' });
    expect(turns()).toEqual([]);
  });

  it('a motor that runs already; afterwards the state is read before anything is sent', async () => {
    const first = f.begin('unlock', { attemptId: '00000000-0000-4000-8000-00000000000a' });
    await f.clock.advance(600);
    f.air.kick(f.address);
    await f.clock.advance(10);
    const second = { attemptId: '00000000-0000-4000-8000-00000000000b' };
    expect(await f.door('lock', second)).toMatchObject({ type: 'device_busy', delivery: 'refused' });
    expect(await f.settled(first.outcome)).toEqual(confirmed);
    first.given.end();
    f.lock.history.length = 0;
    expect(await f.door('lock', second)).toEqual(confirmed);
    expect(f.lock.history).toEqual(['requestData', 'requestData', 'lockAction']);
    expect(turns()).toEqual(['unlocked', 'locked']);
  });

  it('a nonce: nothing moved, and the next try takes a fresh challenge', async () => {
    f.lock.misbehave('refuse_nonce');
    expect(await f.door('unlock')).toMatchObject({ type: 'device_busy', delivery: 'refused' });
    expect(await f.door('unlock')).toEqual(confirmed);
    expect(turns()).toEqual(['unlocked']);
  });

  it('a pairing that somebody removed', async () => {
    f.lock.forget(f.credentials.authorizationId);
    const error = await f.door('unlock');
    expect(error).toMatchObject({ type: 'authentication_failed', delivery: 'refused' });
    expect(error.message).toContain('Pair it again');
  });

  it('anything, when it was never paired', async () => {
    await rebuild({ unpaired: true });
    expect(await f.door('unlock')).toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
  });
});

describe('what goes wrong on the air', () => {
  it('link lost before the challenge: nothing was sent, and the next try works', async () => {
    f.lock.misbehave('drop_on_challenge');
    expect(await f.door('unlock')).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(await f.door('unlock')).toEqual(confirmed);
    expect(turns()).toEqual(['unlocked']);
  });

  it('link lost after the command left: found out by reading, and not sent again', async () => {
    f.lock.misbehave('drop_on_action');
    expect(await f.door('unlock')).toEqual(confirmed);
    expect(turns()).toEqual(['unlocked']);
    expect(f.lock.history.filter((name) => name === 'lockAction')).toHaveLength(1);
  });

  it('link lost after ACCEPTED: found out by reading', async () => {
    f.lock.misbehave('drop_after_accepted');
    expect(await f.door('unlock')).toEqual(confirmed);
    expect(turns()).toEqual(['unlocked']);
  });

  it('link lost after the command left, and the lock cannot be reached again', async () => {
    f.lock.misbehave('drop_on_action');
    const { given, outcome } = f.begin('unlock');
    while (turns().length === 0) {
      await f.clock.advance(50);
      if (f.lock.history.includes('lockAction')) f.air.find(f.address)?.mute(true);
    }
    const before = f.clock.now();
    const error = await f.settled(outcome);
    expect(error).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    expect((error as GatewayError).message).toContain('could not be reached over Bluetooth');
    expect(f.clock.now() - before).toBeLessThanOrEqual(20_000);
    given.end();
  });

  it('the lock hangs before the challenge', async () => {
    f.lock.misbehave('hang_on_challenge');
    expect(await f.door('unlock')).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(turns()).toEqual([]);
  });

  it('the lock hangs on the command: nobody moved, and that is seen', async () => {
    f.lock.misbehave('hang_on_action');
    expect(await f.door('unlock')).toMatchObject({ type: 'state_not_reached', delivery: 'maybe_sent' });
    expect(turns()).toEqual([]);
  });

  it('an ATT error on the command', async () => {
    f.lock.misbehave('att_error_on_action');
    expect(await f.door('unlock')).toMatchObject({ type: 'state_not_reached', delivery: 'maybe_sent' });
    expect(turns()).toEqual([]);
  });

  it('a tampered challenge is not used', async () => {
    f.lock.misbehave('tamper_challenge');
    expect(await f.door('unlock')).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(f.lock.history).not.toContain('lockAction');
  });

  it('a tampered status is no status: found out by reading', async () => {
    f.lock.misbehave('tamper_status');
    expect(await f.door('unlock')).toEqual(confirmed);
    expect(turns()).toEqual(['unlocked']);
  });

  it('0x3E three times, and then it works', async () => {
    f.air.failEstablishing(3);
    expect(await f.door('unlock')).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(await f.door('unlock')).toEqual(confirmed);
  });

  it('out of range and back', async () => {
    f.air.find(f.address)?.mute(true);
    expect(await f.door('unlock')).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    f.air.find(f.address)?.mute(false);
    expect(await f.door('unlock')).toEqual(confirmed);
  });

  it('the radio fades while the command is on its way, and comes back: it turned once at most', async () => {
    const { given, outcome } = f.begin('unlock');
    while (given.permits[0]?.spends.length !== 1) await f.clock.advance(1);
    f.air.fade(f.address);
    const result = await f.settled(outcome);
    given.end();
    expect(result).toEqual(turns().length === 1 ? confirmed : expect.objectContaining({ delivery: 'maybe_sent' }));
    expect(turns().length).toBeLessThanOrEqual(1);
  });

  it('the adapter is pulled in the middle and put back under another index', async () => {
    const { given, outcome } = f.begin('unlock');
    while (!f.lock.history.includes('lockAction')) await f.clock.advance(5);
    f.bay.pullOut(0);
    await f.clock.advance(1_500);
    f.bay.plugIn('c0:b1:e1:ff:00:01');
    expect(await f.settled(outcome)).toEqual(confirmed);
    given.end();
    expect(turns()).toEqual(['unlocked']);
  });
});

describe('time', () => {
  it('a command whose moment passed before the lock was ready is not sent', async () => {
    f.air.find(f.address)?.mute(true);
    f.clock.setTimer(() => f.air.find(f.address)?.mute(false), 3_000);
    const result = await f.door('unlock', { sendByMs: 2_000 });
    expect(result).toMatchObject({ delivery: 'not_sent' });
    await f.clock.advance(20_000);
    expect(turns()).toEqual([]);
  });

  it('an abort before the command ends the connection and sends nothing', async () => {
    await rebuild({ air: { pacing: 'events' } });
    const { given, outcome } = f.begin('unlock');
    await f.clock.advance(200);
    given.abort();
    expect(await f.settled(outcome)).toMatchObject({ type: 'superseded' });
    given.end();
    await f.clock.advance(5_000);
    expect(turns()).toEqual([]);
    expect(f.air.openLinks).toEqual([]);
  });

  it('closing the device rejects what is under way', async () => {
    await rebuild({ air: { pacing: 'events' } });
    const { given, outcome } = f.begin('unlock');
    await f.clock.advance(200);
    await f.device.close();
    expect(await f.settled(outcome)).toMatchObject({ type: 'device_not_ready' });
    given.end();
  });
});

it('never lets a key or a PIN into the log', async () => {
  await f.door('unlock');
  f.lock.misbehave('drop_on_action');
  await f.door('lock');
  expect(f.text.text).not.toContain(Buffer.from(f.credentials.sharedKey).toString('hex'));
  expect(f.text.text).not.toMatch(/1234(?!5)/);
});
