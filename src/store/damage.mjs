// What a disk may have done to the database is looked for before anything of it is read.
import { isUtf8 } from 'node:buffer';
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';

// Whether the write-ahead log is what it was when the process ended. SQLite takes it up to the first frame that does not
// add up and says nothing of the rest: right for a power cut in the middle of a commit, and a silent loss where a bit
// flipped in commits that were acknowledged.

/** SQLite file format, section 4.1 and 4.2. */
const headerBytes = 32;
const frameHeaderBytes = 24;

/**
 * @param {string} path of the database
 * @returns {string | undefined} what is wrong with its log, in words
 */
export function damageInLog(path) {
  const log = read(`${path}-wal`);
  if (log === undefined || log.length === 0 || log.every((byte) => byte === 0)) return undefined;
  const known = knownEnd(read(`${path}-shm`));
  if (log.length < headerBytes) return known === undefined ? undefined : 'it was cut off';
  const walk = walkLog(log);
  if (walk === undefined) return 'its beginning does not add up';
  if (known !== undefined && known.salt === walk.salt && known.frames > walk.good)
    return `${walk.good} of ${known.frames} frames that were committed add up`;
  return walk.laterCommits > 1 ? `frame ${walk.good + 1} does not add up, and commits follow it` : undefined;
}

/**
 * Clears what lies behind the end of the log when that end is a commit of page 1 alone, as {@link damageInLog} would
 * otherwise take what was refused there for commits that were lost. Call it while nobody else can write. The index is not
 * opened for it: to close it would take SQLite's locks on it away from the whole process (fcntl).
 * @param {string} path of the database
 */
export function clearBehindMark(path) {
  const log = read(`${path}-wal`);
  const walk = log === undefined || log.length < headerBytes ? undefined : walkLog(log);
  if (log === undefined || walk === undefined || !walk.endsWithMark || walk.end >= log.length) return;
  const file = openSync(`${path}-wal`, 'r+');
  try {
    // Zeros are no frame: its salt must be the header's.
    writeSync(file, new Uint8Array(log.length - walk.end), 0, undefined, walk.end);
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/**
 * How far the log was committed when the process ended: its shared index says so, and outlives it. The kernel has
 * written the log itself before, so the index never claims more than there was (section 4.5; walformat, the header).
 * @param {Buffer | undefined} index
 */
function knownEnd(index) {
  if (index === undefined || index.length < 96) return undefined;
  // Two copies, alike unless a crash fell between them.
  if (!index.subarray(0, 48).equals(index.subarray(48, 96))) return undefined;
  if (index[12] !== 1) return undefined;
  const frames = index.readUInt32LE(16);
  // The salts are kept as they lie in the log.
  return frames === 0 ? undefined : { frames, salt: index.subarray(32, 40).toString('hex') };
}

/**
 * Follows the checksums from frame to frame.
 * @param {Buffer} log
 */
function walkLog(log) {
  const magic = log.readUInt32BE(0);
  if ((magic & ~1) !== 0x377f0682) return undefined;
  const isBig = (magic & 1) === 1;
  const pageBytes = log.readUInt32BE(8) || 65_536;
  let sums = add([0, 0], log.subarray(0, 24), isBig);
  if (sums[0] !== log.readUInt32BE(24) || sums[1] !== log.readUInt32BE(28)) return undefined;
  const salt = log.subarray(16, 24);
  const size = frameHeaderBytes + pageBytes;
  let good = 0;
  let at = headerBytes;
  let endsWithMark = false;
  let isBegin = true;
  for (; at + size <= log.length; at += size) {
    const frame = log.subarray(at, at + size);
    if (!frame.subarray(8, 16).equals(salt)) break;
    const next = add(add(sums, frame.subarray(0, 8), isBig), frame.subarray(frameHeaderBytes), isBig);
    if (next[0] !== frame.readUInt32BE(16) || next[1] !== frame.readUInt32BE(20)) break;
    sums = next;
    good += 1;
    const isEnd = frame.readUInt32BE(4) !== 0;
    endsWithMark = isBegin && isEnd && frame.readUInt32BE(0) === 1;
    isBegin = isEnd;
  }
  const end = at;
  // A power cut tears the last commit alone, since each is synced before the next, and may leave any of its frames: one
  // end of a commit says nothing. So it is with one that was refused and taken back. Two mean that the first was synced.
  let laterCommits = 0;
  for (; at + size <= log.length; at += size) {
    const frame = log.subarray(at, at + frameHeaderBytes);
    if (frame.subarray(8, 16).equals(salt) && frame.readUInt32BE(4) !== 0) laterCommits += 1;
  }
  return { good, end, endsWithMark, salt: salt.toString('hex'), laterCommits };
}

/**
 * Section 4.2, "Checksum Algorithm".
 * @param {readonly [number, number]} sums @param {Buffer} bytes @param {boolean} isBig @returns {[number, number]}
 */
function add([one, two], bytes, isBig) {
  for (let at = 0; at < bytes.length; at += 8) {
    one = (one + (isBig ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)) + two) >>> 0;
    two = (two + (isBig ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)) + one) >>> 0;
  }
  return [one, two];
}

/** @import { Database } from 'libsql' */

// Texts that are no UTF-8 any more. The library that reads the database takes the whole process down over one, so they
// are found before anything is read, and made empty: the row's sum then says that it was damaged.

/**
 * @param {Database} database whose description was checked
 * @returns {readonly string[]} the rows that had to be taken out, since nothing tells any more which they were
 */
export function clearBrokenTexts(database) {
  const taken = [];
  for (const table of tablesOf(database)) {
    const columns = database.prepare(`PRAGMA table_info(${table})`).raw().all([]);
    const names = columns.map((column) => String(/** @type {unknown[]} */ (column)[1]));
    const keys = columns.flatMap((column) =>
      Number(/** @type {unknown[]} */ (column)[5]) > 0 ? [String(/** @type {unknown[]} */ (column)[1])] : [],
    );
    if (names.length === 0 || isWell(database, table, names)) continue;
    // A key is compared by its bytes and its type: what is damaged may be the key.
    const key = keys.map((name) => `typeof(${name}), CAST(${name} AS BLOB)`).join(', ');
    const texts = names.map((name) => `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) END`).join(', ');
    for (const found of database.prepare(`SELECT ${key}, ${texts} FROM ${table}`).raw().all([])) {
      const row = /** @type {unknown[]} */ (found);
      const values = row.slice(2 * keys.length);
      const broken = names.filter(
        (_, index) => values[index] instanceof Uint8Array && !isUtf8(/** @type {Uint8Array} */ (values[index])),
      );
      if (broken.length === 0) continue;
      const where = keys.map((name) => `typeof(${name}) = ? AND CAST(${name} AS BLOB) = ?`).join(' AND ');
      const at = row.slice(0, 2 * keys.length);
      if (broken.some((name) => keys.includes(name)) || !names.includes('sum')) {
        database.prepare(`DELETE FROM ${table} WHERE ${where}`).run(at);
        taken.push(`row of ${table}: (unreadable)`);
        continue;
      }
      const empty = broken.map((name) => `${name} = ''`).join(', ');
      database.prepare(`UPDATE ${table} SET ${empty}, sum = -1 WHERE ${where}`).run(at);
    }
  }
  return taken;
}

/**
 * Whether all of a table's texts are, by all bytes of many rows at once: to take each column of each row out of the
 * database takes a second at a large site.
 * @param {Database} database @param {string} table @param {readonly string[]} names
 */
function isWell(database, table, names) {
  // What one text lacks at its end must not be made up for by the next.
  const texts = names
    .map((name) => `CASE typeof(${name}) WHEN 'text' THEN ${name} ELSE '' END`)
    .join(' || char(10) || ');
  const rows = `SELECT CAST(group_concat(${texts}, char(10)) AS BLOB) FROM (SELECT *, row_number() OVER () AS n FROM ${table})`;
  const all = database.prepare(`${rows} GROUP BY n / ${rowsAtOnce}`).raw().all([]);
  return all.every((row) => {
    const [bytes] = /** @type {unknown[]} */ (row);
    return !(bytes instanceof Uint8Array) || isUtf8(bytes);
  });
}

/** So that no piece is too long to be held. */
const rowsAtOnce = 500;

/** @param {Database} database */
const tablesOf = (database) =>
  database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .raw()
    .all([])
    .map((row) => String(/** @type {unknown[]} */ (row)[0]));
