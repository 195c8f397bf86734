import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore, temporaryDirectory } from '../../test/kit/store/sqlite-bench.ts';
import { accepted, settled, uuid } from '../../test/kit/store/store-records.ts';
import { WriterFaults } from './writer-faults.ts';

describe("SqliteStore's writer", () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  let path: string;
  let faults: WriterFaults;
  beforeEach(() => {
    directory = temporaryDirectory();
    path = join(directory.path, 'strikeplate.db');
    faults = new WriterFaults();
  });
  afterEach(() => directory.dispose());

  it('delays no read on a slow disk', async () => {
    const store = await openSqliteStore(path, { faults });
    await store.commit([accepted(1)]);
    faults.commitDelayMs = 600_000;
    const order: string[] = [];
    const slow = store.commit([settled(1)]).then(() => order.push('committed'));
    // While the writer sleeps with its transaction open, many turns of the loop go by, each with a read.
    for (let turn = 1; turn <= 5; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      expect(store.read.attempt(uuid(1))?.settlement).toBeUndefined();
      order.push(`read ${turn}`);
    }
    faults.commitDelayMs = 0;
    await slow;
    expect(order).toEqual(['read 1', 'read 2', 'read 3', 'read 4', 'read 5', 'committed']);
    expect(store.read.attempt(uuid(1))?.settlement).toBeDefined();
    await store.close();
  });

  it.each([
    ['a sync fails', () => faults.failNextSync(), /disk I\/O error \(SQLITE_IOERR_FSYNC\)/],
    ['the thread dies', () => faults.dieAtNextSync(), /ended with code 9/],
  ])('ends the process when %s, and answers no commit', async (_what, plant, message) => {
    let fatal: (error: Error) => void = () => undefined;
    const died = new Promise<Error>((resolve) => {
      fatal = resolve;
    });
    let times = 0;
    const store = await openSqliteStore(path, {
      faults,
      onFatal: (error) => {
        times++;
        fatal(error);
      },
    });
    await store.commit([accepted(1)]);
    plant();
    let answered = 0;
    const answer = () => answered++;
    store.commit([settled(1)]).then(answer, answer);
    store.commit([accepted(2)]).then(answer, answer);
    expect((await died).message).toMatch(message);
    store.commit([accepted(3)]).then(answer, answer);
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect([times, answered, store.accepting]).toEqual([1, 0, false]);
    expect(store.read.attempt(uuid(1))?.settlement).toBeUndefined();
    await store.close();
    const again = await openSqliteStore(path);
    expect(again.read.attempt(uuid(1))?.seq).toBe(1);
    await again.close();
  });

  it('finds the pending ones again among many, wherever they lie', async () => {
    const store = await openSqliteStore(path);
    for (let group = 0; group < 5; group++) {
      const seqs = Array.from({ length: 500 }, (_, index) => 10 + group * 500 + index);
      await Promise.all(seqs.map((seq) => store.commit([accepted(seq), ...(seq === 1_777 ? [] : [settled(seq)])])));
    }
    // An acceptance that was overtaken by later ones, after the mark has moved past it.
    await store.commit([accepted(7)]);
    expect(store.read.pendingAttempts().map(({ seq }) => seq)).toEqual([7, 1_777]);
    await store.close();

    const again = await openSqliteStore(path);
    expect(again.read.pendingAttempts().map(({ seq }) => seq)).toEqual([7, 1_777]);
    await again.commit([settled(7), settled(1_777)]);
    expect(again.read.pendingAttempts()).toEqual([]);
    await again.close();
  });
});
