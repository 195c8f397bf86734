import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sleep } from '../../../src/contract/index.ts';
import { type ZigbeeLockFixture, zigbeeLock } from '../../../test/kit/locks/zigbee2mqtt-fixture.ts';

let f: ZigbeeLockFixture;

beforeEach(async () => {
  f = await zigbeeLock();
});

const error = (type: string, delivery?: string) => ({
  error: expect.objectContaining(delivery === undefined ? { type } : { type, delivery }),
});

describe('a healthy lock', () => {
  it('is done when its bolt was seen, after one command', async () => {
    expect(await f.door('unlock')).toMatchObject({ confirmed: true, tookMs: 864 });
    expect(await f.door('lock')).toMatchObject({ confirmed: true });
    expect(f.lock.movements.map(({ to }) => to)).toEqual(['unlocked', 'locked']);
    expect(f.lock.doorCommands).toHaveLength(2);
  });

  it('confirms a repetition by its operation event', async () => {
    await f.door('unlock');
    await f.clock.advance(15_000);
    expect(await f.door('unlock')).toMatchObject({ confirmed: true, tookMs: 874 });
  });

  it('does not confirm a repetition so soon that the event may be the first one’s, told again', async () => {
    await f.door('unlock');
    await f.clock.advance(4_000);
    expect(await f.door('unlock')).toMatchObject({ confirmed: false });
  });

  it('finds by reading that a repetition left it as it was, and does not call that confirmed', async () => {
    f.lock.misbehave({ sendsNoActions: true });
    await f.door('unlock');
    await f.clock.advance(5_000);
    const { tookMs, ...rest } = await f.door('unlock');
    expect(rest).toMatchObject({ confirmed: false });
    expect(tookMs).toBeLessThan(5_000);
  });
});

describe('the truth, however the lock behaves', () => {
  it('a silent refusal of LOCK is told while there is time to try again', async () => {
    await f.door('unlock');
    f.lock.misbehave({ refusesSilently: true });
    const outcome = await f.door('lock');
    expect(outcome).toMatchObject(error('state_not_reached', 'maybe_sent'));
    expect(outcome.tookMs).toBeLessThan(5_000);
  });

  it('a silent refusal of UNLOCK is told near the deadline only', async () => {
    f.lock.misbehave({ refusesSilently: true });
    const outcome = await f.door('unlock');
    expect(outcome).toMatchObject(error('state_not_reached', 'maybe_sent'));
    expect(outcome.tookMs).toBe(8_800);
    expect(f.link.sent.filter(({ kind, topic }) => kind === 'query' && topic.endsWith('/get')).length).toBeLessThan(8);
  });

  it.each(['lock', 'unlock'] as const)('a jam on %s is a jam, whatever `state` says', async (action) => {
    if (action === 'lock') await f.door('unlock');
    f.lock.misbehave({ jams: true });
    const outcome = await f.door(action);
    expect(outcome).toMatchObject(error('lock_jammed', 'acted'));
    expect(outcome.tookMs).toBeLessThan(3_500);
  });

  it('a lock that was jammed before and stays so is jammed', async () => {
    f.lock.misbehave({ jams: true });
    await f.door('unlock');
    await f.clock.advance(10_000);
    expect(await f.door('lock')).toMatchObject(error('lock_jammed'));
  });

  it('half way on the way is no jam', async () => {
    f.lock.misbehave({ reportsHalfWay: true });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true, tookMs: 864 });
  });

  it('a late report is waited for', async () => {
    f.lock.misbehave({ reportsLateMs: 6_000, ignoresReads: true });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true, tookMs: 6_864 });
  });

  it('a lock that never reports is read', async () => {
    f.lock.misbehave({ neverReports: true });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true, tookMs: 3_154 });
  });

  it('nobody can know of a lock that says nothing at all', async () => {
    f.lock.misbehave({ neverReports: true, ignoresReads: true });
    const outcome = await f.door('unlock');
    expect(outcome).toMatchObject(error('outcome_unknown', 'maybe_sent'));
    expect(outcome.tookMs).toBeLessThan(9_000);
  });

  it('an UNLOCK that the lock obeys after the deadline is not called done, nor undone for good', async () => {
    f.lock.misbehave({ actsLateMs: 12_000 });
    expect(await f.door('unlock')).toMatchObject(error('state_not_reached', 'maybe_sent'));
    await f.clock.advance(20_000);
    expect(f.lock.bolt).toBe('unlocked');
    expect(f.reports.at(-1)).toMatchObject({ kind: 'lock_operated', operation: 'unlocked', method: 'remote' });
  });

  it.each([{ relocksAfterMs: 200 }, { relocksAfterMs: 200, hidesUnlock: true }])(
    'a lock that relocks itself at once was unlocked: %o',
    async (misbehaviour) => {
      f.lock.misbehave(misbehaviour);
      expect(await f.door('unlock')).toMatchObject({ confirmed: true });
      await f.clock.advance(1_000);
      expect(f.lock.bolt).toBe('locked');
    },
  );

  it('a relock that nobody saw is never called done', async () => {
    f.lock.misbehave({ relocksAfterMs: 200, hidesUnlock: true, hidesRelock: true });
    expect(await f.door('unlock')).toMatchObject(error('state_not_reached', 'maybe_sent'));
    expect(f.lock.doorCommands).toHaveLength(1);
  });

  it('its own earlier relock is no sign of an UNLOCK', async () => {
    await f.door('unlock');
    f.lock.misbehave({ refusesSilently: true });
    f.lock.turnByHand('locked');
    f.simulator.bridge.update('Front Door', {}, { action: 'auto_lock', action_source_name: 'manual' });
    await f.clock.advance(2);
    const waiting = f.door('unlock');
    f.simulator.bridge.update('Front Door', {}, { action: 'auto_lock', action_source_name: 'manual' });
    expect(await waiting).toMatchObject(error('state_not_reached'));
  });

  it.each([{ batteryReportsAlike: false }, { batteryReportsAlike: true }])(
    'a battery report with the old cached state is no evidence either way: %o',
    async (alike) => {
      f.lock.misbehave({ ...alike, batteryReportsAfterMs: [5, 140, 155], neverReports: true });
      expect(await f.door('unlock')).toMatchObject({ confirmed: true });
      f.lock.misbehave({ refusesSilently: true });
      expect(await f.door('lock')).toMatchObject(error('state_not_reached'));
      expect(f.lock.bolt).toBe('unlocked');
    },
  );

  it('of a state that was so before, and of which nothing is heard but the cache, nobody can know', async () => {
    f.lock.misbehave({ refusesSilently: true, ignoresReads: true, batteryReportsAfterMs: [50, 400] });
    expect(await f.door('lock')).toMatchObject(error('outcome_unknown'));
  });

  it('a matching state wins over a later error', async () => {
    f.lock.misbehave({ commandError: { afterMs: 400, reason: "Error: Delivery failed for '12345'" } });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
  });

  it('an error that is borne out by the reads says that the lock is offline', async () => {
    const lost = { afterMs: 300, reason: "Error: Data request failed with error: 'MAC_NO_ACK' (0xe9)" };
    f.lock.misbehave({ refusesSilently: true, commandError: lost, readError: lost });
    expect(await f.door('unlock')).toMatchObject(error('device_offline', 'maybe_sent'));
  });
});

describe('before anything leaves', () => {
  it.each([
    ['the broker is away', () => f.link.cut(), 'link_unavailable'],
    ['the bridge is away', () => f.simulator.bridge.stop(), 'link_unavailable'],
  ])('%s: told at once', async (_, interrupt, type) => {
    interrupt();
    await f.clock.advance(10);
    const outcome = await f.door('unlock');
    expect(outcome).toMatchObject({ ...error(type, 'not_sent'), tookMs: 0 });
    expect(outcome.permits).toEqual([]);
  });

  it('a way that breaks while the intent is written sends nothing', async () => {
    const waiting = f.door('unlock', { commitMs: 50 });
    f.link.cut();
    expect(await waiting).toMatchObject(error('link_unavailable', 'not_sent'));
    expect(f.lock.doorCommands).toEqual([]);
  });

  it('nobody on the topic means that nothing was sent', async () => {
    const alone = await zigbeeLock({ availability: false });
    alone.simulator.bridge.stop();
    await alone.clock.advance(10);
    alone.broker.route('zigbee2mqtt/bridge/state', Buffer.from('{"state":"online"}'), { retain: true });
    await alone.clock.advance(10);
    const outcome = await alone.door('unlock');
    expect(outcome).toMatchObject(error('link_unavailable', 'not_sent'));
    expect(outcome.permits[0]?.withdrawn).toBe(true);
  });

  it('a bridge that knows no such device says so', async () => {
    const wrong = await zigbeeLock({ settings: { friendly_name: 'Back Door' } });
    expect(await wrong.door('unlock')).toMatchObject({ ...error('misconfigured', 'not_sent'), permits: [] });
    expect(wrong.reports).toContainEqual({
      kind: 'health',
      health: expect.objectContaining({ status: 'misconfigured', reason: 'wrong_settings' }),
    });
  });
});

describe('a way that breaks after the command left', () => {
  it.each([
    ['arrives', true],
    ['lost', false],
  ] as const)('the command %s: the lock is read when the way is open again', async (onTheWay, moved) => {
    const waiting = f.door('unlock');
    await f.clock.settle();
    f.link.cut({ onTheWay });
    await f.clock.advance(2_000);
    f.link.restore();
    const outcome = await waiting;
    // What the bridge knew before is not what it knows now: that the bolt stands as asked proves no movement.
    expect(outcome).toMatchObject(moved ? { confirmed: false } : error('state_not_reached', 'maybe_sent'));
    expect(f.lock.doorCommands).toHaveLength(moved ? 1 : 0);
  });

  it('and stays broken: nobody can know', async () => {
    const waiting = f.door('unlock');
    await f.clock.settle();
    f.link.cut({ onTheWay: 'arrives' });
    expect(await waiting).toMatchObject(error('outcome_unknown', 'maybe_sent'));
  });

  it('a lost acknowledgement is no reason to doubt what is seen, once it is given up', async () => {
    f.link.loseAcknowledgements();
    expect(await f.door('unlock')).toMatchObject({ confirmed: true, tookMs: 1_000 });
    await f.clock.advance(20_000);
    expect(f.lock.doorCommands).toHaveLength(1);
  });

  it('an acknowledgement that is told late counts from when it was read', async () => {
    const command = f.link.command.bind(f.link);
    vi.spyOn(f.link, 'command').mockImplementation(async (...sent) => {
      const at = await command(...sent);
      await sleep(f.clock, 900);
      return at;
    });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true, tookMs: 902 });
  });

  it('a black hole ends without a claim', async () => {
    f.link.blackHole();
    expect(await f.door('unlock')).toMatchObject(error('outcome_unknown', 'maybe_sent'));
    expect(f.lock.doorCommands).toEqual([]);
  });

  it('a bridge that restarts with an old cache is not believed', async () => {
    f.lock.misbehave({ refusesSilently: true });
    const waiting = f.door('unlock');
    await f.clock.advance(500);
    f.simulator.bridge.stop();
    f.simulator.bridge.setCache('Front Door', { state: 'UNLOCK', lock_state: 'unlocked' });
    await f.clock.advance(500);
    f.simulator.bridge.start();
    expect(await waiting).toMatchObject(error('state_not_reached'));
  });
});
