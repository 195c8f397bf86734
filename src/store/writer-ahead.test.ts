import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteStore } from '../../test/kit/store/sqlite-bench.ts';
import { WriterAhead } from './writer-ahead.ts';

const database = () => {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-ahead-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'strikeplate.db');
};

it('writes what it is told to, once it was told where', async () => {
  const writerAhead = new WriterAhead();
  const path = database();
  const store = await openSqliteStore(path, { writerAhead });
  await store.commit([{ kind: 'fact_put', name: 'said', value: 'kept' }]);
  await store.close();
  const again = await openSqliteStore(path);
  expect(again.read.fact('said')).toBe('kept');
  await again.close();
});

it('is taken once: a second store has a thread of its own', async () => {
  const writerAhead = new WriterAhead();
  const stores = [
    await openSqliteStore(database(), { writerAhead }),
    await openSqliteStore(database(), { writerAhead }),
  ];
  for (const store of stores) await store.commit([{ kind: 'fact_put', name: 'said', value: 'kept' }]);
  for (const store of stores) await store.close();
});

it('is replaced where it has ended meanwhile', async () => {
  const failing = new Worker("throw new Error('the disk is gone')", { eval: true });
  const writerAhead = new WriterAhead(() => failing);
  await new Promise((ended) => failing.once('exit', ended));
  const store = await openSqliteStore(database(), { writerAhead });
  await store.commit([{ kind: 'fact_put', name: 'said', value: 'kept' }]);
  await store.close();
});
