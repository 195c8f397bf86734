import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';

/** `STPL`: tells our files from other programs' (SQLite file format, section 1.3.14). */
const applicationId = 0x5354504c;

/** Small pages: a commit writes whole ones (docs/decisions, the store). Fixed once a database exists. */
const pageBytes = 1024;

/** How long to wait for another program that writes, such as a person's sqlite3, in milliseconds. A guess. */
const busyMs = 2_000;

/** @param {Database.Database} database @param {string} sql @returns {unknown} */
export const scalar = (database, sql) => /** @type {unknown[]} */ (database.prepare(sql).raw().get([]))[0];

/**
 * Opens the one connection that writes and brings the database up to date.
 * @param {string} path @param {string} migrations
 * @returns {Database.Database}
 * @throws Error whose message says what is wrong with the file and what to do
 */
export function openDatabase(path, migrations) {
  const database = new Database(path, { timeout: busyMs });
  try {
    refuseForeign(database, path);
    database.exec(`PRAGMA page_size = ${pageBytes}`);
    database.exec('PRAGMA temp_store = MEMORY');
    const mode = scalar(database, 'PRAGMA journal_mode = WAL');
    if (mode !== 'wal') {
      throw new Error(`The file system of ${path} cannot hold a write-ahead log. Put store.path on a local disk.`);
    }
    database.exec('PRAGMA synchronous = FULL');
    // Checkpoints wait until nobody waits for a commit.
    database.exec('PRAGMA wal_autocheckpoint = 0');
    migrate(database, path, migrations);
    rememberRecent(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** @param {Database.Database} database @param {string} path */
function refuseForeign(database, path) {
  try {
    const id = scalar(database, 'PRAGMA application_id');
    const tables = scalar(database, 'SELECT count(*) FROM sqlite_master');
    if (id !== applicationId && (id !== 0 || tables !== 0)) {
      throw new Error(`${path} is the database of another program. Give store.path a file of its own.`);
    }
  } catch (error) {
    const code = codeOf(error);
    if (code === 'SQLITE_NOTADB') {
      throw new Error(`${path} is not a database. Give store.path another file, or restore a backup.`);
    }
    if (code.startsWith('SQLITE_CORRUPT')) {
      throw new Error(`The database ${path} is damaged. Move it away, and restore a backup or start with a new one.`);
    }
    throw error;
  }
}

/** @param {Database.Database} database @param {string} path @param {string} folder a `file:` URL */
function migrate(database, path, folder) {
  const files = readdirSync(fileURLToPath(folder))
    .filter((file) => file.endsWith('.sql'))
    .sort();
  for (const [index, file] of files.entries()) {
    if (Number(file.slice(0, 4)) !== index + 1) throw new Error(`A migration is missing before ${file}.`);
  }
  const version = Number(scalar(database, 'PRAGMA user_version'));
  if (version > files.length) {
    throw new Error(
      `The database ${path} was written by a newer version of the gateway (schema ${version}, this one knows ` +
        `${files.length}). Install that version again, or restore the backup made before the update.`,
    );
  }
  for (const [index, file] of files.entries()) {
    if (index < version) continue;
    database.exec('BEGIN IMMEDIATE');
    database.exec(readFileSync(new URL(file, folder), 'utf8'));
    database.exec(`PRAGMA application_id = ${applicationId}`);
    database.exec(`PRAGMA user_version = ${index + 1}`);
    database.exec('COMMIT');
  }
}

/**
 * The ids of rows that stand in no index table yet, in memory: as tables they go back with the transaction, and as
 * triggers they cost no call of their own.
 * @param {Database.Database} database
 */
function rememberRecent(database) {
  for (const [rows, id] of [
    ['attempts', 'action_attempt_id'],
    ['events', 'event_id'],
  ]) {
    database.exec(`CREATE TEMP TABLE recent_${rows} (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE)`);
    database.exec(`INSERT INTO recent_${rows} (id, number) SELECT ${id}, seq FROM ${rows}
      WHERE seq > (SELECT value FROM marks WHERE name = '${rows}_indexed_to')`);
    database.exec(`CREATE TEMP TRIGGER remember_${rows} AFTER INSERT ON main.${rows} BEGIN
      INSERT INTO recent_${rows} (id, number) VALUES (new.${id}, new.seq);
    END`);
  }
}

/** @param {unknown} error @returns {string} SQLite's extended result code by name, or '' */
export function codeOf(error) {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
