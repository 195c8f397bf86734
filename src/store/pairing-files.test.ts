import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Secret } from '../contract/index.ts';
import { PairingFiles } from './pairing-files.ts';

let folder: string;
let files: PairingFiles;
const front = { deviceId: 'front-id', driver: 'ble/nuki', name: 'Front door' };
const back = { deviceId: 'back-id', driver: 'ble/nuki', name: 'Back door' };
const path = (device = front) => join(folder, 'pairings', `${device.deviceId}.json`);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pairing-'));
  files = new PairingFiles({ folder: join(folder, 'pairings'), keyFile: join(folder, 'store.key'), randomBytes });
});

afterEach(() => rmSync(folder, { recursive: true }));

it('gives back what was kept, over processes, and the newest of it', () => {
  expect(files.read(front)).toBeUndefined();
  files.write(front, new Secret('first'));
  files.write(front, new Secret('shared key 0123456789abcdef'));
  const later = new PairingFiles({ folder: join(folder, 'pairings'), keyFile: join(folder, 'store.key'), randomBytes });
  expect(later.read(front)?.reveal()).toBe('shared key 0123456789abcdef');
  expect(later.read(back)).toBeUndefined();
});

it('keeps it from others, and in no readable form', () => {
  files.write(front, new Secret('shared key 0123456789abcdef'));
  expect(statSync(path()).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'store.key')).mode & 0o777).toBe(0o600);
  expect(readFileSync(path(), 'utf8')).not.toContain('0123456789abcdef');
});

it('never says the same bytes twice', () => {
  files.write(front, new Secret('same'));
  const one = readFileSync(path(), 'utf8');
  files.write(front, new Secret('same'));
  expect(readFileSync(path(), 'utf8')).not.toBe(one);
});

it.each([
  ['another device’s', () => cpSync(path(back), path()), 'another device'],
  [
    'another device’s, renamed inside',
    () => writeFileSync(path(), readFileSync(path(back), 'utf8').replace('back-id', 'front-id')),
    'changed on disk',
  ],
  ['half a file', () => writeFileSync(path(), '{"version":1,'), 'no form'],
  ['changed', () => writeFileSync(path(), readFileSync(path(), 'utf8').replace(/("sealed": ")./, '$1_')), 'no form'],
  ['sealed with a key that is gone', () => rmSync(join(folder, 'store.key')), 'missing'],
  [
    'sealed with another key',
    () => writeFileSync(join(folder, 'store.key'), randomBytes(32), { mode: 0o600 }),
    'another key',
  ],
])('%s is refused with a word on what to do', (_case, spoil, why) => {
  files.write(back, new Secret('other'));
  files.write(front, new Secret('shared key'));
  spoil();
  expect(() => files.read(front)).toThrow(why);
  expect(() => files.read(front)).toThrow(/Front door .* pair again\./);
});
