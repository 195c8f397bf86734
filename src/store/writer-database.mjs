import { randomFillSync } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import { clearBrokenTexts, damageInLog } from './damage.mjs';
import { fillSums } from './row-sum.mjs';

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
 * @param {(place: string) => void} onGone told of each row that had to be taken out
 * @returns {Database.Database}
 * @throws Error whose message says what is wrong with the file and what to do
 */
export function openDatabase(path, migrations, onGone = () => undefined) {
  const fault = damageInLog(path);
  if (fault !== undefined) throw damaged(path, `its log ${path}-wal was damaged: ${fault}`);
  const database = new Database(path, { timeout: busyMs });
  try {
    refuseForeign(database, path);
    database.exec(`PRAGMA page_size = ${pageBytes}`);
    database.exec('PRAGMA temp_store = MEMORY');
    // What is deleted is overwritten: somebody may ask to be forgotten.
    database.exec('PRAGMA secure_delete = ON');
    const mode = scalar(database, 'PRAGMA journal_mode = WAL');
    if (mode !== 'wal') {
      throw new Error(`The file system of ${path} cannot hold a write-ahead log. Put store.path on a local disk.`);
    }
    database.exec('PRAGMA synchronous = FULL');
    // Checkpoints wait until nobody waits for a commit.
    database.exec('PRAGMA wal_autocheckpoint = 0');
    checkSchema(database, path, migrations);
    checkPages(database, path, onGone);
    migrate(database, path, migrations);
    mendIndexes(database);
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
      throw damaged(path, code);
    }
    throw error;
  }
}

/** @param {string} path @param {string} why */
const damaged = (path, why) =>
  new Error(
    `The database ${path} is damaged (${why}). Move it away together with its -wal and -shm, and restore a backup; or, ` +
      'where there is none, begin anew with "strikeplate run --new-database".',
  );

/** A larger one is not read whole at each start: what is damaged in it is found where it is read, in bytes. A guess. */
const checkedBytes = 64 << 20;

/**
 * Pages that contradict each other: a table and its index, a tree and what hangs in it. And texts that are none.
 * @param {Database.Database} database @param {string} path @param {(place: string) => void} onGone
 */
function checkPages(database, path, onGone) {
  const bytes = Number(scalar(database, 'PRAGMA page_count')) * Number(scalar(database, 'PRAGMA page_size'));
  if (bytes > checkedBytes) return;
  /** @type {unknown} */
  let verdict;
  try {
    verdict = scalar(database, 'PRAGMA integrity_check(1)');
  } catch (error) {
    if (codeOf(error) === '') throw error;
    verdict = codeOf(error);
  }
  if (verdict !== 'ok') throw damaged(path, String(verdict).replaceAll('\n', ' '));
  for (const place of clearBrokenTexts(database)) onGone(place);
}

/**
 * The description of the tables is what the migrations made of it. Read as bytes: it may be no text any more.
 * @param {Database.Database} database @param {string} path @param {string} folder a `file:` URL
 */
function checkSchema(database, path, folder) {
  const fresh = new Database(':memory:');
  try {
    const version = Number(scalar(database, 'PRAGMA user_version'));
    if (version > migrationsIn(folder).length) return;
    migrate(fresh, ':memory:', folder, version);
    const list = `SELECT hex(type), hex(name), hex(tbl_name), hex(sql) FROM sqlite_master ORDER BY hex(type), hex(name)`;
    const [is, should] = [database, fresh].map((one) => JSON.stringify(one.prepare(list).raw().all([])));
    if (is !== should) throw damaged(path, 'the description of its tables is not what it was');
  } finally {
    fresh.close();
  }
}

/**
 * The tables by which attempts and events are found, and the marks, follow from the rows: what does not is made anew.
 * @param {Database.Database} database
 */
function mendIndexes(database) {
  const agrees = (/** @type {string} */ sql) => Number(scalar(database, sql)) === 1;
  const ids = (
    /** @type {string} */ rows,
    /** @type {string} */ index,
    /** @type {string} */ id,
    /** @type {string} */ mark,
  ) =>
    agrees(`SELECT
      (SELECT value FROM marks WHERE name = '${mark}') <= (SELECT coalesce(max(seq), 0) FROM ${rows})
      AND (SELECT count(*) FROM ${rows} WHERE seq <= (SELECT value FROM marks WHERE name = '${mark}'))
        = (SELECT count(*) FROM ${index.split(' ', 1)[0]})
      AND NOT EXISTS (SELECT 1 FROM ${index} LEFT JOIN ${rows} ON seq = number WHERE ${rows}.seq IS NULL OR ${id})`);
  const good =
    ids('attempts', 'attempt_ids', 'attempt_ids.id <> action_attempt_id', 'attempts_indexed_to') &&
    ids('attempts', 'attempts_of_device', 'of_device <> device_id', 'attempts_indexed_to') &&
    ids('events', 'event_ids', 'event_ids.id <> event_id', 'events_indexed_to') &&
    ids('events', 'events_by_time', 'moment <> created_at', 'events_indexed_to');
  if (!good) {
    database.exec(`BEGIN IMMEDIATE;
      DELETE FROM attempt_ids; DELETE FROM attempts_of_device; DELETE FROM event_ids; DELETE FROM events_by_time;
      INSERT OR IGNORE INTO attempt_ids SELECT action_attempt_id, seq FROM attempts ORDER BY action_attempt_id;
      INSERT OR IGNORE INTO attempts_of_device SELECT device_id, seq FROM attempts ORDER BY device_id, seq;
      INSERT OR IGNORE INTO event_ids SELECT event_id, seq FROM events ORDER BY event_id;
      INSERT OR IGNORE INTO events_by_time SELECT created_at, seq FROM events ORDER BY created_at, seq;
      INSERT OR REPLACE INTO marks SELECT 'attempts_indexed_to', coalesce(max(seq), 0) FROM attempts;
      INSERT OR REPLACE INTO marks SELECT 'events_indexed_to', coalesce(max(seq), 0) FROM events;
      COMMIT`);
  }
  database.exec(`UPDATE marks SET value = (SELECT min(seq) FROM attempts WHERE settled_at IS NULL)
    WHERE name = 'pending_from' AND value > (SELECT min(seq) FROM attempts WHERE settled_at IS NULL)`);
  database.exec("INSERT OR IGNORE INTO marks VALUES ('pending_from', 0)");
}

/** @param {string} folder a `file:` URL */
const migrationsIn = (folder) =>
  readdirSync(fileURLToPath(folder))
    .filter((file) => file.endsWith('.sql'))
    .sort();

/**
 * @param {Database.Database} database @param {string} path @param {string} folder a `file:` URL
 * @param {number} most up to this version
 */
function migrate(database, path, folder, most = Number.POSITIVE_INFINITY) {
  const files = migrationsIn(folder);
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
    if (index < version || index >= most) continue;
    database.exec('BEGIN IMMEDIATE');
    database.exec(readFileSync(new URL(file, folder), 'utf8'));
    if (file === '0009-row-sums.sql') fillSums(database);
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

/** The disk is full. Thrown where SQLite has rolled the transaction back already. */
export class NoRoom extends Error {}
/** Another program holds the database. */
export class Busy extends Error {}

/** @param {unknown} error @param {string} code of SQLite */
export function classify(error, code) {
  // Growing the shared index of the log is the one place where SQLite reports a full disk otherwise.
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE') return new NoRoom();
  if (code.startsWith('SQLITE_BUSY')) return new Busy();
  return error;
}

const chunkBytes = 1 << 20;

/**
 * A file of some size beside the database. On a full disk it is given up, so that attempts that were accepted while
 * there was room can still be settled.
 */
export class Reserve {
  /** @param {string} path @param {number} bytes */
  constructor(path, bytes) {
    this.path = path;
    this.bytes = bytes;
  }

  /**
   * Takes the room if it can be had, and looks for the same again: without some slack the next commit would only give
   * the reserve up once more.
   * @returns {boolean} whether the reserve is there
   */
  take() {
    try {
      if (statSync(this.path, { throwIfNoEntry: false })?.size === this.bytes) return true;
      const file = openSync(this.path, 'w', 0o600);
      try {
        // Random bytes: a file system that compresses would keep no room for zeros.
        const chunk = randomFillSync(new Uint8Array(Math.min(chunkBytes, this.bytes)));
        for (let written = 0; written < 2 * this.bytes; ) written += writeSync(file, chunk);
        ftruncateSync(file, this.bytes);
      } finally {
        closeSync(file);
      }
      return true;
    } catch {
      this.giveUp();
      return false;
    }
  }

  giveUp() {
    rmSync(this.path, { force: true });
  }
}
