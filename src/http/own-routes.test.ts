import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { frontDoor } from '../../test/kit/gateway/fake-devices.ts';
import { FakeGateway } from '../../test/kit/gateway/fake-gateway.ts';
import { fakeOwnServices } from '../../test/kit/gateway/fake-own-services.ts';
import { apiKey, httpFixture, keyWith } from '../../test/kit/gateway/http-fixture.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { createApiKey } from './api-key-changes.ts';
import { ApiKeys } from './api-keys.ts';
import { KeyAdministration } from './key-administration.ts';
import { KeyUse } from './key-use.ts';
import { RefusedKeys, type RefusedKeysReport } from './refused-keys.ts';
import { createHttpServer, type HttpServer } from './server.ts';

const log = pino({ level: 'silent' });
const wall = () => Date.UTC(2026, 4, 1);

describe('keys over HTTP', () => {
  let folder: string;
  let server: HttpServer;
  let admin: string;
  let clock: SimulatedClock;
  let own: ReturnType<typeof fakeOwnServices>;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'own-routes-'));
    const file = join(folder, 'api-keys');
    ({ key: admin } = await createApiKey(file, { name: 'admin', scopes: ['admin'] }, randomBytes, wall));
    clock = new SimulatedClock();
    const use = await KeyUse.open({ file: `${file}.used`, clock, log });
    const keys = await ApiKeys.open(file, clock, log, use);
    own = fakeOwnServices();
    server = createHttpServer({
      gateway: new FakeGateway(clock),
      keys,
      keyAdministration: new KeyAdministration({
        file,
        keys,
        use,
        random: randomBytes,
        wallTime: () => clock.wallTime(),
      }),
      audit: own.audit,
      holdMs: 0,
      log,
    });
  });
  afterEach(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  async function call(path: string, body: object, key = admin) {
    const answer = await server.inject({
      method: 'POST',
      url: path,
      headers: { authorization: `Bearer ${key}` },
      payload: body,
    });
    return { status: answer.statusCode, body: answer.json() };
  }
  const keysPath = '/strikeplate/api_keys';

  test('are made, used, changed, rotated and revoked, each at once', async () => {
    const made = await call(`${keysPath}/create`, { name: 'flat', device_ids: [frontDoor.deviceId] });
    expect(made).toMatchObject({
      status: 200,
      body: {
        token: expect.stringMatching(/^seam_gw1_\w{40}$/),
        api_key: { name: 'flat', scopes: ['read', 'control', 'codes'], last_used_at: null, expires_at: null },
      },
    });
    const { token, api_key } = made.body;
    const { api_key_id } = api_key;
    expect((await call('/devices/list', {}, token)).body.devices).toHaveLength(1);
    expect((await call(`${keysPath}/list`, {})).body.api_keys).toMatchObject([
      { name: 'admin' },
      { api_key_id, last_used_at: expect.any(String) },
    ]);
    await call(`${keysPath}/update`, { api_key_id, device_ids: null, scopes: ['read'] });
    expect((await call('/devices/list', {}, token)).body.devices).toHaveLength(3);
    expect((await call('/locks/lock_door', { device_id: frontDoor.deviceId }, token)).status).toBe(403);

    const rotated = await call(`${keysPath}/rotate`, { api_key_id, overlap_seconds: 60 });
    for (const key of [token, rotated.body.token]) expect((await call('/devices/list', {}, key)).status).toBe(200);
    await clock.advance(61_000);
    expect((await call('/devices/list', {}, token)).status).toBe(401);
    expect((await call('/devices/list', {}, rotated.body.token)).status).toBe(200);

    expect(await call(`${keysPath}/revoke`, { api_key_id })).toMatchObject({ status: 200 });
    expect((await call('/devices/list', {}, rotated.body.token)).status).toBe(401);
    expect(await call(`${keysPath}/revoke`, { api_key_id })).toMatchObject({
      status: 404,
      body: { error: { type: 'api_key_not_found' } },
    });
  });

  test('end when they are to', async () => {
    const expires_at = new Date(clock.wallTime() + 60_000).toISOString();
    const { body } = await call(`${keysPath}/create`, { name: 'guest', expires_at });
    expect((await call('/devices/list', {}, body.token)).status).toBe(200);
    await clock.advance(60_000);
    expect((await call('/devices/list', {}, body.token)).status).toBe(401);
  });

  test('need the scope admin, and are of this gateway’s devices', async () => {
    const { body } = await call(`${keysPath}/create`, { name: 'other' });
    expect((await call(`${keysPath}/list`, {}, body.token)).status).toBe(403);
    expect(await call(`${keysPath}/create`, { name: 'x', device_ids: ['nowhere'] })).toMatchObject({ status: 404 });
    const nowhere = { space_ids: ['nowhere'] };
    for (const [verb, params] of [
      ['create', { name: 'x', ...nowhere }],
      ['update', { api_key_id: body.api_key.api_key_id, ...nowhere }],
    ] as const)
      expect(await call(`${keysPath}/${verb}`, params)).toMatchObject({
        status: 404,
        body: { error: { type: 'space_not_found' } },
      });
    expect(
      await call(`${keysPath}/create`, { name: 'x', device_ids: [frontDoor.deviceId], scopes: ['admin'] }),
    ).toMatchObject({ status: 400, body: { error: { type: 'invalid_input' } } });
  });

  test('at once, many are made one after the other', async () => {
    const made = await Promise.all([1, 2, 3, 4].map((n) => call(`${keysPath}/create`, { name: `k${n}` })));
    expect(made.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await call(`${keysPath}/list`, {})).body.api_keys).toHaveLength(5);
  });

  test('leave a trace of who asked, before it is done, and of what was refused', async () => {
    await call(`${keysPath}/create`, { name: 'somebody', scopes: ['read'] });
    await call(`${keysPath}/revoke`, { api_key_id: 'key_none' });
    expect(own.entries).toMatchObject([
      { kind: 'asked', by: { kind: 'api_key' }, details: { route: `${keysPath}/create`, scopes: ['read'] } },
      { kind: 'asked', details: { route: `${keysPath}/revoke`, api_key_id: 'key_none' } },
      { kind: 'refused', details: { route: `${keysPath}/revoke`, error: 'api_key_not_found' } },
    ]);
    expect(JSON.stringify(own.entries)).not.toContain('somebody');
  });
});

test('the audit log is read with the scope admin, and shows each entry with its hash', async () => {
  const { call, own, keys } = httpFixture({ keys: { [apiKey]: keyWith(['admin']) } });
  await own.audit.write({ kind: 'gateway_started', by: { kind: 'gateway' }, details: { version: '1' } });
  const { status, body } = await call('GET', '/strikeplate/audit/list');
  expect(status).toBe(200);
  expect(body.audit_entries).toEqual([
    {
      seq: 1,
      at: '1970-01-01T00:00:00.000Z',
      kind: 'gateway_started',
      by: { kind: 'gateway' },
      details: { version: '1' },
      hash: '0'.repeat(64),
    },
  ]);
  keys.set(apiKey, keyWith(['read', 'control', 'codes', 'metrics']));
  expect((await call('GET', '/strikeplate/audit/list')).status).toBe(403);
});

describe('wrong keys', () => {
  const told: RefusedKeysReport[] = [];
  let clock: SimulatedClock;
  let refused: RefusedKeys;
  beforeEach(() => {
    told.length = 0;
    clock = new SimulatedClock();
    refused = new RefusedKeys(clock, (report) => told.push(report));
  });
  const unknown = { reason: 'unknown' } as const;

  test('are told of at once, then once a minute with how many', async () => {
    for (let time = 0; time < 41_000; time++) refused.refused('192.0.2.7', unknown);
    expect(told).toEqual([{ address: '192.0.2.7', reason: 'unknown', keyId: undefined, count: 1 }]);
    await clock.advance(60_000);
    expect(told.slice(1)).toMatchObject([{ address: '192.0.2.7', count: 40_999 }]);
    await clock.advance(600_000);
    expect(told).toHaveLength(2);
    refused.refused('192.0.2.7', { reason: 'revoked', keyId: 'key_9' });
    expect(told[2]).toMatchObject({ reason: 'revoked', keyId: 'key_9', count: 1 });
    expect(refused.totals).toEqual(
      new Map([
        ['unknown', 41_000],
        ['revoked', 1],
      ]),
    );
  });

  test('from very many addresses are told of together', async () => {
    for (let address = 0; address < 5_000; address++)
      refused.refused(`198.51.${address >> 8}.${address & 255}`, unknown);
    expect(told).toHaveLength(20);
    await clock.advance(60_000);
    expect(told.slice(20)).toEqual([{ address: undefined, reason: 'unknown', keyId: undefined, count: 4_980 }]);
  });

  test('slow down the network of an IPv6 address, and nobody else', () => {
    for (let host = 0; host < 20; host++) expect(refused.refused(`2001:db8:1:2::${host}`, unknown)).toBeUndefined();
    expect(refused.refused('2001:db8:1:2:ffff::1', unknown)).toBe(3);
    expect(refused.refused('2001:db8:1:3::1', unknown)).toBeUndefined();
    expect(refused.refused('192.0.2.1', unknown)).toBeUndefined();
  });

  test('slow nobody down who has a right key, not even behind the same address', async () => {
    const { call } = httpFixture();
    for (let time = 0; time < 40; time++)
      await call('GET', '/devices/list', undefined, { authorization: 'Bearer seam_gw1_x' });
    expect((await call('GET', '/devices/list', undefined, { authorization: 'Bearer seam_gw1_x' })).status).toBe(429);
    expect((await call('GET', '/devices/list')).status).toBe(200);
  });
});
