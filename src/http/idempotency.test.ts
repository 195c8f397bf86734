import { describe, expect, test } from 'vitest';
import { frontDoor, gate } from '../../test/kit/gateway/fake-devices.ts';
import { apiKey, httpFixture, keyWith, until } from '../../test/kit/gateway/http-fixture.ts';
import { GatewayError } from '../contract/index.ts';
import { permissionScopes } from '../model/permission.ts';
import { idempotencyClaim } from './idempotency.ts';

const unlock = '/locks/unlock_door';
const lock = '/locks/lock_door';
const front = { device_id: frontDoor.deviceId };
const withKey = (key: string) => ({ 'idempotency-key': key });
const opened = { status: 'success', result: { was_confirmed_by_device: true } } as const;

describe('a repeated request', () => {
  test('opens the door once and is shown how the first one stands now', async () => {
    const { gateway, call } = httpFixture();
    const first = await call('POST', unlock, front, withKey('a'));
    expect(first.body.action_attempt.status).toBe('pending');
    gateway.end(opened);
    const again = await call('POST', unlock, front, withKey('a'));
    expect(gateway.accepted).toHaveLength(1);
    expect(again.body).toEqual({
      ok: true,
      action_attempt: { ...first.body.action_attempt, status: 'success', result: { was_confirmed_by_device: true } },
    });
  });

  test('is held like the first one', async () => {
    const { gateway, call, clock } = httpFixture();
    await call('POST', unlock, front, withKey('a'));
    const again = call('POST', unlock, front, { ...withKey('a'), prefer: 'wait=5' });
    await until(() => clock.armedTimers === 1);
    gateway.end(opened);
    expect((await again).body.action_attempt.status).toBe('success');
  });

  test('waits for a twin that is being accepted', async () => {
    const { gateway, call } = httpFixture();
    let commit = () => {};
    gateway.beforeAccept = () =>
      new Promise((resolve) => {
        commit = resolve;
      });
    const twins = [call('POST', unlock, front, withKey('a')), call('POST', unlock, front, withKey('a'))];
    const other = call('POST', unlock, { device_id: gate.deviceId }, withKey('a'));
    expect((await other).body.error.type).toBe('idempotency_key_reused');
    commit();
    const [one, two] = await Promise.all(twins);
    expect(one?.body).toEqual(two?.body);
    expect(gateway.accepted).toHaveLength(1);
  });

  test('with another body is refused, however the attempt stands', async () => {
    const { gateway, call } = httpFixture();
    await call('POST', unlock, front, withKey('a'));
    const answer = await call('POST', unlock, { device_id: gate.deviceId }, withKey('a'));
    expect(answer).toMatchObject({ status: 409, body: { ok: false, error: { type: 'idempotency_key_reused' } } });
    expect(gateway.accepted).toHaveLength(1);
  });

  test('with the same body in another order, or with another wish to wait, is the same', async () => {
    const { gateway, call } = httpFixture();
    gateway.outcome = () => opened;
    await call('POST', unlock, front, withKey('a'));
    await call('POST', unlock, { sync: true, ...front }, withKey('a'));
    expect(gateway.accepted).toHaveLength(1);
  });

  test('on another route or with another API key is another request', async () => {
    const other = 'seam_gw1_other';
    const { gateway, call } = httpFixture({
      keys: { [apiKey]: keyWith(permissionScopes), [other]: keyWith(permissionScopes, 'key_2') },
    });
    await call('POST', unlock, front, withKey('a'));
    await call('POST', lock, front, withKey('a'));
    await call('POST', unlock, front, { ...withKey('a'), authorization: `Bearer ${other}` });
    expect(gateway.accepted.map(({ actionType }) => actionType)).toEqual(['UNLOCK_DOOR', 'LOCK_DOOR', 'UNLOCK_DOOR']);
  });

  test('after a refusal runs anew: nothing was done', async () => {
    const { gateway, call } = httpFixture();
    gateway.beforeAccept = () => {
      throw new GatewayError('storage_unavailable', 'The disk is full.');
    };
    expect((await call('POST', unlock, front, withKey('a'))).status).toBe(503);
    gateway.beforeAccept = async () => undefined;
    expect((await call('POST', unlock, front, withKey('a'))).status).toBe(200);
    expect(gateway.accepted).toHaveLength(1);
  });

  test('of a created code has the shape of the first answer, also when the code is gone', async () => {
    const { gateway, call } = httpFixture();
    const create = () => call('POST', '/access_codes/create', { ...front, name: 'Ana', code: '582914' }, withKey('a'));
    const first = (await create()).body;
    gateway.end({ status: 'success', result: {} });
    const second = (await create()).body;
    expect(second.access_code).toEqual({
      ...first.access_code,
      status: 'set',
      display_status: 'Set',
      pending_mutations: [],
    });
    expect(second.action_attempt.result.access_code).toEqual(second.access_code);
    gateway.accessCodes.forget(first.access_code.access_code_id);
    const third = (await create()).body;
    expect(third).toMatchObject({ access_code: null, action_attempt: { status: 'success', result: {} } });
    expect(gateway.accepted).toHaveLength(1);
  });
});

test.each([
  ['empty', ''],
  ['too long', 'x'.repeat(256)],
])('a key that is %s is refused before anything is done', async (_name, key) => {
  const { gateway, call } = httpFixture();
  const answer = await call('POST', unlock, front, withKey(key));
  expect(answer).toMatchObject({ status: 400, body: { error: { type: 'invalid_input' } } });
  expect(gateway.accepted).toEqual([]);
  expect((await call('POST', unlock, front, withKey('x'.repeat(255)))).status).toBe(200);
});

test('reads take no notice of the key', async () => {
  const { call } = httpFixture();
  expect((await call('POST', '/devices/list', {}, withKey(''))).status).toBe(200);
});

test('what is stored cannot be tried out without the API key', () => {
  const claim = (key: string, code: string) =>
    idempotencyClaim({
      idempotencyKey: 'a',
      apiKey: key,
      method: 'POST',
      route: '/access_codes/create',
      params: { code },
    });
  expect(claim('seam_gw1_x', '1234')).toEqual(claim('seam_gw1_x', '1234'));
  expect(claim('seam_gw1_x', '1234').scope).toBe(claim('seam_gw1_x', '1235').scope);
  expect(claim('seam_gw1_x', '1234').fingerprint).not.toBe(claim('seam_gw1_x', '1235').fingerprint);
  expect(claim('seam_gw1_x', '1234').fingerprint).not.toBe(claim('seam_gw1_y', '1234').fingerprint);
  expect(claim('seam_gw1_x', '1234').scope).not.toBe(claim('seam_gw1_y', '1234').scope);
});
