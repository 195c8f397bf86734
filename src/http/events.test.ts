import { describe, expect, test } from 'vitest';
import { frontDoor, gate } from '../../test/kit/gateway/fake-devices.ts';
import { apiKey, httpFixture, keyWith } from '../../test/kit/gateway/http-fixture.ts';
import { Secret } from '../contract/index.ts';

const code = '0197a000-0000-7000-8000-0000000000c1';

function site(options: Parameters<typeof httpFixture>[0] = {}) {
  const fixture = httpFixture(options);
  const { gateway, clock } = fixture;
  const start = clock.wallTime();
  const happen = async (eventType: string, more: Parameters<typeof gateway.happen>[0] | object = {}) => {
    await clock.advance(1_000);
    return gateway.happen({ eventType, deviceId: frontDoor.deviceId, ...more });
  };
  const types = async (query: string) => {
    const { body } = await fixture.call('GET', `/events/list?${query}`);
    return body.events.map(({ event_type }: { event_type: string }) => event_type);
  };
  return { ...fixture, start, happen, types, at: (seconds: number) => new Date(start + seconds * 1_000).toISOString() };
}

describe('/events/list', () => {
  test('chooses by time, type, device and code, oldest first', async () => {
    const { happen, types, at, call } = site();
    await happen('lock.locked');
    await happen('lock.unlocked', { accessCodeId: code, details: { method: 'keycode', slot: 4 } });
    const third = await happen('device.connected', { deviceId: gate.deviceId });
    expect(await types(`since=${at(0)}`)).toEqual(['lock.locked', 'lock.unlocked', 'device.connected']);
    expect(await types(`since=${at(2)}`)).toEqual(['lock.unlocked', 'device.connected']);
    expect(await types(`between=${at(1)}&between=${at(2)}`)).toEqual(['lock.locked', 'lock.unlocked']);
    expect(await types(`since=${at(0)}&limit=1`)).toEqual(['lock.locked']);
    expect(await types(`since=${at(0)}&limit=1&newest_first=true`)).toEqual(['device.connected']);
    expect(await types(`since=${at(0)}&event_type=lock.locked`)).toEqual(['lock.locked']);
    expect(await types(`since=${at(0)}&event_types=lock.locked&event_types=device.connected`)).toHaveLength(2);
    expect(await types(`since=${at(0)}&device_id=${gate.deviceId}`)).toEqual(['device.connected']);
    expect(await types(`since=${at(0)}&device_ids=${gate.deviceId}&device_ids=x`)).toEqual(['device.connected']);
    expect(await types(`since=${at(0)}&access_code_id=${code}`)).toEqual(['lock.unlocked']);
    expect(await types(`event_ids=${third.eventId}`)).toEqual(['device.connected']);
    expect(await types(`since=${at(0)}&limit=1&unstable_offset=2`)).toEqual(['device.connected']);
    expect(await types(`since=${at(0)}&unstable_offset=3`)).toEqual([]);
    expect(await types(`since=${at(0)}&space_id=x`)).toEqual([]);
    expect(await types(`since=${at(0)}&acs_system_ids=x&acs_system_ids=y`)).toEqual([]);
    expect(await types(`since=${at(0)}&connected_account_id=x`)).toEqual([]);
    const posted = await call('POST', '/events/list', { since: at(2), access_code_ids: [code] });
    expect(posted.body.events).toMatchObject([
      {
        event_type: 'lock.unlocked',
        method: 'keycode',
        slot: 4,
        access_code_id: code,
        device_id: frontDoor.deviceId,
        connected_account_id: expect.any(String),
        occurred_at: at(2),
        created_at: at(2),
      },
    ]);
    expect(posted.body.ok).toBe(true);
  });

  test.each([
    ['neither time', ''],
    ['both times', 'since=2026-01-01&between=2026-01-01&between=2026-01-02'],
    ['half a stretch', 'between=2026-01-01'],
    ['no time at all', 'since=yesterday'],
    ['a number for a time', 'since=5'],
  ])('refuses %s', async (_what, query) => {
    const { call } = site();
    const { status, body } = await call('GET', `/events/list?${query}`);
    expect([status, body.error.type]).toEqual([400, 'invalid_input']);
  });

  test('refuses types that do not exist, and repeats nothing that could be a secret', async () => {
    const { call, types } = site();
    const refused = await call('POST', '/events/list', {
      since: '2026-01-01',
      event_types: ['lock.unlockd', '582913', 'device.connected'],
    });
    expect([refused.status, refused.body.error.type]).toEqual([400, 'invalid_event_types']);
    expect(refused.body.error.message).toContain('lock.unlockd');
    expect(refused.body.error.message).not.toContain('582913');
    // Seam's own that have no place here may stand in a list.
    expect(
      await types('since=2026-01-01&event_types=connected_account.connected&event_type=device.doorbell_rang'),
    ).toEqual([]);
  });

  test('shows digits to a key that may see them, and to no other', async () => {
    const onlyRead = 'seam_gw1_read';
    const { gateway, call, happen } = site({
      keys: { [apiKey]: keyWith(['read', 'codes']), [onlyRead]: keyWith(['read'], 'key_2') },
    });
    const { code: made } = await gateway.accessCodes.create(
      { deviceId: frontDoor.deviceId, code: new Secret('582913') },
      { actor: { kind: 'cli', name: 'test' }, receivedAt: 0 },
    );
    await happen('access_code.set_on_device', { accessCodeId: made.accessCodeId });
    await happen('access_code.deleted', { accessCodeId: made.accessCodeId });
    await happen('lock.unlocked', { accessCodeId: made.accessCodeId });
    const all = '/events/list?since=2020-01-01';
    expect((await call('GET', all)).body.events).toMatchObject([
      { code: '582913' },
      { access_code_id: expect.any(String) },
      { code: '582913', access_code_is_managed: true },
    ]);
    const { body } = await call('GET', all, undefined, { authorization: `Bearer ${onlyRead}` });
    expect(body.events[0]).toMatchObject({ code: null });
    expect(body.events[1]).toMatchObject({ code: null });
    expect(body.events[2]).not.toHaveProperty('code');
    gateway.accessCodes.forget(made.accessCodeId);
    expect((await call('GET', all)).body.events[0]).toMatchObject({ code: null });
  });
});

describe('/events/get', () => {
  test('finds one by id, or the newest of a type or a device', async () => {
    const { call, happen } = site();
    const first = await happen('lock.locked');
    const second = await happen('lock.locked');
    const get = async (query: string) => (await call('GET', `/events/get?${query}`)).body;
    expect((await get(`event_id=${first.eventId}`)).event.event_id).toBe(first.eventId);
    expect((await get('event_type=lock.locked')).event.event_id).toBe(second.eventId);
    expect((await get(`device_id=${frontDoor.deviceId}`)).event.event_id).toBe(second.eventId);
    expect((await get('event_id=none')).error.type).toBe('event_not_found');
    expect((await get('event_type=lock.unlocked')).error.type).toBe('event_not_found');
    expect((await get('')).error.type).toBe('invalid_input');
    expect((await get('event_type=lock.bent')).error.type).toBe('invalid_event_types');
  });
});
