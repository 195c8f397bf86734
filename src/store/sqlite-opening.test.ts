import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore, temporaryDirectory } from '../../test/kit/store/sqlite-bench.ts';
import { accepted, uuid } from '../../test/kit/store/store-records.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('SqliteStore, opening', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  let path: string;
  beforeEach(() => {
    directory = temporaryDirectory();
    path = join(directory.path, 'var/strikeplate.db');
  });
  afterEach(() => directory.dispose());

  const refusal = async () => {
    const outcome = await openSqliteStore(path).then(
      async (store) => {
        await store.close();
        return undefined;
      },
      (error: unknown) => error,
    );
    expect(outcome).toMatchObject({ name: 'GatewayError', type: 'misconfigured' });
    return String(outcome);
  };

  it('makes directory and files for their owner alone', async () => {
    const store = await openSqliteStore(path);
    await store.commit([accepted(1)]);
    expect(modeOf(join(directory.path, 'var'))).toBe('700');
    const files = readdirSync(join(directory.path, 'var'));
    expect(files).toEqual(
      expect.arrayContaining(['strikeplate.db', 'strikeplate.db-wal', 'strikeplate.db.lock', 'strikeplate.db.reserve']),
    );
    for (const file of files) expect([file, modeOf(join(directory.path, 'var', file))]).toEqual([file, '600']);
    await store.close();
  });

  it('closes a database that others may read to them', async () => {
    await (await openSqliteStore(path)).close();
    chmodSync(path, 0o644);
    await (await openSqliteStore(path)).close();
    expect(modeOf(path)).toBe('600');
  });

  it('leaves everything in one file after a clean end', async () => {
    const store = await openSqliteStore(path);
    await store.commit([accepted(1)]);
    expect(store.read.attempt(uuid(1))?.seq).toBe(1);
    await store.close();
    cpSync(path, join(directory.path, 'copy.db'));
    const copy = await openSqliteStore(join(directory.path, 'copy.db'));
    expect(copy.read.attempt(uuid(1))?.seq).toBe(1);
    await copy.close();
  });

  it('refuses a second store in the same process', async () => {
    const store = await openSqliteStore(path);
    expect(await refusal()).toContain(`process ${process.pid}`);
    await store.commit([accepted(1)]);
    await store.close();
    await (await openSqliteStore(path)).close();
  });

  it('refuses a file that is no database, and leaves it as it is', async () => {
    mkdirSync(join(directory.path, 'var'));
    writeFileSync(path, 'a shopping list, and a long one at that: '.repeat(100));
    expect(await refusal()).toContain('is not a database');
    expect(statSync(path).size).toBe(4100);
  });

  it('refuses the database of another program, and leaves it as it is', async () => {
    mkdirSync(join(directory.path, 'var'));
    const other = new Database(path);
    other.exec('CREATE TABLE songs (title TEXT)');
    other.close();
    expect(await refusal()).toContain('another program');
    const unharmed = new Database(path);
    expect(unharmed.prepare('SELECT name FROM sqlite_master').raw().all([])).toEqual([['songs']]);
    unharmed.close();
  });

  it('refuses a database that a newer version wrote', async () => {
    await (await openSqliteStore(path)).close();
    const newer = new Database(path);
    newer.exec('PRAGMA user_version = 9999');
    newer.close();
    expect(await refusal()).toMatch(/newer version .*schema 9999/);
  });

  it('refuses a damaged database', async () => {
    await (await openSqliteStore(path)).close();
    const bytes = readFileSync(path);
    // What tells the kind of page that the schema is on (SQLite file format, section 1.6).
    bytes[100] = 0xa5;
    writeFileSync(path, bytes);
    expect(await refusal()).toContain('damaged');
  });

  it('says so when the place cannot be used', async () => {
    writeFileSync(join(directory.path, 'var'), '');
    expect(await refusal()).toContain('store.path');
    path = directory.path;
    expect(await refusal()).toContain('store.path');
  });

  it('can be opened again after a refusal', async () => {
    mkdirSync(join(directory.path, 'var'));
    writeFileSync(path, 'no database'.repeat(100));
    await refusal();
    writeFileSync(path, '');
    await (await openSqliteStore(path)).close();
  });
});
