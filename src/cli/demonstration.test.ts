import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { listApiKeys } from '../http/api-key-file.ts';
import { demoKey } from './run.ts';

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'strikeplate-demo-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const keyFile = join(path, 'demo.key');
  const apiKeys = join(path, 'api-keys');
  return { keyFile, apiKeys, make: () => demoKey(keyFile, apiKeys, Date.now) };
}

it('is made once, and printed again', async () => {
  const { keyFile, apiKeys, make } = folder();
  const key = await make();
  expect(await make()).toBe(key);
  expect(readFileSync(keyFile, 'utf8')).toBe(`${key}\n`);
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  expect(await listApiKeys(apiKeys)).toMatchObject([
    { name: 'demonstration', scopes: ['read', 'control', 'codes', 'metrics'] },
  ]);
});

it.each(['keyFile', 'apiKeys'] as const)('is made anew, and is the only one, when %s was lost', async (which) => {
  const made = folder();
  const key = await made.make();
  rmSync(made[which]);
  expect(await made.make()).not.toBe(key);
  expect(await listApiKeys(made.apiKeys)).toHaveLength(1);
});

it('says what to look at when the state directory is a file', async () => {
  const { keyFile, apiKeys } = folder();
  writeFileSync(keyFile, '');
  await expect(demoKey(`${keyFile}/demo.key`, apiKeys, () => 0)).rejects.toMatchObject({
    type: 'misconfigured',
    message: expect.stringContaining('Check the state directory'),
  });
});

it('is not left open to others in a file that was', async () => {
  const { keyFile, make } = folder();
  writeFileSync(keyFile, 'seam_gw1_old\n');
  chmodSync(keyFile, 0o644);
  await make();
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
});
