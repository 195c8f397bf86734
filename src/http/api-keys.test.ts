import { hash, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { canonicalJson } from '../config/canonical-json.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { createApiKey, revokeApiKey, updateApiKey } from './api-key-changes.ts';
import { listApiKeys } from './api-key-file.ts';
import { ApiKeys } from './api-keys.ts';

const wallTime = () => Date.UTC(2026, 4, 1);
const silent = pino({ level: 'silent' });
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'api-keys-'));
  file = join(folder, 'var', 'api-keys');
});
afterEach(() => rm(folder, { recursive: true }));

const create = (name: string) => createApiKey(file, { name }, randomBytes, wallTime);

describe('the file', () => {
  test('a key looks as the official clients demand, and only its hash is kept, for the owner alone', async () => {
    const { id, key } = await create('Front desk');
    expect(key).toMatch(/^seam_gw1_[0-9A-Za-z]{40}$/);
    expect(key).not.toMatch(/^seam_(at|cst|pk)/);
    const text = await readFile(file, 'utf8');
    expect(text).not.toContain(key.slice('seam_gw1_'.length));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await listApiKeys(file)).toEqual([
      {
        id,
        name: 'Front desk',
        created_at: '2026-05-01T00:00:00.000Z',
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        scopes: ['read', 'control', 'codes', 'metrics'],
      },
    ]);
    expect(await readdir(join(folder, 'var'))).toEqual(['api-keys']);
  });

  test('a byte that would favour some characters is skipped', async () => {
    let drawn = 0;
    const random = (size: number) => Uint8Array.from({ length: size }, () => (drawn++ % 2 === 0 ? 248 : 61));
    const { key } = await createApiKey(file, { name: 'a' }, random, wallTime);
    expect(key).toBe(`seam_gw1_${'z'.repeat(40)}`);
  });

  test('names are checked, and scopes kept in one order', async () => {
    await expect(create('  ')).rejects.toMatchObject({ type: 'invalid_input' });
    await expect(create('x'.repeat(61))).rejects.toMatchObject({ type: 'invalid_input' });
    await expect(createApiKey(file, { name: 'a', scopes: [] }, randomBytes, wallTime)).rejects.toThrow(/scope/);
    await createApiKey(file, { name: 'a', scopes: ['codes', 'read'] }, randomBytes, wallTime);
    expect((await listApiKeys(file))[0]?.scopes).toEqual(['read', 'codes']);
    await expect(create('a')).rejects.toThrow(/already/);
    expect(await listApiKeys(file)).toHaveLength(1);
  });

  test('revokes by id or name, and says when there is nothing to revoke', async () => {
    const { id } = await create('a');
    await create('b');
    expect((await revokeApiKey(file, id, wallTime)).name).toBe('a');
    await revokeApiKey(file, 'b', wallTime);
    expect(await listApiKeys(file)).toEqual([]);
    await expect(revokeApiKey(file, 'b', wallTime)).rejects.toThrow(/no API key "b"/);
  });

  test('two commands at once never lose a key', async () => {
    const made = await Promise.allSettled([create('a'), create('b'), create('c')]);
    const kept = made.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.id] : []));
    expect(kept.length).toBeGreaterThan(0);
    expect((await listApiKeys(file)).map(({ id }) => id).sort()).toEqual(kept.sort());
    for (const outcome of made) if (outcome.status === 'rejected') expect(outcome.reason.message).toMatch(/Try again/);
  });

  test('what a command that died left behind is in nobody’s way', async () => {
    await create('a');
    await writeFile(`${file}.new`, '{"half');
    await utimes(`${file}.new`, new Date(wallTime() - 60_000), new Date(wallTime() - 60_000));
    await create('b');
    expect((await listApiKeys(file)).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('a file that cannot be used is named, never overwritten', async () => {
    await create('a');
    await writeFile(file, '{"version":1,"keys":[{"id":""}]}');
    await expect(create('b')).rejects.toMatchObject({ type: 'misconfigured' });
    await expect(listApiKeys(file)).rejects.toThrow(file);
    await writeFile(file, 'not JSON');
    await expect(create('b')).rejects.toThrow(/not valid JSON/);
    expect(await readFile(file, 'utf8')).toBe('not JSON');
  });
});

describe('a file of an older version', () => {
  const digestOf = (keys: unknown) => hash('sha256', canonicalJson([keys, []]), 'hex');
  const record = async () => {
    const [made] = (JSON.parse(await readFile(file, 'utf8')) as { readonly keys: readonly object[] }).keys;
    return made ?? {};
  };

  test.each([1, 2])('%i is taken as it is, and written anew with the first change', async (version) => {
    const { id } = await create('a');
    const keys = [await record()];
    await writeFile(
      file,
      JSON.stringify({ version, keys, ...(version === 2 && { digest: digestOf(keys), revoked: [] }) }),
    );
    expect((await listApiKeys(file)).map((key) => key.id)).toEqual([id]);
    await updateApiKey(file, id, { spaces: ['space-1'], scopes: ['read'] }, wallTime);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ version: 3, keys: [{ id, spaces: ['space-1'] }] });
  });

  test('knows no spaces: one that has some was changed by hand, and is refused rather than read as unrestricted', async () => {
    await create('a');
    const keys = [{ ...(await record()), spaces: ['space-1'] }];
    await writeFile(file, JSON.stringify({ version: 2, digest: digestOf(keys), keys, revoked: [] }));
    await expect(listApiKeys(file)).rejects.toMatchObject({ type: 'misconfigured' });
  });
});

describe('the running gateway', () => {
  test('reads anew at each question what is in the spaces of a key', async () => {
    const doors = new Map([['space-1', ['front']]]);
    const request = { name: 'a', devices: ['gate'], spaces: ['space-1', 'gone'] };
    const { key } = await createApiKey(file, request, randomBytes, wallTime);
    const keys = await ApiKeys.open(file, new SimulatedClock(), silent, undefined, (id) => doors.get(id) ?? []);
    const found = await keys.verify(key);
    const reached = () => [...(found?.devices ?? [])];
    expect([reached(), found?.scopes.has('metrics')]).toEqual([['gate', 'front'], false]);
    doors.set('space-1', ['side']);
    expect([reached(), found?.devices?.has('front'), found?.devices?.has('side')]).toEqual([
      ['gate', 'side'],
      false,
      true,
    ]);
    doors.clear();
    expect([reached(), found?.devices?.has('side')]).toEqual([['gate'], false]);
    // Nobody who knows: nothing.
    const alone = await (await ApiKeys.open(file, new SimulatedClock(), silent)).verify(key);
    expect([...(alone?.devices ?? ['all'])]).toEqual(['gate']);
  });

  test('takes one restriction away and leaves the other, and widens nothing by that', async () => {
    const request = { name: 'a', devices: ['gate'], spaces: ['space-1'] };
    const { id } = await createApiKey(file, request, randomBytes, wallTime);
    expect(await updateApiKey(file, id, { devices: null }, wallTime)).toMatchObject({ spaces: ['space-1'] });
    await expect(updateApiKey(file, id, { scopes: ['admin'] }, wallTime)).rejects.toMatchObject({
      type: 'invalid_input',
    });
    await expect(updateApiKey(file, id, { spaces: [] }, wallTime)).rejects.toMatchObject({ type: 'invalid_input' });
    const whole = await updateApiKey(file, id, { spaces: null }, wallTime);
    expect([whole.devices, whole.spaces]).toEqual([undefined, undefined]);
  });

  test('knows its keys and their scopes', async () => {
    const { key, id } = await createApiKey(file, { name: 'a', scopes: ['read'] }, randomBytes, wallTime);
    const keys = await ApiKeys.open(file, new SimulatedClock(), silent);
    expect(keys.size).toBe(1);
    expect(keys.verify(key)).toMatchObject({ id, name: 'a', scopes: new Set(['read']) });
    expect(await keys.verify(`${key}x`)).toBeUndefined();
    expect(await keys.verify('')).toBeUndefined();
  });

  test('starts without a file, and takes a new key at once', async () => {
    const keys = await ApiKeys.open(file, new SimulatedClock(), silent);
    expect(keys.size).toBe(0);
    const { key, id } = await create('a');
    expect(await keys.verify(key)).toMatchObject({ id });
  });

  test('stops accepting a revoked key within a second', async () => {
    const { key, id } = await create('a');
    const clock = new SimulatedClock();
    const keys = await ApiKeys.open(file, clock, silent);
    await revokeApiKey(file, id, wallTime);
    expect(keys.verify(key)).toMatchObject({ id });
    await clock.advance(1000);
    expect(await keys.verify(key)).toBeUndefined();
  });

  test('keeps its keys when somebody’s edit went wrong, and none when the file is gone', async () => {
    const { key, id } = await create('a');
    const clock = new SimulatedClock();
    const log = pino({ level: 'silent' });
    const error = vi.spyOn(log, 'error');
    const keys = await ApiKeys.open(file, clock, log);
    await writeFile(file, 'oops');
    await clock.advance(1000);
    expect(await keys.verify(key)).toMatchObject({ id });
    await clock.advance(1000);
    expect(await keys.verify(key)).toMatchObject({ id });
    expect(error).toHaveBeenCalledTimes(1);
    await unlink(file);
    await clock.advance(1000);
    expect(await keys.verify(key)).toBeUndefined();
  });

  test('refuses to start with a file that cannot be used', async () => {
    await create('a');
    await writeFile(file, '[]');
    await expect(ApiKeys.open(file, new SimulatedClock(), silent)).rejects.toMatchObject({ type: 'misconfigured' });
  });

  test.each([0o666, 0o660, 0o602])('refuses to start with a file that others may write: mode %o', async (mode) => {
    await create('a');
    await chmod(file, mode);
    await expect(ApiKeys.open(file, new SimulatedClock(), silent)).rejects.toMatchObject({
      type: 'misconfigured',
      message: expect.stringContaining(`chmod 600 ${file}`),
    });
  });

  test('goes on with the keys it has while others may write the file, and takes none from it', async () => {
    const { key } = await create('a');
    const clock = new SimulatedClock();
    const keys = await ApiKeys.open(file, clock, silent);
    const { key: strangers } = await create('b');
    await chmod(file, 0o666);
    await clock.advance(1_000);
    expect([await keys.verify(strangers), (await keys.verify(key))?.name]).toEqual([undefined, 'a']);
    await chmod(file, 0o600);
    await clock.advance(1_000);
    expect((await keys.verify(strangers))?.name).toBe('b');
  });
});
