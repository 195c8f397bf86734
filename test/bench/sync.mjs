// The least that durability costs: 300 bytes into a file that is long enough already, and fdatasync.
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { answer, settings } from './helper.mjs';

const length = 8 << 20;
const row = new Uint8Array(300).fill(120);
const file = openSync(settings().path, 'w');
writeSync(file, new Uint8Array(length), 0, length, 0);
fdatasyncSync(file);
let at = 0;

answer(
  {
    ready: () => true,
    load: (/** @type {{ ms: number }} */ load) => {
      const latencies = /** @type {number[]} */ ([]);
      const from = performance.now();
      while (performance.now() - from < load.ms) {
        const start = performance.now();
        writeSync(file, row, 0, row.length, at);
        fdatasyncSync(file);
        latencies.push(performance.now() - start);
        at = (at + row.length) % (length - row.length);
      }
      return { latencies, ms: performance.now() - from, failures: 0 };
    },
  },
  () => closeSync(file),
);
