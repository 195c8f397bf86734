import { describe, expect, it } from 'vitest';
import { scriptedCore } from '../../test/kit/gateway/core-fixture.ts';
import { sendAndConfirm, sendAndHearNothing } from '../../test/kit/locks/scripted-lock.ts';
import { GatewayError } from '../contract/index.ts';

const statesOf = (history: readonly { state: string }[] | undefined) => history?.map((entry) => entry.state);

describe('a door command', () => {
  it('ends in success once the bolt was seen, and tells every step', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    const accepted = await core.doors.unlock('front', origin());
    expect(accepted.settlement).toBeUndefined();
    const ended = await clock.until(end(accepted));
    expect(ended.settlement).toEqual({ status: 'success', result: { was_confirmed_by_device: true } });
    expect(lock.sent).toHaveLength(1);
    expect(statesOf(core.attempts.history(accepted.actionAttemptId))).toEqual([
      'accepted',
      'connecting',
      'sending',
      'confirming',
      'recording',
      'succeeded',
    ]);
  });

  it('keeps what was weighed with the state in which it was heard, while it lives and afterwards', async () => {
    const { core, clock, origin, end, lock, store } = await scriptedCore();
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      ctx.weighed?.({ at: clock.now(), source: 'told', about: 'bolt', value: 'locked', verdict: 'not_counted' });
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 500));
      ctx.weighed?.({ at: clock.now(), source: 'answer', about: 'bolt', value: 'unlocked', verdict: 'proves' });
      return { wasConfirmedByDevice: true };
    };
    const { actionAttemptId: id } = await core.doors.unlock('front', origin());
    const heard = () =>
      (core.attempts.history(id) ?? []).flatMap(({ state, evidence = [] }) =>
        evidence.map(({ value, verdict }) => [state, value, verdict]),
      );
    await clock.advance(100);
    expect(heard()).toEqual([['confirming', 'locked', 'not_counted']]);
    await clock.until(end(await core.doors.lock('front', origin())));
    const kept = [
      ['confirming', 'locked', 'not_counted'],
      ['confirming', 'unlocked', 'proves'],
    ];
    expect(heard()).toEqual(kept);
    expect(store.read.attempt(id)?.history.flatMap(({ evidence = [] }) => evidence)).toHaveLength(2);
  });

  it('says whether it may be repeated under an Idempotency-Key', async () => {
    const { core, origin } = await scriptedCore();
    const plain = await core.doors.unlock('front', origin());
    const kept = { ...origin(), idempotency: { scope: 'a', fingerprint: 'b' } };
    const repeatable = await core.doors.lock('front', kept);
    expect(plain.history[0]?.reason).not.toContain('Idempotency-Key');
    expect(repeatable.history[0]?.reason).toContain('Idempotency-Key');
  });

  it('costs two commits when nothing is before it', async () => {
    const { core, clock, origin, end, store } = await scriptedCore();
    await clock.settle();
    const { batches } = store.stats;
    await clock.until(end(await core.doors.unlock('front', origin())));
    expect(store.stats.batches).toBe(batches + 2);
  });

  it('is refused for a device that is not there', async () => {
    const { core, origin } = await scriptedCore();
    await expect(core.doors.lock('nowhere', origin())).rejects.toMatchObject({ type: 'device_not_found' });
  });

  it('is tried again while nothing has left, until send_by, and then says why', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    let tries = 0;
    lock.script = async () => {
      tries += 1;
      throw new GatewayError('device_offline', 'The bridge says that it is offline.');
    };
    const ended = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(ended.settlement).toMatchObject({ status: 'error', error: { type: 'device_offline' } });
    expect(tries).toBeGreaterThan(3);
    expect(clock.now()).toBeGreaterThanOrEqual(5_000);
    expect(clock.now()).toBeLessThan(5_100);
  });

  it('is tried at once when the device comes back', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async () => {
      throw new GatewayError('device_offline', 'away');
    };
    lock.report({ kind: 'health', health: { status: 'offline', reason: 'out_of_range', hint: 'away' } });
    const attempt = await core.doors.unlock('front', origin());
    await clock.advance(3_000);
    const before = clock.now();
    lock.script = sendAndConfirm;
    lock.report({ kind: 'health', health: { status: 'online' } });
    const ended = await clock.until(end(attempt));
    expect(ended.settlement?.status).toBe('success');
    expect(clock.now()).toBe(before);
  });

  it('may be sent again after a busy lock refused it', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async (ctx) => {
      if (lock.sent.length > 0) return sendAndConfirm(ctx, lock);
      (await ctx.pointOfNoReturn()).spend();
      throw new GatewayError('device_busy', 'The motor is running.');
    };
    const ended = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(ended.settlement?.status).toBe('success');
    expect(lock.sent).toHaveLength(2);
  });

  it('may be sent again when the link is certain that nothing left', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    let tries = 0;
    lock.script = async (ctx) => {
      const permit = await ctx.pointOfNoReturn();
      permit.spend();
      if (++tries > 1) return { wasConfirmedByDevice: true };
      permit.withdraw();
      throw new GatewayError('link_unavailable', 'Nobody is subscribed.');
    };
    const ended = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(ended.settlement?.status).toBe('success');
    expect(lock.sent).toHaveLength(1);
  });

  it('never calls itself unsent once a byte has left, whatever the driver says', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      throw new GatewayError('device_offline', 'It fell silent.');
    };
    const ended = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(ended.settlement).toMatchObject({ error: { type: 'outcome_unknown' } });
    expect(lock.sent).toHaveLength(1);
  });

  it.each([
    ['lock', 2],
    ['unlock', 1],
  ] as const)('%s is sent %i time(s) at the most when the old state is read after it', async (action, times) => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      throw new GatewayError('state_not_reached', 'The bolt has not moved.');
    };
    const ended = await clock.until(end(await core.doors[action]('front', origin())));
    expect(ended.settlement).toMatchObject({ error: { type: 'state_not_reached' } });
    expect(lock.sent).toHaveLength(times);
  });

  it('ends as unknown at its deadline when the lock never reports', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = sendAndHearNothing;
    const ended = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(ended.settlement).toMatchObject({ error: { type: 'outcome_unknown' } });
    expect(clock.now()).toBeGreaterThanOrEqual(9_000);
    expect(clock.now()).toBeLessThanOrEqual(9_010);
  });

  it('is not sent when its driver only gets ready after send_by', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    let late: unknown;
    lock.script = async (ctx) => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 6_000));
      try {
        (await ctx.pointOfNoReturn()).spend();
      } catch (error) {
        late = error;
        throw error;
      }
      return { wasConfirmedByDevice: true };
    };
    const ended = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(ended.settlement).toMatchObject({ error: { type: 'expired' } });
    await clock.advance(10_000);
    expect(late).toBeInstanceOf(GatewayError);
    expect(lock.sent).toHaveLength(0);
  });

  it('is not sent when the intent’s commit outlasts send_by', async () => {
    const { core, clock, origin, end, lock, commit } = await scriptedCore();
    lock.linkState = { status: 'down', reason: 'test', hint: '' }; // so that the acceptance does not carry the intent
    lock.script = async (ctx) => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 4_990));
      commit.ms = 50;
      (await ctx.pointOfNoReturn()).spend();
      return { wasConfirmedByDevice: true };
    };
    const ended = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(ended.settlement).toMatchObject({ error: { type: 'expired' } });
    await clock.advance(1_000);
    expect(lock.sent).toHaveLength(0);
  });

  it('is not sent with a permit that was kept until send_by had passed', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    let late: unknown;
    lock.script = async (ctx) => {
      const permit = await ctx.pointOfNoReturn();
      await new Promise<void>((resolve) => clock.setTimer(resolve, 5_001));
      try {
        permit.spend();
      } catch (error) {
        late = error;
        throw error;
      }
      return { wasConfirmedByDevice: true };
    };
    const ended = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(ended.settlement).toMatchObject({ error: { type: 'expired' } });
    await clock.advance(10_000);
    expect(late).toBeInstanceOf(GatewayError);
    expect(lock.sent).toHaveLength(0);
  });

  it('is not sent again by a driver that asks for a second permit', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      (await ctx.pointOfNoReturn()).spend();
      return { wasConfirmedByDevice: true };
    };
    const ended = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(ended.settlement).toMatchObject({ status: 'error' });
    expect(lock.sent).toHaveLength(1);
  });

  it('lets no permit be spent twice', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async (ctx) => {
      const permit = await ctx.pointOfNoReturn();
      permit.spend();
      permit.spend();
      return { wasConfirmedByDevice: true };
    };
    const ended = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(ended.settlement).toMatchObject({ error: { type: 'outcome_unknown' } });
    expect(lock.sent).toHaveLength(1);
  });

  it('takes a driver’s undeclared failure for what it is', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async () => {
      throw new TypeError('undefined is not a function');
    };
    const before = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(before.settlement).toMatchObject({ error: { type: 'internal_error' } });
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      throw new TypeError('undefined is not a function');
    };
    const after = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(after.settlement).toMatchObject({ error: { type: 'outcome_unknown' } });
  });

  it('is refused at once for a device that is out of service', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore({ outOfService: true });
    const ended = await clock.until(end(await core.doors.unlock('front', origin())));
    expect(ended.settlement).toMatchObject({ error: { type: 'out_of_service' } });
    expect(lock.sent).toHaveLength(0);
    expect(clock.now()).toBe(0);
  });

  it('is not sent when its device is taken out of service while it waits', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      await new Promise<void>((resolve) => clock.setTimer(resolve, 700));
      return { wasConfirmedByDevice: true };
    };
    const [sent, waits] = await Promise.all([
      core.doors.unlock('front', origin()),
      core.doors.unlock('front', origin()),
    ]);
    await clock.advance(100);
    await core.administration.takeOutOfService('front', 'New cylinder', origin());
    const ended = await clock.until(Promise.all([end(sent), end(waits)]));
    expect(ended.map(({ settlement }) => settlement)).toMatchObject([
      { status: 'success' },
      { error: { type: 'out_of_service' } },
    ]);
    expect(lock.sent).toHaveLength(1);
    expect(clock.now()).toBeLessThan(1_000);
  });

  it('is not tried again once its device is taken out of service', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async () => {
      throw new GatewayError('device_offline', 'away');
    };
    const attempt = await core.doors.unlock('front', origin());
    await clock.advance(1_000);
    await core.administration.takeOutOfService('front', undefined, origin());
    const ended = await clock.until(end(attempt));
    expect(ended.settlement).toMatchObject({ error: { type: 'out_of_service' } });
    expect(clock.now()).toBeLessThan(1_100);
  });
});
