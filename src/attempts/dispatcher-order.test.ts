import { describe, expect, it } from 'vitest';
import { scriptedCore } from '../../test/kit/gateway/core-fixture.ts';
import { sendAndConfirm, sendAndHearNothing, untilAborted } from '../../test/kit/locks/scripted-lock.ts';

const statesOf = (history: readonly { state: string }[] | undefined) => history?.map((entry) => entry.state);

describe('two commands on one door', () => {
  it('run one after the other, and equal ones are not merged', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    let running = 0;
    lock.script = async (ctx) => {
      running += 1;
      expect(running).toBe(1);
      (await ctx.pointOfNoReturn()).spend();
      await new Promise<void>((resolve) => clock.setTimer(resolve, 700));
      running -= 1;
      return { wasConfirmedByDevice: true };
    };
    const both = await Promise.all([core.doors.unlock('front', origin()), core.doors.unlock('front', origin())]);
    const ended = await clock.until(Promise.all(both.map(end)));
    expect(ended.map((attempt) => attempt.settlement?.status)).toEqual(['success', 'success']);
    expect(lock.sent.map(({ at }) => at)).toEqual([0, 700]);
    // Nothing of one that waits may have left: after a crash it is known not to have been sent.
    expect(both.map(({ intent }) => intent)).toEqual([true, false]);
    expect(statesOf(core.attempts.history(both[1].actionAttemptId))?.slice(0, 3)).toEqual([
      'accepted',
      'waiting_for_turn',
      'connecting',
    ]);
  });

  it('the newer takes the place of an opposite one that has not been sent', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async (ctx) => {
      if (lock.sent.length === 0) return sendAndConfirm(ctx, lock);
      (await ctx.pointOfNoReturn()).spend();
      return { wasConfirmedByDevice: true };
    };
    lock.script = async (ctx, self) => {
      if (ctx.sendBy > 5_000) return sendAndConfirm(ctx, self);
      return untilAborted(ctx); // the first one is still connecting when the second comes
    };
    const older = await core.doors.unlock('front', origin());
    await clock.advance(100);
    const newer = await core.doors.lock('front', origin());
    const ended = await clock.until(Promise.all([end(older), end(newer)]));
    expect(ended[0]?.settlement).toMatchObject({ error: { type: 'superseded' } });
    expect(ended[1]?.settlement?.status).toBe('success');
    expect(lock.sent.map(({ action }) => action)).toEqual(['lock']);
  });

  it('the newer does not touch an opposite one that has left', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      await new Promise<void>((resolve) => clock.setTimer(resolve, 700));
      return { wasConfirmedByDevice: true };
    };
    const older = await core.doors.unlock('front', origin());
    await clock.advance(100);
    const newer = await core.doors.lock('front', origin());
    const ended = await clock.until(Promise.all([end(older), end(newer)]));
    expect(ended.map((attempt) => attempt.settlement?.status)).toEqual(['success', 'success']);
    expect(lock.sent.map(({ action }) => action)).toEqual(['unlock', 'lock']);
  });

  it('the seventeenth finds the lane full', async () => {
    const { core, clock, origin, lock } = await scriptedCore();
    lock.script = sendAndHearNothing;
    const accepted = Array.from({ length: 16 }, () => core.doors.unlock('front', origin()));
    await expect(core.doors.unlock('front', origin())).rejects.toMatchObject({ type: 'lane_full' });
    await Promise.all(accepted);
    await clock.advance(10_100);
    expect(core.attempts.pendingCount).toBe(0);
    await expect(core.doors.unlock('front', origin())).resolves.toBeDefined();
  });
});

describe('a driver that does not let go', () => {
  it('loses its device after a second, and the next command finds a new one', async () => {
    const { core, clock, origin, end, lock } = await scriptedCore();
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      return new Promise(() => {});
    };
    lock.closeHangs = true;
    const first = await core.doors.unlock('front', origin());
    const ended = await clock.until(end(first));
    expect(ended.settlement).toMatchObject({ error: { type: 'outcome_unknown' } });
    expect(clock.now()).toBeLessThan(9_100);
    lock.script = sendAndConfirm;
    const second = await clock.until(end(await core.doors.lock('front', origin())));
    expect(second.settlement?.status).toBe('success');
    expect(clock.now()).toBeLessThan(11_100);
    expect(lock.opened).toBe(2);
    expect(lock.closed).toBe(1);
  });
});

describe('the store', () => {
  it('refuses a command when there is no room, and nothing of it is known afterwards', async () => {
    const { core, clock, origin, lock, store } = await scriptedCore();
    store.failNext();
    await expect(core.doors.unlock('front', origin())).rejects.toMatchObject({ type: 'storage_unavailable' });
    await clock.advance(20_000);
    expect(lock.sent).toHaveLength(0);
    expect(core.attempts.list({ limit: 10 })).toEqual([]);
    await expect(core.doors.unlock('front', origin())).resolves.toBeDefined();
  });

  it('is told the outcome before anybody else', async () => {
    const { core, clock, origin, end, store, commit } = await scriptedCore();
    commit.ms = 300;
    const attempt = await clock.until(core.doors.unlock('front', origin()));
    await clock.advance(290);
    expect(core.attempts.get(attempt.actionAttemptId)?.settlement).toBeUndefined();
    const ended = await clock.until(end(attempt));
    expect(ended.settlement?.status).toBe('success');
    expect(store.read.attempt(attempt.actionAttemptId)?.settlement).toEqual(ended.settlement);
  });

  it('is asked again until a settlement was written', async () => {
    const { core, clock, origin, end, lock, store } = await scriptedCore();
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      store.failNext();
      return { wasConfirmedByDevice: true };
    };
    const attempt = await core.doors.unlock('front', origin());
    await clock.advance(100);
    expect(core.attempts.get(attempt.actionAttemptId)?.settlement).toBeUndefined();
    const ended = await clock.until(end(attempt));
    expect(ended.settlement?.status).toBe('success');
  });
});

describe('stopping', () => {
  it('ends what was not sent, and leaves what was sent to the next start', async () => {
    const { core, clock, origin, lock, store } = await scriptedCore();
    lock.script = sendAndHearNothing;
    const sent = await core.doors.unlock('front', origin());
    const waiting = await core.doors.unlock('front', origin());
    await clock.advance(10);
    await clock.until(core.stop(500));
    expect(store.read.attempt(waiting.actionAttemptId)?.settlement).toMatchObject({
      error: { type: 'gateway_restarted' },
    });
    expect(store.read.attempt(sent.actionAttemptId)?.settlement).toBeUndefined();
    expect(store.read.pendingAttempts().map((attempt) => attempt.actionAttemptId)).toEqual([sent.actionAttemptId]);
    await expect(core.doors.unlock('front', origin())).rejects.toMatchObject({ type: 'storage_unavailable' });
  });
});
