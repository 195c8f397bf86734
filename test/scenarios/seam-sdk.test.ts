import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  getOpenapiSchema,
  isSeamActionAttemptFailedError,
  isSeamActionAttemptTimeoutError,
  SeamHttp,
  SeamHttpApiError,
  SeamHttpInvalidInputError,
  SeamHttpUnauthorizedError,
} from '@seamapi/http';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { createApiKey } from '../../src/http/api-key-changes.ts';
import { ApiKeys } from '../../src/http/api-keys.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import type { Settlement } from '../../src/model/records.ts';
import { frontDoor, gate, hall } from '../kit/gateway/fake-devices.ts';
import { FakeGateway } from '../kit/gateway/fake-gateway.ts';

const moved: Settlement = { status: 'success', result: { was_confirmed_by_device: true } };
const done: Settlement = { status: 'success', result: {} };
const jammed: Settlement = {
  status: 'error',
  error: { type: 'lock_jammed', message: 'The bolt of Front door is stuck. Check that the door is shut.' },
};
/** As fast as the client can: an attempt that ends is seen at its next look. */
const waiting = { waitForActionAttempt: { timeout: 240_000, pollingInterval: 1 } };

let folder: string;
let server: HttpServer;
let gateway: FakeGateway;
let endpoint: string;
let apiKey: string;
let seam: SeamHttp;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seam-sdk-'));
  const clock = new SimulatedClock();
  const log = pino({ level: 'silent' });
  const file = join(folder, 'api-keys');
  ({ key: apiKey } = await createApiKey(file, { name: 'Test' }, randomBytes, () => clock.wallTime()));
  gateway = new FakeGateway(clock);
  server = createHttpServer({ gateway, keys: await ApiKeys.open(file, clock, log), holdMs: 0, log });
  endpoint = await server.listen({ host: '127.0.0.1', port: 0 });
  seam = new SeamHttp({ apiKey, endpoint });
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** What the official client throws. */
async function thrown(request: PromiseLike<unknown>): Promise<unknown> {
  try {
    await request;
  } catch (error) {
    return error;
  }
  throw new Error('the request should have failed');
}

describe('doors', () => {
  test('lock and unlock are final in the first answer when the door is fast', async () => {
    gateway.outcome = () => moved;
    const locked = await seam.locks.lockDoor({ device_id: frontDoor.deviceId });
    expect(locked).toMatchObject({
      action_type: 'LOCK_DOOR',
      status: 'success',
      result: { was_confirmed_by_device: true },
    });
    const unlocked = await seam.locks.unlockDoor({ device_id: gate.deviceId });
    expect(unlocked).toMatchObject({ action_type: 'UNLOCK_DOOR', status: 'success', error: null });
    expect(gateway.accepted).toHaveLength(2);
  });

  test('the client waits for an attempt that takes longer', async () => {
    let looks = 0;
    const { get } = gateway.attempts;
    gateway.attempts.get = (id) => {
      if (++looks === 3) gateway.end(moved, id);
      return get(id);
    };
    const attempt = await seam.locks.unlockDoor({ device_id: frontDoor.deviceId }, waiting);
    expect(attempt.status).toBe('success');
    expect(looks).toBeGreaterThanOrEqual(3);
  });

  test('a jammed lock is a failed attempt with a code and a text', async () => {
    gateway.outcome = () => jammed;
    const error = await thrown(seam.locks.lockDoor({ device_id: frontDoor.deviceId }));
    if (!isSeamActionAttemptFailedError(error)) throw error;
    expect(error.code).toBe('lock_jammed');
    expect(error.message).toBe('The bolt of Front door is stuck. Check that the door is shut.');
    expect(error.actionAttempt).toMatchObject({ action_type: 'LOCK_DOOR', status: 'error', result: null });
  });

  test('a client that gives up waiting leaves the attempt alone', async () => {
    const impatient = { waitForActionAttempt: { timeout: 1, pollingInterval: 1 } };
    const error = await thrown(seam.locks.unlockDoor({ device_id: frontDoor.deviceId }, impatient));
    if (!isSeamActionAttemptTimeoutError(error)) throw error;
    expect(error.actionAttempt.status).toBe('pending');
    gateway.end(moved);
    const { action_attempt_id } = error.actionAttempt;
    expect(await seam.actionAttempts.get({ action_attempt_id })).toMatchObject({ status: 'success' });
  });

  test('not waiting shows the pending attempt', async () => {
    const attempt = await seam.locks.unlockDoor({ device_id: frontDoor.deviceId }, { waitForActionAttempt: false });
    expect(attempt).toEqual({
      action_attempt_id: gateway.accepted[0]?.actionAttemptId,
      action_type: 'UNLOCK_DOOR',
      status: 'pending',
      result: null,
      error: null,
    });
  });

  test('get and list', async () => {
    expect(await seam.locks.list()).toHaveLength(2);
    expect(await seam.locks.get({ device_id: gate.deviceId })).toMatchObject({ display_name: 'Gate' });
    expect(await seam.devices.get({ name: 'Front door' })).toMatchObject({ device_id: frontDoor.deviceId });
    expect(await seam.devices.list({ device_ids: [hall.deviceId] })).toHaveLength(1);
    expect(await seam.devices.list({ search: 'gate', custom_metadata_has: {} })).toHaveLength(1);
    expect(await seam.devices.list({ custom_metadata_has: { room: '12', vip: true } })).toHaveLength(0);
  });
});

describe('errors', () => {
  test('wrong types come with a text per parameter', async () => {
    const wrong = { device_id: 7, sync: 'yes' } as unknown as { device_id: string };
    const error = await thrown(seam.locks.unlockDoor(wrong));
    if (!(error instanceof SeamHttpInvalidInputError)) throw error;
    expect(error.statusCode).toBe(400);
    expect(error.code).toBe('invalid_input');
    expect(error.getValidationErrorMessages('device_id')).toEqual([expect.stringContaining('expected string')]);
    expect(error.getValidationErrorMessages('sync')).toEqual([expect.stringContaining('expected boolean')]);
    expect(error.requestId).toMatch(/^\S{30,}$/);
  });

  test('wrong types in a query too, and rules across parameters in the message', async () => {
    const limit = 'many' as unknown as number;
    const error = await thrown(seam.devices.list({ limit }));
    if (!(error instanceof SeamHttpInvalidInputError)) throw error;
    expect(error.getValidationErrorMessages('limit')).toEqual([expect.stringContaining('expected number')]);
    const both = await thrown(seam.accessCodes.list({ search: 'x' } as unknown as { device_id: string }));
    if (!(both instanceof SeamHttpInvalidInputError)) throw both;
    expect(both.message).toMatch(/^Give device_id, access_code_ids, /);
  });

  test('an unknown key is unauthorized, on commands as on reads', async () => {
    const stranger = new SeamHttp({ apiKey: 'seam_gw1_stranger', endpoint });
    for (const request of [stranger.devices.list(), stranger.locks.unlockDoor({ device_id: frontDoor.deviceId })]) {
      const error = await thrown(request);
      if (!(error instanceof SeamHttpUnauthorizedError)) throw error;
      expect(error.code).toBe('unauthorized');
      expect(error.requestId).toMatch(/^\S{30,}$/);
    }
    expect(gateway.accepted).toEqual([]);
  });

  const apiError = async (request: PromiseLike<unknown>) => {
    const error = await thrown(request);
    if (!(error instanceof SeamHttpApiError)) throw error;
    return { status: error.statusCode, code: error.code };
  };

  test('404, 409, 400 and 405 keep their types', async () => {
    const device_id = frontDoor.deviceId;
    expect(await apiError(seam.devices.get({ device_id: 'x' }))).toEqual({ status: 404, code: 'device_not_found' });
    expect(await apiError(seam.actionAttempts.get({ action_attempt_id: 'x' }))).toEqual({
      status: 404,
      code: 'action_attempt_not_found',
    });
    await seam.accessCodes.create({ device_id, code: '1234' });
    expect(await apiError(seam.accessCodes.create({ device_id, code: '1234' }))).toEqual({
      status: 409,
      code: 'duplicate_access_code',
    });
    expect(await apiError(seam.locks.unlockDoor({ device_id: hall.deviceId }))).toEqual({
      status: 400,
      code: 'unsupported_action',
    });
    expect(await apiError(seam.client.put('/locks/list'))).toEqual({ status: 405, code: 'method_not_allowed' });
    expect(await apiError(seam.client.get('/thermostats/list'))).toEqual({ status: 404, code: 'not_found' });
  });
});

describe('lists', () => {
  test('the paginator walks through devices, attempts and codes', async () => {
    const device_id = frontDoor.deviceId;
    for (const code of ['1111', '2222', '3333']) await seam.accessCodes.create({ device_id, code });
    const devices = await seam.createPaginator(seam.devices.list({ limit: 2 })).flattenToArray();
    expect(devices.map((device) => device.display_name)).toEqual(['Front door', 'Gate', 'Hall noise']);
    const attempts = await seam.createPaginator(seam.actionAttempts.list({ device_id, limit: 1 })).flattenToArray();
    expect(attempts.map((attempt) => attempt.action_attempt_id)).toEqual(
      gateway.accepted.map(({ actionAttemptId }) => actionAttemptId).reverse(),
    );
    const paginator = seam.createPaginator(seam.accessCodes.list({ device_id, limit: 2 }));
    const [first, { hasNextPage, nextPageCursor }] = await paginator.firstPage();
    expect(first.map(({ code }) => code)).toEqual(['1111', '2222']);
    expect(hasNextPage).toBe(true);
    const [second, end] = await paginator.nextPage(nextPageCursor);
    expect(second.map(({ code }) => code)).toEqual(['3333']);
    expect(end).toMatchObject({ hasNextPage: false, nextPageCursor: null });
    const byId = await seam.actionAttempts.list({ action_attempt_ids: [attempts[1]?.action_attempt_id ?? ''] });
    expect(byId).toHaveLength(1);
  });
});

test('a code is created, listed, got and deleted', async () => {
  const device_id = frontDoor.deviceId;
  const created = await seam.accessCodes.create({ device_id, name: 'Ana', code: '582914' });
  expect(created).toMatchObject({ name: 'Ana', code: '582914', status: 'setting', type: 'ongoing', is_managed: true });
  gateway.end(done);
  const { access_code_id } = created;
  expect(await seam.accessCodes.get({ access_code_id })).toMatchObject({ status: 'set' });
  expect(await seam.accessCodes.get({ device_id, code: '582914' })).toMatchObject({ access_code_id });
  expect(await seam.accessCodes.list({ device_id })).toHaveLength(1);
  expect(await seam.accessCodes.list({ access_code_ids: [access_code_id] })).toHaveLength(1);
  expect(await seam.accessCodes.delete({ access_code_id })).toBeUndefined();
  expect(await seam.accessCodes.get({ access_code_id })).toMatchObject({ status: 'removing' });
  gateway.end(done);
  expect(await seam.accessCodes.list({ device_id })).toEqual([]);
});

test('the whole answer of a create and a delete has the attempt', async () => {
  gateway.outcome = () => done;
  const body = await seam.accessCodes.create({ device_id: frontDoor.deviceId }).fetchResponse();
  expect(body).toMatchObject({
    ok: true,
    access_code: { status: 'set', code: expect.stringMatching(/^\d+$/) },
    action_attempt: {
      action_type: 'CREATE_ACCESS_CODE',
      status: 'success',
      result: { access_code: { status: 'set' } },
    },
  });
  const { access_code_id } = body.access_code;
  const removal = await seam.accessCodes.delete({ access_code_id }).fetchResponse();
  expect(removal).toMatchObject({ action_attempt: { action_type: 'DELETE_ACCESS_CODE', status: 'success' } });
});

test('a threshold is created, got, listed and deleted', async () => {
  gateway.outcome = () => done;
  const { noiseThresholds } = seam.noiseSensors;
  const created = await noiseThresholds.create({
    device_id: hall.deviceId,
    starts_daily_at: '22:00:00[Europe/Zurich]',
    ends_daily_at: '06:00:00[Europe/Zurich]',
    noise_threshold_decibels: 60,
  });
  expect(created).toMatchObject({ starts_daily_at: '22:00:00[Europe/Zurich]', noise_threshold_decibels: 60 });
  const { noise_threshold_id, device_id } = created;
  expect(await noiseThresholds.get({ noise_threshold_id })).toEqual(created);
  expect(await noiseThresholds.list({ device_id })).toEqual([created]);
  await noiseThresholds.delete({ noise_threshold_id, device_id });
  expect(await noiseThresholds.list({ device_id })).toEqual([]);
  expect(await seam.noiseSensors.list()).toMatchObject([{ device_id }]);
  expect(gateway.accepted.map(({ actionType }) => actionType)).toEqual([
    'CREATE_NOISE_THRESHOLD',
    'REMOVE_NOISE_THRESHOLD',
  ]);
});

test('the workspace is the gateway', async () => {
  expect(await seam.workspaces.get()).toMatchObject({ name: 'Lobby', is_sandbox: false });
});

test('the API description is there for whoever asks', async () => {
  expect(await getOpenapiSchema(endpoint)).toMatchObject({ info: { title: 'Strikeplate' } });
});

test('older releases send POST for everything', async () => {
  gateway.outcome = () => done;
  const post = async (path: string, body?: unknown) => {
    const answer = await fetch(endpoint + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect([path, answer.status]).toEqual([path, 200]);
    return JSON.parse(await answer.text());
  };
  const device_id = frontDoor.deviceId;
  expect((await post('/devices/list')).devices).toHaveLength(3);
  expect((await post('/devices/list', {})).devices).toHaveLength(3);
  expect((await post('/locks/list', { limit: 1 })).locks).toHaveLength(1);
  await post('/devices/get', { device_id });
  await post('/locks/get', { device_id });
  await post('/workspaces/get');
  await post('/noise_sensors/list', {});
  const { access_code, action_attempt } = await post('/access_codes/create', { device_id, code: '1234' });
  await post('/action_attempts/get', { action_attempt_id: action_attempt.action_attempt_id });
  await post('/action_attempts/list', { action_attempt_ids: [action_attempt.action_attempt_id] });
  await post('/access_codes/get', { access_code_id: access_code.access_code_id });
  await post('/access_codes/list', { device_id });
  await post('/access_codes/delete', { access_code_id: access_code.access_code_id });
  await post('/health');
});

test('a command sent twice under one Idempotency-Key moves the door once', async () => {
  gateway.outcome = () => moved;
  const twice = new SeamHttp({ apiKey, endpoint, axiosOptions: { headers: { 'idempotency-key': 'booking-7' } } });
  const attempts = await Promise.all([
    twice.locks.unlockDoor({ device_id: frontDoor.deviceId }),
    twice.locks.unlockDoor({ device_id: frontDoor.deviceId }),
  ]);
  expect(attempts[0]).toEqual(attempts[1]);
  expect(gateway.accepted).toHaveLength(1);
});
