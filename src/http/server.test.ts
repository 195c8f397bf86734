import { describe, expect, test } from 'vitest';
import { frontDoor, gate, hall } from '../../test/kit/gateway/fake-devices.ts';
import { apiKey, httpFixture } from '../../test/kit/gateway/http-fixture.ts';
import { GatewayError } from '../contract/index.ts';

const unlock = '/locks/unlock_door';

describe('commands', () => {
  test('a door command answers with the pending attempt, and with who asked', async () => {
    const { gateway, call } = httpFixture();
    const { status, body } = await call('POST', unlock, { device_id: frontDoor.deviceId });
    expect(status).toBe(200);
    expect(body).toEqual({
      ok: true,
      action_attempt: {
        action_attempt_id: gateway.accepted[0]?.actionAttemptId,
        action_type: 'UNLOCK_DOOR',
        status: 'pending',
        result: null,
        error: null,
      },
    });
    expect(gateway.origins).toEqual([
      { actor: { kind: 'api_key', keyId: 'key_1', name: 'test key_1', address: '127.0.0.1' }, receivedAt: 0 },
    ]);
  });

  test('a device that is not a lock, and one that is not there, are refused', async () => {
    const { gateway, call } = httpFixture();
    expect(await call('POST', unlock, { device_id: hall.deviceId })).toMatchObject({
      status: 400,
      body: { ok: false, error: { type: 'unsupported_action' } },
    });
    expect(await call('POST', unlock, { device_id: 'nowhere' })).toMatchObject({
      status: 404,
      body: { error: { type: 'device_not_found' } },
    });
    expect(gateway.accepted).toEqual([]);
  });

  test('an unknown parameter of a command is refused, not ignored', async () => {
    const { gateway, call } = httpFixture();
    const { status, body } = await call('POST', unlock, { device_id: frontDoor.deviceId, delay: 5 });
    expect(status).toBe(400);
    expect(body.error.validation_errors).toEqual({
      _errors: [],
      delay: { _errors: ['This parameter is not known here'] },
    });
    expect(gateway.accepted).toEqual([]);
  });

  test('a full lane and a full disk say when to come back', async () => {
    const { gateway, call } = httpFixture();
    gateway.beforeAccept = () => {
      throw new GatewayError('lane_full', 'Sixteen commands wait already.', { retryAfterSeconds: 2.2 });
    };
    expect(await call('POST', unlock, { device_id: frontDoor.deviceId })).toMatchObject({
      status: 429,
      headers: { 'retry-after': '3' },
      body: { error: { type: 'lane_full' } },
    });
    gateway.beforeAccept = () => {
      throw new GatewayError('storage_unavailable', 'The disk is full.');
    };
    expect(await call('POST', unlock, { device_id: frontDoor.deviceId })).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
    });
  });
});

describe('the envelope', () => {
  test('every answer has its own seam-request-id', async () => {
    const { call, server } = httpFixture();
    const answers = [
      await call('GET', '/devices/list'),
      await call('GET', '/nowhere'),
      await call('PUT', '/devices/list'),
      await call('POST', unlock, '{'),
      await call('GET', '/%zz'),
      await server.inject({ method: 'GET', url: '/devices/list' }),
      await server.inject({ method: 'GET', url: '/health' }),
    ];
    const ids = answers.map(({ headers }) => headers['seam-request-id']);
    expect(ids.every((id) => typeof id === 'string' && id.length > 20)).toBe(true);
    expect(new Set(ids).size).toBe(answers.length);
  });

  test('an unknown route is 404 in JSON, another method 405 with what is allowed', async () => {
    const { call } = httpFixture();
    expect(await call('GET', '/doors/open')).toMatchObject({
      status: 404,
      body: { ok: false, error: { type: 'not_found' } },
    });
    expect(await call('GET', unlock)).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
      body: { ok: false, error: { type: 'method_not_allowed' } },
    });
    expect(await call('PATCH', '/action_attempts/x/history')).toMatchObject({
      status: 405,
      headers: { allow: 'GET, POST' },
    });
    expect(await call('DELETE', '/health')).toMatchObject({ status: 405 });
  });

  test('a fault of ours is logged and told without its insides', async () => {
    const { gateway, call } = httpFixture();
    gateway.beforeAccept = () => {
      throw new TypeError('undefined is not a door');
    };
    const { status, body } = await call('POST', unlock, { device_id: frontDoor.deviceId });
    expect(status).toBe(500);
    expect(body).toEqual({ ok: false, error: { type: 'internal_error', message: expect.any(String) } });
    expect(JSON.stringify(body)).not.toMatch(/not a door|at \w|node_modules/);
  });

  test('an error that ends attempts is never an answer of its own', async () => {
    const { gateway, call } = httpFixture();
    gateway.beforeAccept = () => {
      throw new GatewayError('lock_jammed', 'The bolt is stuck.');
    };
    expect(await call('POST', unlock, { device_id: frontDoor.deviceId })).toMatchObject({
      status: 500,
      body: { error: { type: 'internal_error' } },
    });
  });
});

describe('wrong types', () => {
  test('each parameter gets its texts, in the tree and in the message', async () => {
    const { call } = httpFixture();
    const { status, body } = await call('POST', unlock, { device_id: 7, sync: 'yes' });
    expect(status).toBe(400);
    expect(body.error).toEqual({
      type: 'invalid_input',
      message: expect.stringMatching(/^device_id: .*string.*\. sync: .*boolean/),
      validation_errors: {
        _errors: [],
        device_id: { _errors: [expect.stringContaining('expected string')] },
        sync: { _errors: [expect.stringContaining('expected boolean')] },
      },
    });
  });

  test('what is missing is required; what goes across parameters stands in the message', async () => {
    const { call } = httpFixture();
    expect((await call('POST', unlock, {})).body.error).toMatchObject({
      message: 'device_id: Required.',
      validation_errors: { _errors: [], device_id: { _errors: ['Required'] } },
    });
    expect((await call('GET', '/devices/get')).body.error).toMatchObject({
      message: 'Give device_id or name.',
      validation_errors: { _errors: ['Give device_id or name'] },
    });
  });
});

describe('bad bodies', () => {
  const bodies: readonly [string, string | Buffer, Record<string, string>, number, RegExp][] = [
    ['malformed JSON', '{"device_id": "123456', {}, 400, /not valid JSON/],
    ['not UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22]), {}, 400, /not valid UTF-8/],
    ['an array', '[1]', {}, 400, /must be a JSON object/],
    ['null', 'null', {}, 400, /device_id: Required/],
    ['a text', '"open"', {}, 400, /must be a JSON object/],
    ['nested too deep', '[{"a":'.repeat(20_000), {}, 400, /not valid JSON/],
    ['closed and nested too deep', '['.repeat(20_000) + ']'.repeat(20_000), {}, 400, /nested more than/],
    ['__proto__', '{"device_id":"x","__proto__":{"sync":true}}', {}, 400, /__proto__/],
    [
      'another content type',
      'device_id=1',
      { 'content-type': 'application/x-www-form-urlencoded' },
      400,
      /application\/json/,
    ],
    ['5 MB', `{"device_id":"${'x'.repeat(5_000_000)}"}`, {}, 413, /larger than/],
    ['nothing', '', {}, 400, /device_id: Required/],
  ];
  test.each(bodies)('%s', async (_name, payload, headers, status, message) => {
    const { gateway, server } = httpFixture();
    const answer = await server.inject({
      method: 'POST',
      url: unlock,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
      payload,
    });
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({
      ok: false,
      error: { type: status === 413 ? 'payload_too_large' : 'invalid_input', message: expect.stringMatching(message) },
    });
    expect(answer.body).not.toContain('123456');
    expect(gateway.accepted).toEqual([]);
  });
});

describe('authentication', () => {
  test('without a valid key every route but the open ones is 401, unknown routes too', async () => {
    const { server, gateway } = httpFixture();
    const wrong = [
      {},
      { authorization: 'Bearer seam_gw1_wrong' },
      { authorization: `Basic ${apiKey}` },
      { authorization: 'Bearer ' },
    ];
    for (const headers of wrong)
      for (const [method, url] of [
        ['GET', '/devices/list'],
        ['POST', unlock],
        ['GET', '/nowhere'],
        ['PUT', '/devices/list'],
      ] as const) {
        const answer = await server.inject({ method, url, headers });
        expect(answer.statusCode).toBe(401);
        expect(answer.json()).toMatchObject({ ok: false, error: { type: 'unauthorized' } });
      }
    expect(gateway.accepted).toEqual([]);
  });

  test('health answers anybody, and says when nothing can be accepted', async () => {
    const { server, gateway } = httpFixture();
    for (const method of ['GET', 'POST', 'HEAD'] as const)
      expect((await server.inject({ method, url: '/health' })).statusCode).toBe(200);
    expect((await server.inject({ method: 'GET', url: '/health' })).json()).toEqual({ ok: true });
    gateway.ready = { ok: false, reason: 'The disk is full.' };
    const answer = await server.inject({ method: 'GET', url: '/health' });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ ok: false, error: { message: 'The disk is full.' } });
  });

  test('whoever tries keys is told to wait, and a valid key from there still works', async () => {
    const { server, call, clock } = httpFixture();
    const guess = async () => {
      const headers = { authorization: 'Bearer seam_gw1_guess' };
      return (await server.inject({ method: 'GET', url: '/devices/list', headers })).statusCode;
    };
    const first = await Promise.all(Array.from({ length: 20 }, guess));
    expect(new Set(first)).toEqual(new Set([401]));
    expect(await guess()).toBe(429);
    expect((await call('GET', '/devices/list')).status).toBe(200);
    await clock.advance(3000);
    expect(await guess()).toBe(401);
    expect(await guess()).toBe(429);
  });
});

describe('devices', () => {
  test('lists in the order of configuration, with filters in a query as clients write it', async () => {
    const { call } = httpFixture();
    const ids = async (query: string) =>
      (await call('GET', `/devices/list${query}`)).body.devices.map(
        (device: { device_id: string }) => device.device_id,
      );
    expect(await ids('')).toEqual([frontDoor.deviceId, gate.deviceId, hall.deviceId]);
    expect(await ids(`?_strict=true&device_ids=${gate.deviceId}`)).toEqual([gate.deviceId]);
    expect(await ids(`?device_ids=${gate.deviceId}&device_ids=${hall.deviceId}`)).toEqual([
      gate.deviceId,
      hall.deviceId,
    ]);
    expect(await ids('?device_ids=')).toEqual([]);
    expect(await ids('?search=DOOR')).toEqual([frontDoor.deviceId]);
    expect(await ids('?manufacturer=waveshare')).toEqual([gate.deviceId]);
    expect(await ids('?device_type=yale_lock')).toEqual([frontDoor.deviceId]);
    expect(await ids('?custom_metadata_has.room=12')).toEqual([]);
    expect(await ids('?created_before=2020-01-01T00:00:00.000Z')).toEqual([]);
    expect(await ids('?customer_key=')).toEqual([frontDoor.deviceId, gate.deviceId, hall.deviceId]);
    expect(await ids('?unheard_of=1')).toHaveLength(3);
  });

  test('pages end where they say, and a cursor works with its own parameters alone', async () => {
    const { call } = httpFixture();
    const first = await call('GET', '/devices/list?_strict=true&limit=2');
    expect(first.body.devices).toHaveLength(2);
    expect(first.body.pagination.has_next_page).toBe(true);
    const cursor = first.body.pagination.next_page_cursor;
    const second = await call('POST', '/devices/list', { limit: 2, page_cursor: cursor });
    expect(second.body.devices.map((device: { device_id: string }) => device.device_id)).toEqual([hall.deviceId]);
    expect(second.body.pagination).toEqual({ has_next_page: false, next_page_cursor: null, next_page_url: null });
    const mismatched = { status: 400, body: { error: { type: 'mismatched_page_parameters' } } };
    expect(await call('GET', `/devices/list?limit=1&page_cursor=${cursor}`)).toMatchObject(mismatched);
    expect(await call('GET', `/action_attempts/list?limit=2&page_cursor=${cursor}`)).toMatchObject(mismatched);
    expect(await call('GET', '/devices/list?page_cursor=nonsense')).toMatchObject(mismatched);
    const { pathname, search } = new URL(first.body.pagination.next_page_url);
    expect((await call('GET', pathname + search)).body.devices).toHaveLength(1);
  });

  test('get takes an id or a name, by GET and POST', async () => {
    const { call } = httpFixture();
    expect((await call('GET', '/devices/get?name=Gate')).body.device.device_id).toBe(gate.deviceId);
    expect((await call('POST', '/devices/get', { device_id: gate.deviceId })).body.device.display_name).toBe('Gate');
    expect(await call('GET', '/devices/get?name=Gatehouse')).toMatchObject({ status: 404 });
    const { lock, device } = (await call('GET', `/locks/get?device_id=${gate.deviceId}`)).body;
    expect(lock).toEqual(device);
    expect(await call('GET', `/locks/get?device_id=${hall.deviceId}`)).toMatchObject({ status: 404 });
    const { locks, devices, pagination } = (await call('GET', '/locks/list')).body;
    expect(locks).toEqual(devices);
    expect(locks).toHaveLength(2);
    expect(pagination).toMatchObject({ has_next_page: false });
  });

  test.each([
    ['/locks/list', 'locks', 2],
    ['/noise_sensors/list', 'noise_sensors', 1],
  ])('%s gives its pages one after the other', async (path, name, count) => {
    const { call } = httpFixture();
    const whole = (await call('GET', path)).body[name];
    expect(whole).toHaveLength(count);
    const found: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await call('POST', path, { limit: 1, ...(cursor !== '' && { page_cursor: cursor }) });
      found.push(...body[name]);
      cursor = body.pagination.next_page_cursor;
    }
    expect(found).toEqual(whole);
    expect(await call('POST', path, { limit: 1, page_cursor: 'x' })).toMatchObject({ status: 400 });
  });
});

describe('action attempts', () => {
  test('get, list by device and ids, page through, and history', async () => {
    const { gateway, call } = httpFixture();
    for (const deviceId of [frontDoor.deviceId, gate.deviceId, frontDoor.deviceId])
      await call('POST', unlock, { device_id: deviceId });
    const [first, second, third] = gateway.accepted.map(({ actionAttemptId }) => actionAttemptId);
    gateway.end({ status: 'error', error: { type: 'lock_jammed', message: 'The bolt is stuck.' } }, first);
    expect(
      (await call('GET', `/action_attempts/get?_strict=true&action_attempt_id=${first}`)).body.action_attempt,
    ).toEqual({
      action_attempt_id: first,
      action_type: 'UNLOCK_DOOR',
      status: 'error',
      result: null,
      error: { type: 'lock_jammed', message: 'The bolt is stuck.' },
    });
    const ids = (body: { action_attempts: { action_attempt_id: string }[] }) =>
      body.action_attempts.map((attempt) => attempt.action_attempt_id);
    expect(ids((await call('GET', `/action_attempts/list?device_id=${frontDoor.deviceId}`)).body)).toEqual([
      third,
      first,
    ]);
    expect(ids((await call('GET', `/action_attempts/list?action_attempt_ids=${second}`)).body)).toEqual([second]);
    const page = await call('GET', '/action_attempts/list?limit=2');
    expect(ids(page.body)).toEqual([third, second]);
    const cursor = page.body.pagination.next_page_cursor;
    expect(ids((await call('GET', `/action_attempts/list?limit=2&page_cursor=${cursor}`)).body)).toEqual([first]);
    expect((await call('GET', `/action_attempts/${first}/history`)).body.action_attempt_history).toMatchObject({
      action_attempt_id: first,
      actor: { kind: 'api_key', api_key_id: 'key_1', address: '127.0.0.1' },
      history: [{ state: 'accepted' }, { state: 'failed' }],
    });
    expect(await call('GET', '/action_attempts/get?action_attempt_id=none')).toMatchObject({
      status: 404,
      body: { error: { type: 'action_attempt_not_found' } },
    });
  });
});

test('workspaces.get is this gateway', async () => {
  const { gateway, call } = httpFixture();
  const { workspace } = (await call('POST', '/workspaces/get', {})).body;
  expect(workspace).toMatchObject({ workspace_id: gateway.identity.workspaceId, name: 'Lobby', is_sandbox: false });
});
