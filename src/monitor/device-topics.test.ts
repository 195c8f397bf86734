import { describe, expect, it } from 'vitest';
import { base, manner, monitorFixture } from '../../test/kit/gateway/monitor-fixture.ts';
import { type Ratio, Secret } from '../contract/index.ts';

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
    const events = core.events.list({ limit: 50, deviceIds: ['front'] });
    const messages = publisher.on(`${base}/devices/front/events`);
    expect(messages.map(({ payload }) => JSON.parse(payload).event_id)).toEqual(events.map(({ eventId }) => eventId));
    expect(publisher.json(`${base}/devices/front/events`).map(({ event_type }) => event_type)).toEqual([
      'device.added',
      'device.connected',
      'access_code.created',
      'access_code.set_on_device',
      'lock.unlocked',
      'lock.unlocked',
      'lock.access_denied',
      'strikeplate.lock.jammed',
      'device.tampered',
      'device.low_battery',
      'strikeplate.lock.code_slot_changed',
    ]);
    const opened = messages[4]?.payload ?? '';
    expect(JSON.parse(opened)).toMatchObject({
      method: 'keycode',
      slot,
      access_code_id: code.accessCodeId,
      device_id: 'front',
      occurred_at: '2026-05-01T10:00:01.000Z',
    });
    expect(messages.map(manner)).toEqual(Array(11).fill([1, false, 600, 'application/json']));
    expect(messages.map(({ payload }) => payload).join()).not.toContain('5829');
  });
});
