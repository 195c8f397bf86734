import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../composition/store.ts';
import { Secret } from '../contract/index.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { PairingFiles } from './pairing-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lost-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function start(newDatabase = false) {
  const store = {
    path: join(folder, 'db'),
    keyFile: join(folder, 'key'),
    retentionDays: 90,
    eventRetentionDays: 90,
    maxEvents: 1_000,
    auditDays: 9,
    peopleDays: undefined,
    noiseDays: 8,
  };
  const context = { clock: new SimulatedClock(), log: pino({ level: 'silent' }), onFatal: () => undefined };
  const opened = await openStore({ store, pairingsDir: folder, stateDir: folder }, context, { newDatabase });
  await opened.close();
}

const lost = { type: 'misconfigured', message: expect.stringMatching(/there was one.*restore.*--new-database/s) };

/** Everything of a database that lies on disk, or some of it. */
const remove = (...ends: string[]) => {
  for (const end of ends) rmSync(join(folder, `db${end}`), { force: true });
};

test('a first start begins with a new database, and so does one after pairing alone', async () => {
  const pairings = new PairingFiles({ folder: join(folder, 'pairings'), keyFile: join(folder, 'key'), randomBytes });
  pairings.write({ deviceId: 'a', driver: 'ble/nuki', name: 'A' }, new Secret('k'));
  await start();
  await start();
  remove('', '-wal', '-shm', '.lock', '.reserve');
  await expect(start()).rejects.toMatchObject(lost);
});

test.each([
  ['the file alone', () => remove('')],
  ['all of it', () => remove('', '-wal', '-shm', '.lock', '.reserve')],
  ['what is in it', () => truncateSync(join(folder, 'db'))],
  [
    'its rows',
    () => {
      const database = new Database(join(folder, 'db'));
      for (const table of ['facts', 'audit']) database.exec(`DELETE FROM ${table}`);
      database.close();
    },
  ],
])('a database that lost %s is noticed, and nothing is begun in its place unless told', async (_what, lose) => {
  await start();
  lose();
  await expect(start()).rejects.toMatchObject(lost);
  await expect(start()).rejects.toMatchObject(lost);
  await start(true);
  await start();
});

test('a key that went with the database leaves its other traces', async () => {
  await start();
  remove('');
  rmSync(join(folder, 'key'));
  expect(existsSync(join(folder, 'db.reserve'))).toBe(true);
  await expect(start()).rejects.toMatchObject(lost);
});
