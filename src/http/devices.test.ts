import { describe, expect, test } from 'vitest';
import { frontDoor, gate, hall } from '../../test/kit/gateway/fake-devices.ts';
import { httpFixture, keyWith } from '../../test/kit/gateway/http-fixture.ts';

const { deviceId: device_id } = frontDoor;
const ids = (devices: readonly { readonly device_id: string }[]) => devices.map((device) => device.device_id);

describe('a device', () => {
  test('is given a name and metadata, under every method, and found by them', async () => {
    const { call } = httpFixture();
    const changes = [
      ['PATCH', { name: 'Side door', custom_metadata: { room: '12', vip: true } }],
      ['PUT', { properties: { name: 'Back door' } }],
      ['POST', { custom_metadata: { floor: '2', vip: null } }],
    ] as const;
    for (const [method, change] of changes)
      expect(await call(method, '/devices/update', { device_id, ...change })).toMatchObject({
        status: 200,
        body: { ok: true },
      });
    const { device } = (await call('GET', '/devices/get?name=Back%20door')).body;
    expect(device).toMatchObject({
      device_id,
      display_name: 'Back door',
      properties: { name: 'Back door' },
      custom_metadata: { room: '12', floor: '2' },
    });
    const list = async (query: string) => ids((await call('GET', `/devices/list?${query}`)).body.devices);
    expect(await list('custom_metadata_has.room=12&_strict=true')).toEqual([device_id]);
    expect(await list('custom_metadata_has.room=12&custom_metadata_has.floor=3')).toEqual([]);
    const body = { custom_metadata_has: { room: '12' } };
    expect(ids((await call('POST', '/devices/list', body)).body.devices)).toEqual([device_id]);
    expect(ids((await call('POST', '/locks/list', body)).body.locks)).toEqual([device_id]);
    await call('PATCH', '/devices/update', { device_id, name: null, custom_metadata: { vip: true } });
    expect(await list('custom_metadata_has.vip=true')).toEqual([device_id]);
  });

  test.each([
    [{ name: '' }, /name/],
    [{ name: 'x'.repeat(101) }, /name/],
    [{ name: 'Front\ndoor' }, /name: Give one line without control characters/],
    [{ custom_metadata: { 'a.b': 'x' } }, /custom_metadata/],
    [{ custom_metadata: { ['k'.repeat(41)]: 'x' } }, /custom_metadata/],
    [{ custom_metadata: { room: 12 } }, /custom_metadata.room: Give text, at most 500 characters, true, false or null/],
    [{ custom_metadata: { room: 'x'.repeat(501) } }, /custom_metadata/],
    [{ nickname: 'x' }, /nickname/],
  ])('is not changed: %j', async (change, message) => {
    const { call } = httpFixture();
    const { status, body } = await call('PATCH', '/devices/update', { device_id, ...change });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ type: 'invalid_input', message: expect.stringMatching(message) });
  });

  test('that is set aside is listed apart, and takes no commands', async () => {
    const { gateway, call } = httpFixture();
    await call('PATCH', '/devices/update', { device_id, is_managed: false });
    expect(ids((await call('GET', '/devices/list')).body.devices)).toEqual([gate.deviceId, hall.deviceId]);
    expect(ids((await call('GET', '/locks/list')).body.locks)).toEqual([gate.deviceId]);
    const { devices, pagination } = (await call('GET', '/devices/unmanaged/list')).body;
    expect(devices).toMatchObject([{ device_id, is_managed: false }]);
    expect(pagination.next_page_cursor).toBeNull();
    expect((await call('GET', `/devices/unmanaged/get?device_id=${device_id}`)).body.device.is_managed).toBe(false);
    for (const [path, body] of [
      ['/locks/unlock_door', { device_id }],
      ['/access_codes/create', { device_id }],
      ['/devices/get', { device_id }],
      ['/devices/update', { device_id, name: 'x' }],
      ['/devices/unmanaged/get', { device_id: gate.deviceId }],
      ['/devices/unmanaged/update', { device_id: gate.deviceId }],
    ] as const)
      expect([path, await call('POST', path, body)]).toMatchObject([
        path,
        { status: 404, body: { error: { type: 'device_not_found' } } },
      ]);
    expect(gateway.accepted).toEqual([]);
    await call('PATCH', '/devices/unmanaged/update', { device_id, is_managed: true });
    expect((await call('POST', '/locks/unlock_door', { device_id })).status).toBe(200);
  });

  test('keeps backup codes or not, where it takes codes', async () => {
    const { call } = httpFixture();
    const pool = async () => {
      const { properties } = (await call('GET', `/devices/get?device_id=${device_id}`)).body.device;
      return properties.backup_access_code_pool_enabled;
    };
    expect(await pool()).toBe(true);
    for (const backup_access_code_pool_enabled of [false, true]) {
      await call('PATCH', '/devices/update', { device_id, backup_access_code_pool_enabled });
      expect(await pool()).toBe(backup_access_code_pool_enabled);
    }
    const refused = await call('PATCH', '/devices/update', {
      device_id: gate.deviceId,
      backup_access_code_pool_enabled: true,
    });
    expect(refused).toMatchObject({ status: 400, body: { error: { type: 'unsupported_action' } } });
  });

  test('is taken out of service and put back, and shows who did it', async () => {
    const { call, clock } = httpFixture();
    const taken = await call('POST', '/devices/take_out_of_service', { device_id, reason: 'New cylinder' });
    expect(taken.body.device).toMatchObject({
      warnings: [
        {
          warning_code: 'out_of_service',
          message:
            'Front door was taken out of service by test key_1 (New cylinder): commands are refused until it is put back.',
          created_at: new Date(clock.wallTime()).toISOString(),
        },
      ],
      can_remotely_unlock: true,
      properties: {
        strikeplate_metadata: {
          out_of_service: true,
          out_of_service_by: 'test key_1',
          out_of_service_reason: 'New cylinder',
        },
      },
    });
    const back = await call('POST', '/devices/put_into_service', { device_id });
    expect(back.body.device).toMatchObject({ warnings: [] });
  });

  test('is changed by keys that may control alone', async () => {
    const { call } = httpFixture({ keys: { seam_gw1_reader: keyWith(['read', 'codes']) } });
    const headers = { authorization: 'Bearer seam_gw1_reader' };
    for (const path of ['/devices/update', '/devices/take_out_of_service', '/devices/put_into_service'])
      expect(await call('POST', path, { device_id }, headers)).toMatchObject({ status: 403 });
  });
});
