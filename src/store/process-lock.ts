import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import { GatewayError } from '../contract/index.ts';
import { keepOwner } from './keep-owner.ts';

/**
 * One gateway per database. The lock is SQLite's own on a file beside it: the operating system gives it back when the
 * process dies, however it dies, so none is ever left behind.
 */
export class ProcessLock {
  readonly #database: Database.Database;

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  /** @throws GatewayError `misconfigured`, to be tried again, when another process holds it */
  static take(path: string): ProcessLock {
    const file = `${path}.lock`;
    closeSync(openSync(file, 'a', 0o600));
    keepOwner(file);
    const database = new Database(file);
    try {
      database.exec('PRAGMA journal_mode = MEMORY');
      database.exec('PRAGMA synchronous = OFF');
      database.exec('BEGIN IMMEDIATE');
      leaveName(database);
      database.exec('BEGIN IMMEDIATE');
      return new ProcessLock(database);
    } catch (error) {
      const holder = error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY') && nameIn(database);
      database.close();
      if (typeof holder !== 'string') throw error;
      throw new GatewayError(
        'misconfigured',
        `The database ${path} is in use by ${holder}. Stop that gateway first, or give this one its own store.path.`,
        { retryAfterSeconds: 2 },
      );
    }
  }

  release(): void {
    this.#database.exec('ROLLBACK');
    this.#database.close();
  }
}

/** Process ids fit into the 32 bits that SQLite leaves to programs in a file's header. */
function leaveName(database: Database.Database): void {
  try {
    database.exec(`PRAGMA user_version = ${process.pid}`);
    database.exec('COMMIT');
  } catch {
    // A full disk: the lock holds all the same, it only does not say whose it is.
    if (database.inTransaction) database.exec('ROLLBACK');
  }
}

function nameIn(database: Database.Database): string {
  try {
    const [pid] = database.prepare('PRAGMA user_version').raw().get([]) as [number];
    return pid > 0 ? `process ${pid}` : 'another process';
  } catch {
    return 'another process';
  }
}

/** Whoever may read the database learns who went through which door: its owner alone. */
export function prepareDatabaseFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GatewayError(
      'misconfigured',
      `The database ${path} cannot be opened: ${why}. Check store.path, and that the gateway's user may write there.`,
      { cause: error },
    );
  }
}
