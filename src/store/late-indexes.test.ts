import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { expect, it } from 'vitest';
import { openSqliteStore, temporaryDirectory } from '../../test/kit/store/sqlite-bench.ts';
import { accepted, deviceA, happened, settled, uuid } from '../../test/kit/store/store-records.ts';

/** A database as versions up to 0.1 wrote it, with one attempt that ended and its event. */
function databaseOfBefore(path: string): void {
  const folder = new URL('./migrations/', import.meta.url);
  const before = readdirSync(folder)
    .sort()
    .filter((file) => file < '0008');
  const database = new Database(path);
  for (const file of before) database.exec(readFileSync(new URL(file, folder), 'utf8'));
  database.exec(`PRAGMA application_id = ${0x5354504c}`);
  database.exec(`PRAGMA user_version = ${before.length}`);
  const id = (text: string) => Buffer.from(text.replaceAll('-', ''), 'hex');
  database
    .prepare(`INSERT INTO attempts VALUES (7, ?, ?, 'UNLOCK_DOOR', NULL, '["schedule"]', 5, 1, 6, '{}', NULL, '[]')`)
    .run([id(uuid(7)), id(deviceA)]);
  database
    .prepare(`INSERT INTO events (seq, event_id, event_type, device_id, occurred_at, created_at)
      VALUES (3, ?, 'lock.unlocked', ?, 5, 6)`)
    .run([id(uuid(3, 3)), id(deviceA)]);
  database.close();
}

it('finds again by id, device and time what an earlier version wrote', async () => {
  const directory = temporaryDirectory();
  const path = join(directory.path, 'strikeplate.db');
  databaseOfBefore(path);
  const store = await openSqliteStore(path);
  const old = store.read.attempt(uuid(7));
  expect(old).toMatchObject({ seq: 7, deviceId: deviceA, settlement: { status: 'success' } });
  await store.commit([
    accepted(8, { deviceId: deviceA }),
    settled(8),
    happened(4, { deviceId: deviceA, createdAt: 9 }),
  ]);
  expect(store.read.attempts({ deviceId: deviceA, limit: 5 }).map(({ seq }) => seq)).toEqual([8, 7]);
  expect(store.read.lastSettledAttempt(deviceA)?.seq).toBe(8);
  expect(store.read.event(uuid(3, 3))).toMatchObject({ seq: 3, eventType: 'lock.unlocked' });
  expect(store.read.events({ limit: 5, createdFrom: 6 }).map(({ seq }) => seq)).toEqual([3, 4]);
  expect(store.read.highestSeq()).toBe(8);
  // Its id is taken, though no unique index says so.
  await expect(store.commit([accepted(9, { actionAttemptId: uuid(7) })])).rejects.toThrow('was accepted before');
  await store.close();
  directory.dispose();
});

it('forgets with a row what stands of it in the index tables', async () => {
  const directory = temporaryDirectory();
  const path = join(directory.path, 'strikeplate.db');
  const store = await openSqliteStore(path, { rowsPerIndexing: 1 });
  await store.commit([accepted(1), settled(1), happened(1)]);
  await store.commit([accepted(2), settled(2), happened(2)]);
  await store.close();
  const database = new Database(path);
  database.exec('DELETE FROM attempts WHERE seq = 1');
  database.exec('DELETE FROM events WHERE seq = 1');
  for (const table of ['attempt_ids', 'attempts_of_device', 'event_ids', 'events_by_time'])
    expect([table, database.prepare(`SELECT number FROM ${table} WHERE number = 1`).raw().all([])]).toEqual([
      table,
      [],
    ]);
  database.close();
  directory.dispose();
});
