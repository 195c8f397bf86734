import { describe, expect, test } from 'vitest';
import { frontDoor, gate, hall } from '../../test/kit/gateway/fake-devices.ts';
import { httpFixture } from '../../test/kit/gateway/http-fixture.ts';

const { deviceId: device_id } = frontDoor;
const stay = { starts_at: '2026-05-02T14:00:00Z', ends_at: '2026-05-05T12:00:00+02:00' };
const done = () => ({ status: 'success', result: {} }) as const;

/** Two doors with keypads. */
function twoDoors() {
  const fixture = httpFixture();
  const side = { ...frontDoor, deviceId: 'a3f0a1c2-0000-5000-8000-000000000009', slug: 'side', name: 'Side door' };
  fixture.gateway.deviceList.push(side);
  fixture.gateway.outcome = done;
  return { ...fixture, device_ids: [device_id, side.deviceId] };
}

describe('one stay on many doors', () => {
  const path = '/access_codes/create_multiple';

  test('is created, by PUT and POST, with one key for all', async () => {
    const { call, device_ids, gateway } = twoDoors();
    const { body } = await call('PUT', path, { device_ids, name: 'Ana', code: '582914', ...stay });
    expect(body.access_codes).toMatchObject(
      device_ids.map((id) => ({
        device_id: id,
        name: 'Ana',
        code: '582914',
        type: 'time_bound',
        starts_at: '2026-05-02T14:00:00.000Z',
        ends_at: '2026-05-05T10:00:00.000Z',
      })),
    );
    expect(body.action_attempts).toMatchObject([{ status: 'success' }, { status: 'success' }]);
    const keys = new Set(body.access_codes.map((code: { common_code_key: string }) => code.common_code_key));
    expect(keys.size).toBe(1);
    const own = await call('POST', path, { device_ids, code: '1234', common_code_key: 'stay 7' });
    expect(own.body.access_codes).toMatchObject([{ common_code_key: 'stay 7' }, { common_code_key: 'stay 7' }]);
    expect(gateway.accepted).toHaveLength(4);
  });

  test('repeated within a minute has the same key; later, or by another key, it has not', async () => {
    const { call, device_ids, gateway, clock } = twoDoors();
    const asked: (string | undefined)[] = [];
    const { createMultiple } = gateway.accessCodes;
    gateway.accessCodes.createMultiple = (request, origin) => {
      asked.push(request.commonCodeKey);
      return createMultiple(request, origin);
    };
    await call('PUT', path, { device_ids, name: 'Ana', code: '1111' });
    await call('PUT', path, { device_ids, name: 'Ana', code: '1111' });
    await call('PUT', path, { device_ids, name: 'Ben', code: '2222' });
    await clock.advance(60_001);
    await call('PUT', path, { device_ids, name: 'Ana', code: '1111' });
    const [first, again, other, later] = asked;
    expect(again).toBe(first);
    expect(new Set([first, other, later]).size).toBe(3);
    const header = { 'idempotency-key': 'booking-7' };
    const booked = await call('PUT', path, { device_ids, code: '3333' }, header);
    const repeated = await call('PUT', path, { device_ids, code: '3333' }, header);
    expect(repeated.body.access_codes).toEqual(booked.body.access_codes);
    expect(asked).toHaveLength(5);
    expect(await call('PUT', path, { device_ids, code: '4444' }, header)).toMatchObject({
      status: 409,
      body: { error: { type: 'idempotency_key_reused' } },
    });
  });

  test('asked for with an Idempotency-Key and a key of its own is done once, and refused with other parameters', async () => {
    const { call, device_ids, gateway } = twoDoors();
    const header = { 'idempotency-key': 'booking-7' };
    const booking = { device_ids, code: '3333', common_code_key: 'stay 7' };
    const booked = await call('PUT', path, booking, header);
    const repeated = await call('PUT', path, booking, header);
    expect(repeated.body.access_codes).toEqual(booked.body.access_codes);
    expect(gateway.accepted).toHaveLength(2);
    expect(await call('PUT', path, { ...booking, code: '4444' }, header)).toMatchObject({
      status: 409,
      body: { error: { type: 'idempotency_key_reused' } },
    });
    expect(gateway.accepted).toHaveLength(2);
  });

  test.each([
    [{ device_ids: [] }, /device_ids/],
    [{ device_ids: [device_id], behavior_when_code_cannot_be_shared: 'guess' }, /behavior/],
    [{ device_ids: [device_id], ends_ta: 'x' }, /ends_ta/],
  ])('is refused: %j', async (params, message) => {
    const { call } = twoDoors();
    const { status, body } = await call('PUT', path, params);
    expect(status).toBe(400);
    expect(body.error.message).toMatch(message);
  });

  test('is refused as a whole for a door that is not there', async () => {
    const { call, gateway } = twoDoors();
    expect(await call('PUT', path, { device_ids: [device_id, 'nowhere'] })).toMatchObject({ status: 404 });
    expect(gateway.accepted).toEqual([]);
  });

  test('is changed as one', async () => {
    const { call, device_ids } = twoDoors();
    await call('PUT', path, { device_ids, common_code_key: 'stay 7', ...stay });
    const change = { common_code_key: 'stay 7', name: 'Ben', ends_at: '2026-05-04T12:00:00Z' };
    const { body } = await call('PATCH', '/access_codes/update_multiple', change);
    expect(body.access_codes).toMatchObject([
      { name: 'Ben', ends_at: '2026-05-04T12:00:00.000Z' },
      { name: 'Ben', ends_at: '2026-05-04T12:00:00.000Z' },
    ]);
    expect(body.action_attempts).toMatchObject([
      { action_type: 'UPDATE_ACCESS_CODE' },
      { action_type: 'UPDATE_ACCESS_CODE' },
    ]);
    const nobody = { common_code_key: 'stay 8', name: 'x' };
    expect(await call('PATCH', '/access_codes/update_multiple', nobody)).toMatchObject({ status: 404 });
  });
});

describe('a code', () => {
  test('is changed, under every method', async () => {
    const { gateway, call } = httpFixture();
    gateway.outcome = done;
    const { access_code } = (await call('POST', '/access_codes/create', { device_id, code: '1234', ...stay })).body;
    const { access_code_id } = access_code;
    for (const [method, change, result] of [
      ['PATCH', { name: 'Ana', code: '5678' }, { name: 'Ana', code: '5678' }],
      ['PUT', { ends_at: '2026-05-06T12:00:00Z', device_id }, { ends_at: '2026-05-06T12:00:00.000Z' }],
      ['POST', { type: 'ongoing', name: null }, { type: 'ongoing', name: null }],
    ] as const) {
      const { body } = await call(method, '/access_codes/update', { access_code_id, ...change });
      expect(body).toMatchObject({
        access_code: result,
        action_attempt: { action_type: 'UPDATE_ACCESS_CODE', status: 'success', result: { access_code: result } },
      });
    }
    for (const [change, status] of [
      [{ device_id: gate.deviceId }, 404],
      [{ type: 'ongoing', ends_at: '2026-05-06T12:00:00Z' }, 400],
      [{ is_managed: false }, 400],
      [{ code: '12a4' }, 400],
      [{ ends_ta: 'x' }, 400],
    ] as const)
      expect(await call('PATCH', '/access_codes/update', { access_code_id, ...change })).toMatchObject({ status });
  });

  test('is generated, by GET and POST, for doors with a keypad alone', async () => {
    const { call } = httpFixture();
    const path = '/access_codes/generate_code';
    for (const { body } of [
      await call('GET', `${path}?device_id=${device_id}`),
      await call('POST', path, { device_id }),
    ])
      expect(body.generated_code).toEqual({ device_id, code: expect.stringMatching(/^\d{4,}$/) });
    expect(await call('GET', `${path}?device_id=nowhere`)).toMatchObject({ status: 404 });
  });

  test('lets its guest in by a backup one', async () => {
    const { gateway, call } = httpFixture();
    const params = { device_id, code: '1234', use_backup_access_code_pool: true };
    const { access_code_id } = (await call('POST', '/access_codes/create', params)).body.access_code;
    const made = gateway.accessCodes.get(access_code_id);
    if (made === undefined) throw new Error('the code should be there');
    const ready = { ...made, accessCodeId: 'spare', status: 'set', backup: { pulledFor: undefined } } as const;
    gateway.accessCodes.backups.push({ ...ready, sealedCode: Buffer.from('7777'), useBackupPool: false });
    const one = `/access_codes/get?access_code_id=${access_code_id}`;
    expect((await call('GET', one)).body.access_code.is_backup_access_code_available).toBe(true);
    const { body } = await call('POST', '/access_codes/pull_backup_access_code', { access_code_id });
    expect(body).toMatchObject({
      access_code: { access_code_id, is_backup: false, pulled_backup_access_code_id: 'spare' },
      backup_access_code: { access_code_id: 'spare', code: '7777', is_backup: true, status: 'set' },
    });
    expect(await call('POST', '/access_codes/pull_backup_access_code', { access_code_id })).toMatchObject({
      status: 400,
    });
  });
});

describe('codes that were found on a lock', () => {
  const base = '/access_codes/unmanaged';
  const found = (slot: number, digits: string | undefined) => ({
    accessCodeId: `found-${slot}`,
    deviceId: device_id,
    slot,
    name: `Slot ${slot}`,
    sealedCode: digits === undefined ? undefined : Buffer.from(digits),
    createdAt: Date.UTC(2026, 3, slot),
  });

  test('are listed in pages, got, taken over and deleted', async () => {
    const { gateway, call } = httpFixture();
    gateway.accessCodes.found.push(found(1, '1111'), found(2, undefined), found(3, '3333'));
    const list = `${base}/list?device_id=${device_id}&limit=2`;
    const first = (await call('GET', list)).body;
    expect(first.access_codes).toMatchObject([
      { access_code_id: 'found-1', code: '1111', is_managed: false, status: 'set', slot: 1 },
      { access_code_id: 'found-2', code: null, cannot_be_managed: true },
    ]);
    expect(first.access_codes[0]).not.toHaveProperty('cannot_be_managed');
    const second = (await call('GET', `${list}&page_cursor=${first.pagination.next_page_cursor}`)).body;
    expect(second.access_codes).toMatchObject([{ access_code_id: 'found-3' }]);
    expect(second.pagination.next_page_cursor).toBeNull();
    expect(
      await call('GET', `${base}/list?device_id=${device_id}&page_cursor=${first.pagination.next_page_cursor}`),
    ).toMatchObject({ status: 400, body: { error: { type: 'mismatched_page_parameters' } } });
    const byDigits = await call('GET', `${base}/get?device_id=${device_id}&code=3333`);
    expect(byDigits.body.access_code.access_code_id).toBe('found-3');
    expect(await call('PATCH', `${base}/convert_to_managed`, { access_code_id: 'found-1', force: true })).toMatchObject(
      {
        status: 200,
        body: { ok: true },
      },
    );
    expect((await call('GET', '/access_codes/get?access_code_id=found-1')).body.access_code).toMatchObject({
      is_managed: true,
      code: '1111',
    });
    expect(await call('PATCH', `${base}/update`, { access_code_id: 'found-3', is_managed: false })).toMatchObject({
      status: 400,
    });
    expect(await call('PATCH', `${base}/update`, { access_code_id: 'found-3', is_managed: true })).toMatchObject({
      status: 200,
    });
    const removed = await call('DELETE', `${base}/delete?access_code_id=found-2`);
    expect(removed.body.action_attempt).toMatchObject({ action_type: 'DELETE_ACCESS_CODE' });
    expect((await call('POST', `${base}/list`, { device_id })).body.access_codes).toEqual([]);
    expect(await call('GET', `${base}/get?access_code_id=found-2`)).toMatchObject({
      status: 404,
      body: { error: { type: 'access_code_not_found' } },
    });
    expect(await call('GET', `${base}/list?device_id=nowhere`)).toMatchObject({ status: 404 });
    expect((await call('GET', `${base}/list?device_id=${hall.deviceId}`)).body.access_codes).toEqual([]);
  });
});
