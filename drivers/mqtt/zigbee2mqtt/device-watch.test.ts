import { describe, expect, it } from 'vitest';
import type { DeviceReport, Health } from '../../../src/contract/index.ts';
import { type ZigbeeLockFixture, zigbeeLock } from '../../../test/kit/locks/zigbee2mqtt-fixture.ts';

const healths = (f: ZigbeeLockFixture): Health[] =>
  f.reports.flatMap((report) => (report.kind === 'health' ? [report.health] : []));
const of = (f: ZigbeeLockFixture, kind: DeviceReport['kind']) => f.reports.filter((report) => report.kind === kind);

describe('health', () => {
  it('waits for word, then is online, and is told once', async () => {
    const f = await zigbeeLock();
    expect(healths(f).map(({ status }) => status)).toEqual(['not_ready', 'online']);
  });

  it('follows link, bridge and lock, each with its own reason', async () => {
    const f = await zigbeeLock();
    const steps: [() => void, Partial<Health>][] = [
      [() => f.lock.goOffline(), { status: 'offline', reason: 'not_answering' }],
      [() => f.lock.comeOnline(), { status: 'online' }],
      [() => f.simulator.bridge.stop(), { status: 'offline', reason: 'bridge_down' }],
      [() => f.simulator.bridge.start(), { status: 'online' }],
      [() => f.link.cut(), { status: 'offline', reason: 'link_down' }],
    ];
    for (const [step, expected] of steps) {
      step();
      await f.clock.advance(10);
      expect(healths(f).at(-1)).toMatchObject(expected);
    }
    f.link.restore();
    await f.clock.advance(10);
    expect(healths(f).slice(-2)).toMatchObject([{ status: 'not_ready' }, { status: 'online' }]);
  });

  it('a bridge that never says anything is not there, and the hint names its base topic', async () => {
    const f = await zigbeeLock({ settings: { base_topic: 'z2m' }, settleMs: 6_000 });
    expect(healths(f).at(-1)).toMatchObject({ status: 'offline', hint: expect.stringContaining('"z2m"') });
  });

  it('needs no availability: most bridges do not watch it', async () => {
    const f = await zigbeeLock({ availability: false });
    expect(healths(f).at(-1)).toEqual({ status: 'online' });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
  });
});

describe('what a lock tells of itself', () => {
  it('its state is asked for at the start, and again when it comes back', async () => {
    const f = await zigbeeLock();
    const asked = () => f.link.sent.filter(({ topic }) => topic === 'zigbee2mqtt/Front Door/get').length;
    expect(asked()).toBe(1);
    expect(of(f, 'lock_state')).toEqual([{ kind: 'lock_state', state: 'locked' }]);
    f.lock.goOffline();
    await f.clock.advance(1_000);
    f.lock.comeOnline();
    await f.clock.advance(1_000);
    expect(asked()).toBe(2);
  });

  it('who operated it, and how', async () => {
    const f = await zigbeeLock();
    f.lock.keypad.codes.set(4, '2468');
    f.lock.typePin('2468');
    await f.clock.advance(50);
    f.lock.turnByHand('locked');
    await f.clock.advance(50);
    f.lock.typePin('1111');
    await f.clock.advance(50);
    await f.door('unlock');
    await f.clock.advance(50);
    expect(of(f, 'lock_operated')).toEqual([
      { kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 4 },
      { kind: 'lock_operated', operation: 'locked', method: 'manual' },
      { kind: 'lock_operated', operation: 'access_denied', method: 'keycode', denial: 'unknown_code' },
      { kind: 'lock_operated', operation: 'unlocked', method: 'remote' },
    ]);
    expect(of(f, 'lock_state').map((report) => 'state' in report && report.state)).toEqual([
      'locked',
      'unlocked',
      'locked',
      'unlocked',
    ]);
  });

  it('a jam, a battery, and a code that somebody put in at the keypad', async () => {
    const f = await zigbeeLock();
    f.lock.reportBattery(12);
    f.lock.keypad.programAtKeypad(7, '1234');
    f.lock.misbehave({ jams: true });
    await f.door('unlock');
    expect(of(f, 'battery').at(-1)).toEqual({ kind: 'battery', level: 0.12, low: true });
    expect(of(f, 'code_slot')).toEqual([{ kind: 'code_slot', slot: 7, occupied: true }]);
    expect(of(f, 'lock_state').at(-1)).toEqual({ kind: 'lock_state', state: 'jammed' });
  });

  it('garbage on its topics changes nothing', async () => {
    const f = await zigbeeLock();
    const before = f.reports.length;
    for (const topic of ['Front Door', 'Front Door/availability', 'bridge/state', 'bridge/logging'])
      for (const payload of ['', '{', '[]', 'null', '"x"', '{"state":7,"lock_state":[],"action":{}}', '\u0000'])
        f.simulator.bridge.publishRaw(topic, payload);
    await f.clock.advance(100);
    expect(f.reports.slice(before).filter(({ kind }) => kind !== 'heard')).toEqual([]);
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
  });

  it('a command that somebody left retained is cleared and never ours', async () => {
    const f = await zigbeeLock();
    f.simulator.bridge.publishRaw('Front Door/set', '{"state":"UNLOCK"}', true);
    f.simulator.bridge.publishRaw('Front Door/set/state', 'UNLOCK', true);
    await f.clock.advance(10);
    f.link.cut();
    f.link.restore();
    expect(f.link.cleared).toEqual(['zigbee2mqtt/Front Door/set', 'zigbee2mqtt/Front Door/set/state']);
    expect(f.broker.retainedTopics.filter((topic) => topic.includes('/set'))).toEqual([]);
  });

  it('one that is left while the bridge runs is carried out once, and not again when the bridge comes back', async () => {
    const f = await zigbeeLock();
    f.broker.peer().publish('zigbee2mqtt/Front Door/set', '{"state":"UNLOCK"}', { retain: true });
    await f.clock.advance(1_000);
    expect(f.lock.doorCommands).toHaveLength(1);
    f.simulator.bridge.stop();
    await f.clock.advance(1_000);
    f.simulator.bridge.start();
    await f.clock.advance(1_000);
    expect(f.lock.doorCommands).toHaveLength(1);
  });
});

describe('a read', () => {
  async function read(f: ZigbeeLockFixture) {
    const command = f.command();
    const reading = await f.clock.until(
      (f.device.lock?.read?.(command.ctx) ?? Promise.reject(new Error('no lock'))).catch((error: unknown) => error),
    );
    command.end();
    return reading;
  }

  it('is not answered from the cache', async () => {
    const f = await zigbeeLock();
    f.link.cut();
    // What the bridge came to believe while nobody listened, and is wrong about.
    f.simulator.bridge.setCache('Front Door', { state: 'UNLOCK', lock_state: 'unlocked' });
    f.link.restore();
    await f.clock.advance(5);
    f.lock.misbehave({ batteryReportsAfterMs: [5, 100] });
    expect(await read(f)).toEqual({ state: 'locked' });
  });

  it('is sure of an unchanged state after two answers', async () => {
    const f = await zigbeeLock();
    const asked = f.link.sent.length;
    expect(await read(f)).toEqual({ state: 'locked' });
    expect(f.link.sent.length - asked).toBe(2);
  });

  it('says jammed', async () => {
    const f = await zigbeeLock();
    f.lock.misbehave({ jams: true });
    await f.door('unlock');
    expect(await read(f)).toEqual({ state: 'jammed' });
  });

  it('of a lock that is away fails at once, of a silent one when it is given up', async () => {
    const f = await zigbeeLock();
    f.lock.misbehave({ ignoresReads: true });
    expect(await read(f)).toMatchObject({ type: 'expired' });
    f.lock.goOffline();
    await f.clock.advance(10);
    expect(await read(f)).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
  });
});
