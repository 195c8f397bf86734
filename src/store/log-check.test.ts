import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/kit/store/sqlite-bench.ts';
import { clearBehindMark, damageInLog } from './damage.mjs';

/** SQLite file format, section 4.1. */
const headerBytes = 32;
const frameBytes = 24 + 1024;

let directory: ReturnType<typeof temporaryDirectory>;
let database: Database.Database;
/** Of a log as a power cut leaves it: without its index. */
let copy: string;

beforeEach(() => {
  directory = temporaryDirectory();
  const path = join(directory.path, 'real.db');
  copy = join(directory.path, 'copy.db');
  database = new Database(path);
  database.exec('PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec('CREATE TABLE t (x)');
});
afterEach(() => {
  database.close();
  directory.dispose();
});

const frameAt = (index: number) => headerBytes + index * frameBytes;
/** Four frames and more. */
const long = () => database.exec('INSERT INTO t VALUES (hex(zeroblob(2000)))');
const short = () => database.exec('PRAGMA user_version = 7');
const frames = () => (readFileSync(`${join(directory.path, 'real.db')}-wal`).length - headerBytes) / frameBytes;

function powerCut(change: (log: Buffer) => void = () => undefined): void {
  const real = join(directory.path, 'real.db');
  copyFileSync(real, copy);
  const log = readFileSync(`${real}-wal`);
  change(log);
  writeFileSync(`${copy}-wal`, log);
}
const flip = (index: number) => (log: Buffer) =>
  log.writeUInt8((log[frameAt(index) + 500] ?? 0) ^ 1, frameAt(index) + 500);
const lose = (index: number) => (log: Buffer) => void log.fill(0, frameAt(index), frameAt(index + 1));

describe('a log without its index', () => {
  it('is sound as it was written', () => {
    long();
    powerCut();
    expect(damageInLog(copy)).toBeUndefined();
  });

  it('may lack any frame of its last commit, which a power cut tore', () => {
    long();
    const before = frames();
    long();
    const after = frames();
    expect(after - before).toBeGreaterThan(3);
    for (let lost = before; lost < after; lost++) {
      powerCut(lose(lost));
      expect(damageInLog(copy), `frame ${lost + 1}`).toBeUndefined();
    }
  });

  it('lacks no frame of a commit before it', () => {
    const before = frames();
    long();
    const after = frames();
    long();
    for (let hit = before; hit < after; hit++) {
      powerCut(flip(hit));
      expect(damageInLog(copy), `frame ${hit + 1}`).toContain('commits follow it');
    }
  });
});

describe('what was refused behind a commit of page 1 alone', () => {
  /** What a shorter commit leaves of longer ones in whose place it was written. */
  const refusedTwice = (): number => {
    short();
    const end = frames();
    long();
    long();
    powerCut((log) => log.writeUInt8(1, frameAt(end) + 500));
    return end;
  };

  it('is cleared, and nothing else is', () => {
    const end = refusedTwice();
    expect(damageInLog(copy)).toContain('commits follow it');
    const before = readFileSync(`${copy}-wal`);
    clearBehindMark(copy);
    expect(damageInLog(copy)).toBeUndefined();
    expect(readFileSync(`${copy}-wal`).subarray(0, frameAt(end))).toEqual(before.subarray(0, frameAt(end)));
  });

  it('is left alone behind any other', () => {
    long();
    const end = frames();
    long();
    long();
    powerCut(flip(end));
    clearBehindMark(copy);
    expect(damageInLog(copy)).toContain('commits follow it');
  });
});
