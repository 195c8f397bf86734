import { randomFillSync } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';

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

/** With less free than this, room is not taken for speed, in bytes. A guess. */
const plentyBytes = 64 << 20;

/**
 * Makes the write-ahead log as long as it will get anyway, a slice at a time. Writing within a file is one write to the
 * disk; making it longer writes the file system's own log as well: four times the bytes on ext4, measured.
 * @param {string} path of the log @param {number} bytes
 * @returns {boolean} whether there is more to do
 */
export function lengthen(path, bytes) {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined || size >= bytes) return false;
  const { bavail, bsize } = statfsSync(path);
  if (bavail * bsize < plentyBytes) return false;
  const file = openSync(path, 'r+');
  try {
    // Zeros are no frame (SQLite file format, section 4.1: a frame's salt must be the header's).
    writeSync(file, new Uint8Array(Math.min(chunkBytes, bytes - size)), 0, undefined, size);
  } finally {
    closeSync(file);
  }
  return true;
}
