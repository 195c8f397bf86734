import { SeamHttp } from '@seamapi/http';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { usualSettings } from '../../src/access-codes/settings.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { permissionScopes } from '../../src/model/permission.ts';
import { PacedClock } from '../kit/clock/paced-clock.ts';
import { coreFixture } from '../kit/gateway/core-fixture.ts';
import { apiKey, keyWith } from '../kit/gateway/http-fixture.ts';
import { ScriptedKeypad } from '../kit/locks/scripted-keypad.ts';
import { ScriptedLock } from '../kit/locks/scripted-lock.ts';

/* The official client and the core that looks after codes, on two keypads without hardware. */

let clock: PacedClock;
let server: HttpServer;
let seam: SeamHttp;
let keypads: Record<'front' | 'side', ScriptedKeypad>;
let stop: () => Promise<void>;

beforeEach(async () => {
  clock = new PacedClock();
  keypads = { front: new ScriptedKeypad(), side: new ScriptedKeypad() };
  const locks = Object.values(keypads).map((keypad) => {
    const lock = new ScriptedLock();
    lock.keypad = keypad;
    return lock;
  });
  const { core } = coreFixture({
    clock,
    accessCodes: { ...usualSettings, backupCodes: 1 },
    devices: locks.map(({ driver, link }, index) => ({ slug: index === 0 ? 'front' : 'side', driver, link })),
  });
  await core.start();
  server = createHttpServer({
    gateway: core,
    keys: { verify: (key) => (key === apiKey ? keyWith(permissionScopes) : undefined) },
    holdMs: 1_000,
    log: pino({ level: 'silent' }),
  });
  seam = new SeamHttp({ apiKey, endpoint: await server.listen({ host: '127.0.0.1', port: 0 }) });
  stop = () => core.stop(0);
});

afterEach(async () => {
  await server.close();
  await stop();
  await clock.stop();
});

const digitsOn = (door: 'front' | 'side') => [...keypads[door].slots.values()];

test('a code is made, changed and taken away, and the lock holds what it should each time', async () => {
  const created = await seam.accessCodes.create({ device_id: 'front', name: 'Ana', code: '582914' });
  expect(created).toMatchObject({ status: 'set', code: '582914' });
  const { access_code_id } = created;
  await seam.accessCodes.update({ access_code_id, code: '704163', name: 'Ben' });
  expect(await seam.accessCodes.get({ access_code_id })).toMatchObject({ status: 'set', code: '704163', name: 'Ben' });
  expect(digitsOn('front')).toContain('704163');
  expect(digitsOn('front')).not.toContain('582914');
  await seam.accessCodes.delete({ access_code_id });
  await seam.accessCodes.delete({ access_code_id });
  expect(digitsOn('front')).not.toContain('704163');
});

test('one stay on two doors has one code, however often it is asked for', async () => {
  const stay = { device_ids: ['front', 'side'], name: 'Ana', code: '582914' };
  const codes = await seam.accessCodes.createMultiple(stay);
  const again = await seam.accessCodes.createMultiple(stay);
  expect(again.map(({ access_code_id }) => access_code_id)).toEqual(codes.map(({ access_code_id }) => access_code_id));
  expect(digitsOn('front').filter((digits) => digits === '582914')).toHaveLength(1);
  expect(digitsOn('side').filter((digits) => digits === '582914')).toHaveLength(1);
  const common_code_key = codes[0]?.common_code_key ?? '';
  await seam.accessCodes.updateMultiple({ common_code_key, name: 'Ben' });
  expect((await seam.accessCodes.list({ device_id: 'side' })).map(({ name }) => name)).toEqual(['Ben']);
});

test('a code of the future waits, and says until when', async () => {
  const starts_at = new Date(clock.wallTime() + 7 * 86_400_000).toISOString();
  const ends_at = new Date(clock.wallTime() + 9 * 86_400_000).toISOString();
  const code = await seam.accessCodes.create({ device_id: 'front', code: '582914', starts_at, ends_at });
  expect(code).toMatchObject({
    status: 'unset',
    type: 'time_bound',
    starts_at,
    ends_at,
    pending_mutations: [{ mutation_code: 'deferring_creation' }],
  });
  expect(digitsOn('front')).not.toContain('582914');
});

test('digits are generated that the lock takes', async () => {
  const { code } = await seam.accessCodes.generateCode({ device_id: 'front' });
  expect(await seam.accessCodes.create({ device_id: 'front', code: code ?? '' })).toMatchObject({
    status: 'set',
    code,
  });
});

test('a guest whose code is not on the lock is let in by a backup one', async () => {
  expect((await seam.devices.get({ device_id: 'front' })).properties).toMatchObject({
    supports_backup_access_code_pool: true,
  });
  const ends_at = new Date(clock.wallTime() + 86_400_000).toISOString();
  const params = { device_id: 'front', code: '582914', ends_at, use_backup_access_code_pool: true };
  const { access_code_id } = await seam.accessCodes.create(params);
  const available = async () => (await seam.accessCodes.get({ access_code_id })).is_backup_access_code_available;
  while (!(await available())) await new Promise((resolve) => setTimeout(resolve, 5));
  const body = await seam.accessCodes.pullBackupAccessCode({ access_code_id }).fetchResponse();
  expect(body).toMatchObject({ backup_access_code: { is_backup: true, status: 'set', type: 'time_bound' } });
  const { access_code } = body;
  expect(access_code.pulled_backup_access_code_id).toEqual(expect.any(String));
});
