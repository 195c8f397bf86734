import { describe, expect, it } from 'vitest';
import { FakeGateway, frontDoor } from '../../test/kit/fake-gateway.ts';
import { base, manner, monitorFixture } from '../../test/kit/monitor-fixture.ts';
import { SimulatedClock } from '../../test/kit/simulated-clock.ts';
import { type Health, type Ratio, Secret } from '../contract/index.ts';
import { DeviceEvents } from './device-events.ts';

describe('a device', () => {
  it('tells its state when it changes, with the time of the change', async () => {
    const { publisher, lock, clock } = await monitorFixture();
    publisher.connect();
    lock.report({ kind: 'battery', level: 0.81 as Ratio, low: false });
    lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'remote' });
    lock.report({ kind: 'lock_state', state: 'unlocked' });
    await clock.advance(5);
    for (let repeat = 0; repeat < 10; repeat++) {
      await clock.advance(1_000);
      lock.report({ kind: 'lock_state', state: 'unlocked' });
    }
    const state = publisher.on(`${base}/devices/front/state`);
    expect(state.map(({ payload }) => payload)).toEqual([
      '{"locked":false,"state":"unlocked","battery":0.81,"battery_low":false,"changed_by":"remote",' +
        '"ts":"2026-05-01T10:00:00.005Z"}',
    ]);
    expect(state.map(manner)).toEqual([[1, true, undefined, 'application/json']]);
    publisher.disconnect();
    publisher.connect();
    await clock.advance(5);
    expect(publisher.json(`${base}/devices/front/state`).at(-1)).toMatchObject({ ts: '2026-05-01T10:00:00.005Z' });
  });

  it('says "unknown", never null, for what is not known', async () => {
    const { publisher, lock, told } = await monitorFixture();
    publisher.connect();
    await told();
    lock.report({ kind: 'battery', level: undefined, low: true });
    lock.report({ kind: 'door', contact: 'open' });
    lock.report({ kind: 'door', contact: 'unknown' });
    lock.report({ kind: 'lock_state', state: 'jammed' });
    await told();
    const states = publisher.json(`${base}/devices/front/state`);
    expect(states[0]).toEqual({ locked: 'unknown', state: 'unknown', changed_by: 'unknown', ts: expect.any(String) });
    expect(states[1]).toEqual({
      locked: 'unknown',
      state: 'jammed',
      battery: 'unknown',
      battery_low: true,
      changed_by: 'unknown',
      // It showed a contact a moment ago, so it has one.
      door: 'unknown',
      ts: expect.any(String),
    });
  });

  it('is available while it is online', async () => {
    const { publisher, lock, told } = await monitorFixture();
    publisher.connect();
    await told();
    lock.report({ kind: 'health', health: { status: 'offline', reason: 'not_answering', hint: 'Look at it.' } });
    await told();
    lock.report({ kind: 'health', health: { status: 'not_ready', reason: 'asleep', hint: 'Wake it.' } });
    await told();
    lock.report({ kind: 'health', health: { status: 'online' } });
    await told();
    const availability = publisher.on(`${base}/devices/front/availability`);
    expect(availability.map(({ payload }) => payload)).toEqual(['online', 'offline', 'online']);
    expect(availability.map(manner)).toEqual(Array(3).fill([1, true, undefined, 'text/plain']));
    expect(publisher.json(`${base}/devices/front/events`)).toMatchObject([
      { event: 'offline', reason: 'not_answering', hint: 'Look at it.' },
      { event: 'offline', reason: 'asleep', hint: 'Wake it.' },
      { event: 'online' },
    ]);
  });

  it('has no events of how the run began', () => {
    const opening: Health = { status: 'not_ready', reason: 'opening', hint: 'Wait.' };
    const away: Health = { status: 'offline', reason: 'link_down', hint: 'Wait.' };
    const events = new DeviceEvents(
      { ...frontDoor, health: opening },
      new FakeGateway(new SimulatedClock()).accessCodes,
    );
    const heard = [away, opening, { status: 'online' } as const, away, away, opening].map((health) =>
      events.heard({ kind: 'health', health }),
    );
    expect(heard.map((event) => event?.reason ?? event?.event)).toEqual([
      undefined,
      undefined,
      undefined,
      'link_down',
      undefined,
      'opening',
    ]);
  });

  it('tells what happened to it, and whose code it was', async () => {
    const { core, publisher, lock, origin, clock, told } = await monitorFixture();
    publisher.connect();
    const { code } = await core.accessCodes.create({ deviceId: 'front', code: new Secret('5829') }, origin());
    await clock.advance(1_000);
    const slot = core.accessCodes.get(code.accessCodeId)?.placements[0]?.slot;
    if (slot === undefined) throw new Error('the code has no slot');
    lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot });
    lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 99 });
    lock.report({ kind: 'lock_operated', operation: 'access_denied', method: 'keycode' });
    lock.report({ kind: 'lock_state', state: 'jammed' });
    lock.report({ kind: 'lock_operated', operation: 'jammed', method: 'remote' });
    lock.report({ kind: 'lock_state', state: 'jammed' });
    lock.report({ kind: 'tamper' });
    lock.report({ kind: 'battery', level: 0.1 as Ratio, low: true });
    lock.report({ kind: 'battery', level: 0.1 as Ratio, low: true });
    lock.report({ kind: 'code_slot', slot: 7, occupied: true });
    await told();
    const ts = '2026-05-01T10:00:01.000Z';
    expect(publisher.json(`${base}/devices/front/events`)).toEqual([
      { event: 'unlocked', method: 'keycode', slot, access_code_id: code.accessCodeId, ts },
      { event: 'unlocked', method: 'keycode', slot: 99, ts },
      { event: 'access_denied', method: 'keycode', ts },
      { event: 'jammed', ts },
      { event: 'tamper', ts },
      { event: 'battery_low', battery: 0.1, ts },
      { event: 'code_slot_changed', slot: 7, occupied: true, ts },
    ]);
    expect(publisher.on(`${base}/devices/front/events`).map(manner)).toEqual(
      Array(7).fill([1, false, 600, 'application/json']),
    );
  });

  it('tells a jam again once it was free in between', async () => {
    const { publisher, lock, told } = await monitorFixture();
    publisher.connect();
    for (const state of ['jammed', 'unknown', 'jammed', 'locked', 'jammed'] as const)
      lock.report({ kind: 'lock_state', state });
    await told();
    expect(publisher.json(`${base}/devices/front/events`).map(({ event }) => event)).toEqual(['jammed', 'jammed']);
  });
});
