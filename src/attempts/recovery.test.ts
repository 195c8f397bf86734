import { describe, expect, it } from 'vitest';
import { scriptedCore } from '../../test/kit/gateway/core-fixture.ts';
import { type Script, sendAndHearNothing, untilAborted } from '../../test/kit/locks/scripted-lock.ts';
import { GatewayError, type LockReading } from '../contract/index.ts';

/** Runs one command until `script` waits, kills the process there, and starts again on what was on disk. */
async function killedDuring(
  action: 'lock' | 'unlock',
  script: Script,
  reading: () => Promise<LockReading>,
  unlockActsOn: 'bolt' | 'latch' = 'bolt',
) {
  const first = await scriptedCore();
  first.lock.script = script;
  const attempt = await first.core.doors[action]('front', first.origin());
  await first.clock.advance(50);
  const store = first.store.crash();
  const second = await scriptedCore({ clock: first.clock, store });
  second.lock.reading = reading;
  second.lock.unlockActsOn = unlockActsOn;
  return { attempt, first, second };
}

describe('after a restart', () => {
  it('a command without an intent ends as not sent, and is never sent', async () => {
    const first = await scriptedCore();
    first.lock.linkState = { status: 'down', reason: 'test', hint: '' };
    first.lock.script = untilAborted;
    const attempt = await first.core.doors.unlock('front', first.origin());
    const second = await scriptedCore({ clock: first.clock, store: first.store.crash() });
    const ended = await second.clock.until(second.end(attempt));
    expect(ended.settlement).toMatchObject({ error: { type: 'gateway_restarted' } });
    await second.clock.advance(60_000);
    expect(second.lock.sent).toHaveLength(0);
  });

  it.each([
    ['unlock', 'unlocked', { status: 'success', result: { was_confirmed_by_device: false } }],
    ['unlock', 'locked', { error: { type: 'outcome_unknown' } }],
    ['unlock', 'jammed', { error: { type: 'lock_jammed' } }],
    ['lock', 'locked', { status: 'success', result: { was_confirmed_by_device: false } }],
    ['lock', 'unlocked', { error: { type: 'state_not_reached' } }],
  ] as const)('a sent %s whose lock now says %s ends truthfully and is not sent again', async (action, state, end) => {
    const { attempt, second } = await killedDuring(action, sendAndHearNothing, async () => ({ state }));
    const ended = await second.clock.until(second.end(attempt));
    expect(ended.settlement).toMatchObject(end);
    await second.clock.advance(60_000);
    expect(second.lock.sent).toHaveLength(0);
  });

  it.each([
    ['unlock', 'unlocked', 'latch', { error: { type: 'outcome_unknown' } }],
    ['lock', 'locked', 'latch', { status: 'success' }],
    ['unlock', 'unlocked', 'bolt', { status: 'success' }],
  ] as const)('%s that ends %s on a lock whose unlocking acts on the %s', async (action, state, actsOn, end) => {
    const { attempt, second } = await killedDuring(action, sendAndHearNothing, async () => ({ state }), actsOn);
    const ended = await second.clock.until(second.end(attempt));
    expect(ended.settlement).toMatchObject(end);
    await second.clock.advance(60_000);
    expect(second.lock.sent).toHaveLength(0);
  });

  it('a lock that refuses to be read has said nothing of the command before', async () => {
    const { attempt, second } = await killedDuring('unlock', sendAndHearNothing, async () => {
      throw new GatewayError('authentication_failed', 'Front does not know this gateway any more. Pair it again.');
    });
    const { settlement } = await second.clock.until(second.end(attempt));
    expect(settlement).toMatchObject({ error: { type: 'outcome_unknown' } });
    expect(settlement?.status === 'error' && settlement.error.message).toContain('Pair it again');
  });

  it('a lock that cannot tell yet is asked again until it can', async () => {
    let asked = 0;
    const { attempt, second } = await killedDuring('unlock', sendAndHearNothing, async () => ({
      state: ++asked < 3 ? 'unknown' : 'unlocked',
    }));
    const ended = await second.clock.until(second.end(attempt));
    expect(ended.settlement?.status).toBe('success');
    expect(asked).toBe(3);
  });

  it('a lock that never answers leaves the outcome unknown 15 s after the start', async () => {
    const { attempt, second } = await killedDuring('unlock', sendAndHearNothing, () => new Promise(() => {}));
    const startedAt = second.clock.now();
    const ended = await second.clock.until(second.end(attempt));
    expect(ended.settlement).toMatchObject({ error: { type: 'outcome_unknown' } });
    expect(second.clock.now() - startedAt).toBeLessThanOrEqual(15_010);
  });

  it('a new command goes before nothing: it waits until the old one was read back', async () => {
    const { attempt, second } = await killedDuring('unlock', sendAndHearNothing, async () => {
      expect(second.lock.sent).toHaveLength(0);
      return { state: 'unlocked' };
    });
    const next = await second.core.doors.lock('front', second.origin());
    await second.clock.until(Promise.all([second.end(attempt), second.end(next)]));
    expect(second.lock.sent.map(({ action }) => action)).toEqual(['lock']);
  });

  it('what was acknowledged is there, in order, and numbers go on', async () => {
    const { attempt, second } = await killedDuring('unlock', sendAndHearNothing, async () => ({ state: 'unlocked' }));
    await second.clock.until(second.end(attempt));
    const next = await second.core.doors.lock('front', second.origin());
    expect(next.seq).toBeGreaterThan(attempt.seq);
    expect(second.core.attempts.list({ limit: 10 }).map((each) => each.actionAttemptId)).toEqual([
      next.actionAttemptId,
      attempt.actionAttemptId,
    ]);
  });
});
