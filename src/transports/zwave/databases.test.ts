import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DriverDatabases } from './databases.ts';
import { loadZwaveDatabases } from './index.ts';

const files = await loadZwaveDatabases();

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zwave-cache-'));
  file = join(folder, '7e570001.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const opening = async () => {
  const databases = new DriverDatabases(files);
  const database = databases.factory.createInstance(file, {});
  return { databases, open: () => database.open() };
};

it('gives a lock back that is old by a clock that was set', async () => {
  const { databases, open } = await opening();
  await open();
  utimesSync(`${file}.lock`, new Date(0), new Date(0));
  await databases.close();
  expect(existsSync(`${file}.lock`)).toBe(false);
});

it('gives the lock back of a file that could not be read', async () => {
  const { databases, open } = await opening();
  mkdirSync(file);
  await expect(open()).rejects.toThrow(/EISDIR/);
  await databases.close();
  expect(existsSync(`${file}.lock`)).toBe(false);
});

it('leaves the lock of somebody else alone', async () => {
  const holder = await opening();
  await holder.open();
  const { databases, open } = await opening();
  await expect(open()).rejects.toThrow(/lock/);
  await databases.close();
  expect(existsSync(`${file}.lock`)).toBe(true);
  await holder.databases.close();
});
