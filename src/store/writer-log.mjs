// How long the write-ahead log is, and when it is emptied into the database. Plain JavaScript: see the writer.
import { closeSync, openSync, statfsSync, statSync, writeSync } from 'node:fs';
import { Busy, classify, codeOf, NoRoom } from './writer-database.mjs';

/** So long without a commit counts as idle, in milliseconds. A guess. */
const idleMs = 250;

/**
 * Checkpoints, counted in statements since the last: one writes 0.5 to 1 KiB of log, measured. When idle at the first
 * number, without waiting for idleness at the second, which the log is just long enough for: a checkpoint delays the
 * commits behind it, and so does making the log longer, which costs the disk four times the bytes.
 */
const checkpointIdle = 2_000;
const checkpointAtLast = 12_000;

/** How long checkpoints keep the write-ahead log, in bytes. */
const usualLogBytes = 12 << 20;

/** After so many statements the log is made a slice longer also under load: they write less than a slice. */
const statementsPerSlice = 500;

/** How much longer the log is made at a time, in bytes. */
const sliceBytes = 1 << 20;

/** Keeps the write-ahead log long enough to be written within, and empties it when nobody waits. */
export class WriteAheadLog {
  /**
   * @param {import('libsql').Database} database @param {string} path of the log
   * @param {{ readonly hasRoom: () => boolean, readonly onFull: () => void }} disk
   */
  constructor(database, path, disk) {
    this.database = database;
    this.path = path;
    this.disk = disk;
    this.dirty = 0;
    this.dirtyAtSlice = 0;
    /** @type {NodeJS.Timeout | undefined} */
    this.idleTimer = undefined;
  }

  /** @param {number} statements that were committed */
  grew(statements) {
    this.dirty += statements;
  }

  armIdle() {
    if (this.idleTimer === undefined) this.idleTimer = setTimeout(() => this.idle(), idleMs);
    else this.idleTimer.refresh();
  }

  /** Work nobody waits for, a little at a time. */
  idle() {
    if (!this.disk.hasRoom()) return;
    if (this.dirty >= checkpointIdle) this.checkpoint();
    if (this.lengthen()) this.armIdle();
  }

  /** @returns {boolean} whether there is more to do */
  lengthen() {
    this.dirtyAtSlice = this.dirty;
    try {
      return lengthen(this.path, usualLogBytes);
    } catch {
      // It is a convenience; a full disk shows at the next commit.
      return false;
    }
  }

  checkpointWhenDue() {
    // A checkpoint makes the database longer: on a full disk that would take the room that settlements need.
    if (this.dirty >= checkpointAtLast && this.disk.hasRoom()) this.checkpoint();
    else if (this.dirty - this.dirtyAtSlice >= statementsPerSlice && this.disk.hasRoom()) this.lengthen();
    this.armIdle();
  }

  /** @param {'PASSIVE' | 'TRUNCATE'} mode */
  checkpoint(mode = 'PASSIVE') {
    this.dirty = 0;
    this.dirtyAtSlice = 0;
    try {
      this.database.exec(`PRAGMA wal_checkpoint(${mode})`);
    } catch (error) {
      const classified = classify(error, codeOf(error));
      if (classified instanceof NoRoom) this.disk.onFull();
      else if (!(classified instanceof Busy)) throw classified;
    }
  }

  /** @returns {boolean} whether the log is empty: what it held is in the database, where deleting overwrites */
  scrub() {
    this.dirty = 0;
    try {
      const [busy] = /** @type {unknown[]} */ (this.database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').raw().get([]));
      return busy === 0;
    } catch (error) {
      const classified = classify(error, codeOf(error));
      if (classified instanceof NoRoom || classified instanceof Busy) return false;
      throw error;
    } finally {
      this.armIdle();
    }
  }

  rest() {
    clearTimeout(this.idleTimer);
  }
}

/** With less free than this, room is not taken for speed, in bytes. A guess. */
const plentyBytes = 64 << 20;

/**
 * Makes the write-ahead log as long as it will get anyway, a slice at a time. Writing within a file is one write to the
 * disk; making it longer writes the file system's own log as well: four times the bytes on ext4, measured.
 * @param {string} path of the log @param {number} bytes
 * @returns {boolean} whether there is more to do
 */
function lengthen(path, bytes) {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined || size >= bytes) return false;
  const { bavail, bsize } = statfsSync(path);
  if (bavail * bsize < plentyBytes) return false;
  const file = openSync(path, 'r+');
  try {
    // Zeros are no frame (SQLite file format, section 4.1: a frame's salt must be the header's).
    writeSync(file, new Uint8Array(Math.min(sliceBytes, bytes - size)), 0, undefined, size);
  } finally {
    closeSync(file);
  }
  return true;
}
