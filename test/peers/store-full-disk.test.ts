import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeStore } from '../contract/describe-store.ts';
import { openSqliteStore, temporaryDirectory } from '../kit/store/sqlite-bench.ts';
import { accepted, settled, uuid } from '../kit/store/store-records.ts';
import { SmallDisk } from './kit/small-disk.ts';

/** SQLite file format, sections 4.1 and 4.2 for pages of 1 KiB; the first part of the index holds 4062 frames. */
const frameBytes = 24 + 1024;
const framesInFirstPart = 4062;

async function openBench() {
  const disk = new SmallDisk(1 << 20);
  const path = join(disk.path, 'var/strikeplate.db');
  const open = () => openSqliteStore(path, { probeMs: 5, reserveBytes: 128 * 1024 });
  let store = await open();
  return {
    get store() {
      return store;
    },
    until: <T>(promise: Promise<T>) => promise,
    crash: async () => {
      await store.close();
      store = await open();
    },
    fillDisk: async () => disk.fill(),
    freeDisk: async () => {
      disk.free();
      await expect.poll(() => store.accepting).toBe(true);
    },
    dispose: async () => {
      await store.close();
      disk.dispose();
    },
  };
}

describe.skipIf(!SmallDisk.available())('a disk that is full', () => {
  describeStore('SqliteStore on a small disk', openBench);

  it('starts, settles what was left, and accepts nothing', async () => {
    const disk = new SmallDisk(1 << 20);
    onTestFinished(() => disk.dispose());
    const path = join(disk.path, 'strikeplate.db');
    // In a process of its own, whose end takes the log and its index away.
    const kit = new URL('../kit/store/', import.meta.url).href;
    const first = `
      import { openSqliteStore } from '${kit}sqlite-bench.ts';
      import { accepted } from '${kit}store-records.ts';
      const store = await openSqliteStore('${path}');
      await store.commit([accepted(1), accepted(2)]);
      await store.close();`;
    execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', first]);
    expect(existsSync(`${path}-shm`)).toBe(false);
    disk.fill();

    const store = await openSqliteStore(path, { probeMs: 5 });
    expect(store.accepting).toBe(false);
    await store.commit([settled(1)]);
    await expect(store.commit([accepted(3)])).rejects.toMatchObject({ type: 'storage_unavailable' });
    await store.commit([settled(2)]);
    expect(store.read.pendingAttempts()).toEqual([]);
    await store.close();
  });

  it('takes back what it refused, also when it is the index of the log that finds no room', async () => {
    const disk = new SmallDisk(12 << 20);
    const copies = temporaryDirectory();
    onTestFinished(() => {
      disk.dispose();
      copies.dispose();
    });
    const path = join(disk.path, 'strikeplate.db');
    const store = await openSqliteStore(path, { probeMs: 60_000 });
    const frames = () => Math.floor(statSync(`${path}-wal`).size / frameBytes);
    let seq = 0;
    while (frames() < framesInFirstPart - 20) await store.commit([accepted(++seq)]);
    // Enough for the log's next pages, too little for the next part of its index: 32 KiB.
    disk.fill(20 * 1024);
    const refusal = await (async () => {
      for (;;) {
        try {
          // More than one page, so that something lies behind the one that takes the refused commit's place.
          await store.commit([1, 2, 3, 4].map((next) => accepted(seq + next)));
          seq += 4;
        } catch (error) {
          return error;
        }
      }
    })();
    expect(refusal).toMatchObject({ type: 'storage_unavailable' });
    expect(frames()).toBeGreaterThan(framesInFirstPart);

    // What a start would find after a power cut at this moment.
    for (const end of ['', '-wal']) copyFileSync(path + end, join(copies.path, `copy.db${end}`));
    expect(
      readFileSync(join(copies.path, 'copy.db-wal'))
        .subarray(-frameBytes)
        .every((byte) => byte === 0),
    ).toBe(true);
    const copy = await openSqliteStore(join(copies.path, 'copy.db'));
    expect(copy.read.highestSeq()).toBe(seq);
    await copy.close();

    await store.commit([settled(1)]);
    expect(store.read.attempt(uuid(1))?.settlement).toBeDefined();
    await store.close();
  });
});
