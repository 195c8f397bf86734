import { describe, expect, test } from 'vitest';
import { frontDoor, gate } from '../../test/kit/gateway/fake-devices.ts';
import { apiKey, httpFixture, keyWith } from '../../test/kit/gateway/http-fixture.ts';
import { aCode } from '../../test/kit/store/store-records.ts';
import { GatewayError } from '../contract/index.ts';
import { accessCodeSchema } from '../wire/access-code.ts';

const create = '/access_codes/create';
const front = { device_id: frontDoor.deviceId };

describe('creating', () => {
  test('answers with the code and the attempt, and the result holds the code as it is', async () => {
    const { gateway, call } = httpFixture();
    const { body } = await call('POST', create, { ...front, name: 'Ana', code: '582914' });
    expect(body.access_code).toMatchObject({
      device_id: frontDoor.deviceId,
      name: 'Ana',
      code: '582914',
      type: 'ongoing',
      status: 'setting',
      pending_mutations: [{ mutation_code: 'creating' }],
      errors: [],
      warnings: [],
      is_managed: true,
    });
    expect(body.action_attempt).toMatchObject({ action_type: 'CREATE_ACCESS_CODE', status: 'pending', result: null });
    gateway.end({ status: 'success', result: { access_code_id: body.access_code.access_code_id } });
    const { action_attempt } = (
      await call('GET', `/action_attempts/get?action_attempt_id=${body.action_attempt.action_attempt_id}`)
    ).body;
    expect(Object.keys(action_attempt.result)).toEqual(['access_code']);
    expect(action_attempt.result.access_code).toMatchObject({ code: '582914', status: 'set', pending_mutations: [] });
  });

  test('without digits the gateway chooses', async () => {
    const { call } = httpFixture();
    expect((await call('POST', create, { ...front, code: null })).body.access_code.code).toMatch(/^\d+$/);
  });

  test.each([
    [{ code: '' }, 'code'],
    [{ code: '12a456' }, 'code'],
    [{ code: 1234 }, 'code'],
    [{ is_offline_access_code: true }, 'is_offline_access_code'],
    [{ is_external_modification_allowed: true }, 'is_external_modification_allowed'],
    [{ common_code_key: '' }, 'common_code_key'],
    [{ starts_at: 'tomorrow' }, 'starts_at'],
    [{ name: 'Ana\u0000 and all that SQLite would forget' }, 'name'],
    [{ name: 'Ana\nand a line of her own' }, 'name'],
    [{ name: '\u001b[2JAna' }, 'name'],
    [{ ends_ta: '2030-01-01T00:00:00Z' }, 'ends_ta'],
  ])('%j is refused by name', async (part, parameter) => {
    const { gateway, call } = httpFixture();
    const { status, body } = await call('POST', create, { ...front, ...part });
    expect(status).toBe(400);
    expect(body.error.validation_errors[parameter]._errors).toHaveLength(1);
    expect(JSON.stringify(body)).not.toMatch(/12a456|1234/);
    expect(gateway.accepted).toEqual([]);
  });

  test('a time that cannot be read is answered with one that can', async () => {
    const { call } = httpFixture();
    const { body } = await call('POST', create, { ...front, starts_at: '2030-01-01T00:00:00', ends_at: 7 });
    const [starts, ends] = ['starts_at', 'ends_at'].map((name) => body.error.validation_errors[name]._errors);
    expect(starts).toEqual([expect.stringMatching(/with its zone, such as 2030-05-01T15:00:00Z/)]);
    expect(ends).toEqual(starts);
  });

  test('what the core refuses is told at its parameters', async () => {
    const { gateway, call } = httpFixture();
    gateway.beforeAccept = () => {
      throw new GatewayError('invalid_input', 'starts_at, ends_at: this version keeps no start and end times.');
    };
    const dates = { starts_at: '2030-01-01T00:00:00Z', ends_at: '2030-01-02T00:00:00+01:00' };
    expect((await call('POST', create, { ...front, ...dates })).body.error).toEqual({
      type: 'invalid_input',
      message: 'starts_at, ends_at: this version keeps no start and end times.',
      validation_errors: {
        _errors: [],
        starts_at: { _errors: ['this version keeps no start and end times.'] },
        ends_at: { _errors: ['this version keeps no start and end times.'] },
      },
    });
  });

  test('the same digits twice are a conflict, a device without keypad an unsupported action', async () => {
    const { call } = httpFixture();
    await call('POST', create, { ...front, code: '582914' });
    expect(await call('POST', create, { ...front, code: '582914' })).toMatchObject({
      status: 409,
      body: { error: { type: 'duplicate_access_code' } },
    });
    expect(await call('POST', create, { device_id: gate.deviceId, code: '1234' })).toMatchObject({
      status: 400,
      body: { error: { type: 'unsupported_action' } },
    });
  });
});

describe('reading', () => {
  test('by id, and by device and digits, by GET and POST', async () => {
    const { call } = httpFixture();
    const { access_code } = (await call('POST', create, { ...front, code: '0582' })).body;
    const id = access_code.access_code_id;
    for (const answer of [
      await call('GET', `/access_codes/get?access_code_id=${id}`),
      await call('POST', '/access_codes/get', { access_code_id: id }),
      await call('GET', `/access_codes/get?_strict=true&code=0582&device_id=${frontDoor.deviceId}`),
      await call('POST', '/access_codes/get', { ...front, code: '0582' }),
    ])
      expect(answer.body.access_code).toEqual(access_code);
    expect(await call('POST', '/access_codes/get', { ...front, code: '0583' })).toMatchObject({
      status: 404,
      body: { error: { type: 'access_code_not_found' } },
    });
    expect(await call('POST', '/access_codes/get', front)).toMatchObject({ status: 400 });
  });

  test('lists oldest first, in pages that survive a removal between them', async () => {
    const { gateway, clock, call } = httpFixture();
    for (const code of ['1111', '2222', '3333', '4444']) {
      await call('POST', create, { ...front, code, name: `Guest ${code}` });
      await clock.advance(1000);
    }
    const names = (body: { access_codes: { name: string }[] }) => body.access_codes.map(({ name }) => name.slice(-4));
    const url = `/access_codes/list?device_id=${frontDoor.deviceId}&limit=2`;
    const first = (await call('GET', url)).body;
    expect(names(first)).toEqual(['1111', '2222']);
    gateway.accessCodes.forget(first.access_codes[1].access_code_id);
    const second = (await call('GET', `${url}&page_cursor=${first.pagination.next_page_cursor}`)).body;
    expect(names(second)).toEqual(['3333', '4444']);
    expect(second.pagination.has_next_page).toBe(false);
    const ids = [first.access_codes[0].access_code_id, second.access_codes[1].access_code_id];
    expect(names((await call('POST', '/access_codes/list', { access_code_ids: ids })).body)).toEqual(['1111', '4444']);
    expect(
      names((await call('GET', `/access_codes/list?device_id=${frontDoor.deviceId}&search=GUEST 3`)).body),
    ).toEqual(['3333']);
    expect(await call('GET', '/access_codes/list')).toMatchObject({ status: 400 });
    expect(await call('GET', '/access_codes/list?device_id=x')).toMatchObject({ status: 404 });
  });

  test('a problem is an error or a warning by Seam’s words, and the device’s own are copied in', async () => {
    const { gateway, call } = httpFixture();
    const base = aCode(0, { deviceId: gate.deviceId, name: undefined, createdAt: 0, placements: [] });
    const at = Date.UTC(2026, 0, 3);
    gateway.accessCodes.put({
      ...base,
      accessCodeId: 'a',
      status: 'unset',
      errors: [{ code: 'failed_to_set_on_device', message: 'The keypad is full.', at }],
    });
    gateway.accessCodes.put({
      ...base,
      accessCodeId: 'b',
      status: 'removing',
      endsAt: at,
      warnings: [{ code: 'delay_in_removing_from_device', message: 'The lock sleeps.', at }],
      pendingMutations: [{ mutationCode: 'deleting', message: 'It is being removed.', createdAt: at }],
    });
    const [a, b] = (await call('GET', `/access_codes/list?device_id=${gate.deviceId}`)).body.access_codes;
    expect(a.errors).toEqual([
      {
        error_code: 'failed_to_set_on_device',
        message: 'The keypad is full.',
        is_access_code_error: true,
        created_at: '2026-01-03T00:00:00.000Z',
      },
      expect.objectContaining({ error_code: 'hub_disconnected', is_device_error: true }),
    ]);
    expect(b.warnings).toEqual([expect.objectContaining({ warning_code: 'delay_in_removing_from_device' })]);
    expect(b).toMatchObject({
      type: 'time_bound',
      ends_at: '2026-01-03T00:00:00.000Z',
      pending_mutations: [{ mutation_code: 'deleting' }],
    });
    for (const code of [a, b]) expect(accessCodeSchema().strict().parse(code)).toEqual(code);
  });
});

describe('deleting', () => {
  test.each([
    ['DELETE with a query', 'DELETE', true],
    ['DELETE with a body', 'DELETE', false],
    ['POST with a body', 'POST', false],
  ])('%s', async (_name, method, inQuery) => {
    const { gateway, clock, call } = httpFixture();
    const { access_code } = (await call('POST', create, { ...front, code: '1234' })).body;
    const id = access_code.access_code_id;
    await clock.advance(5000);
    const remove = () =>
      inQuery
        ? call(method, `/access_codes/delete?_strict=true&access_code_id=${id}`)
        : call(method, '/access_codes/delete', { access_code_id: id, ...front });
    const { body } = await remove();
    expect(body.action_attempt).toMatchObject({ action_type: 'DELETE_ACCESS_CODE', status: 'pending' });
    expect((await remove()).body.action_attempt).toEqual(body.action_attempt);
    const removing = (await call('GET', `/access_codes/get?access_code_id=${id}`)).body.access_code;
    expect(removing).toMatchObject({
      status: 'removing',
      pending_mutations: [{ mutation_code: 'deleting', created_at: '2026-05-01T10:00:05.000Z' }],
    });
    gateway.end({ status: 'success', result: {} });
    expect(await call('GET', `/access_codes/get?access_code_id=${id}`)).toMatchObject({ status: 404 });
  });

  test('of another device’s code is refused', async () => {
    const { call } = httpFixture();
    const { access_code } = (await call('POST', create, { ...front, code: '1234' })).body;
    const answer = await call('POST', '/access_codes/delete', {
      access_code_id: access_code.access_code_id,
      device_id: gate.deviceId,
    });
    expect(answer).toMatchObject({ status: 404, body: { error: { type: 'access_code_not_found' } } });
  });
});

describe('scopes', () => {
  const reader = 'seam_gw1_reader';
  const operator = 'seam_gw1_operator';
  const coder = 'seam_gw1_coder';
  const keys = {
    [apiKey]: keyWith(['read', 'control', 'codes']),
    [reader]: keyWith(['read'], 'key_r'),
    [operator]: keyWith(['control'], 'key_o'),
    [coder]: keyWith(['codes'], 'key_c'),
  };
  const as = (key: string) => ({ authorization: `Bearer ${key}` });

  test('digits are for keys with the scope codes alone, wherever a code is shown', async () => {
    const { gateway, call } = httpFixture({ keys });
    const { access_code, action_attempt } = (await call('POST', create, { ...front, code: '582914' })).body;
    gateway.end({ status: 'success', result: {} });
    const list = `/access_codes/list?device_id=${frontDoor.deviceId}`;
    const get = `/access_codes/get?access_code_id=${access_code.access_code_id}`;
    const attempt = `/action_attempts/get?action_attempt_id=${action_attempt.action_attempt_id}`;
    for (const url of [list, get, attempt]) {
      const seen = JSON.stringify((await call('GET', url, undefined, as(reader))).body);
      expect(seen).toContain('"code":null');
      expect(seen).not.toContain('582914');
      expect(JSON.stringify((await call('GET', url, undefined, as(coder))).body)).toContain('"code":"582914"');
    }
    const history = await call('GET', `/action_attempts/${action_attempt.action_attempt_id}/history`);
    expect(JSON.stringify(history.body)).not.toContain('582914');
  });

  test('digits cannot be found by trying', async () => {
    const { call } = httpFixture({ keys });
    await call('POST', create, { ...front, code: '582914' });
    for (const code of ['582914', '000000'])
      expect(await call('POST', '/access_codes/get', { ...front, code }, as(reader))).toMatchObject({
        status: 403,
        body: { error: { type: 'insufficient_scope' } },
      });
  });

  test('each key does what it was made for, and may follow what it began', async () => {
    const { gateway, call } = httpFixture({ keys });
    const status = async (key: string, method: string, url: string, body?: unknown) =>
      (await call(method, url, body, as(key))).status;
    expect(await status(reader, 'POST', '/locks/unlock_door', front)).toBe(403);
    expect(await status(coder, 'POST', '/locks/unlock_door', front)).toBe(403);
    expect(gateway.accepted).toEqual([]);
    expect(await status(operator, 'POST', '/locks/unlock_door', front)).toBe(200);
    const url = `/action_attempts/get?action_attempt_id=${gateway.accepted[0]?.actionAttemptId}`;
    expect(await status(operator, 'GET', url)).toBe(200);
    expect(await status(operator, 'GET', '/devices/list')).toBe(403);
    expect(await status(operator, 'POST', create, { ...front, code: '1234' })).toBe(403);
    expect(await status(reader, 'POST', create, { ...front, code: '1234' })).toBe(403);
    expect(await status(coder, 'POST', create, { ...front, code: '1234' })).toBe(200);
    const id = gateway.accessCodes.list()[0]?.accessCodeId;
    expect(await status(operator, 'DELETE', `/access_codes/delete?access_code_id=${id}`)).toBe(403);
    expect(await status(operator, 'GET', '/workspaces/get')).toBe(200);
  });
});
