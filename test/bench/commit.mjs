// One row after the other into SQLite (WAL, synchronous FULL), as the store does it, with nothing around.
import Database from 'libsql';
import { answer, settings } from './helper.mjs';

const database = new Database(settings().path);
for (const pragma of ['page_size = 1024', 'journal_mode = WAL', 'synchronous = FULL', 'wal_autocheckpoint = 0'])
  database.exec(`PRAGMA ${pragma}`);
database.exec('CREATE TABLE attempts (seq INTEGER PRIMARY KEY, text TEXT NOT NULL)');
const insert = database.prepare('INSERT INTO attempts (text) VALUES (?)');
const row = 'x'.repeat(300);

answer({
  ready: () => true,
  load: (/** @type {{ ms: number }} */ load) => {
    const latencies = /** @type {number[]} */ ([]);
    const from = performance.now();
    while (performance.now() - from < load.ms) {
      const start = performance.now();
      insert.run([row]);
      latencies.push(performance.now() - start);
    }
    const ms = performance.now() - from;
    database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    return { latencies, ms, failures: 0 };
  },
});
