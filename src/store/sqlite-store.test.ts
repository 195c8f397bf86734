import { join } from 'node:path';
import { expect } from 'vitest';
import { describeStore } from '../../test/contract/describe-store.ts';
import { openSqliteStore, temporaryDirectory } from '../../test/kit/store/sqlite-bench.ts';
import { WriterFaults } from './writer-faults.ts';

async function openBench() {
  const directory = temporaryDirectory();
  const faults = new WriterFaults();
  const open = () =>
    openSqliteStore(join(directory.path, 'var/strikeplate.db'), { faults, probeMs: 5, reserveBytes: 64 * 1024 });
  let store = await open();
  return {
    get store() {
      return store;
    },
    until: <T>(promise: Promise<T>) => promise,
    // Real deaths are in crash.test.ts; here what is on disk is read anew.
    crash: async () => {
      await store.close();
      store = await open();
    },
    fillDisk: async () => {
      faults.full = true;
    },
    freeDisk: async () => {
      faults.full = false;
      await expect.poll(() => store.accepting).toBe(true);
    },
    dispose: async () => {
      await store.close();
      directory.dispose();
    },
  };
}

describeStore('SqliteStore', openBench);
