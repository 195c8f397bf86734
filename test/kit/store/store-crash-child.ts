// A process that commits as fast as it can and says on its standard output what was acknowledged, until it is killed.
import { writeSync } from 'node:fs';
import { WriterFaults } from '../../../src/store/writer-faults.ts';
import { openSqliteStore } from './sqlite-bench.ts';
import { aCode, accepted, settled, uuid } from './store-records.ts';

const [path = '', delayMs = '0'] = process.argv.slice(2);
const faults = new WriterFaults();

function say(line: string): void {
  try {
    writeSync(1, `${line}\n`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    // The reader is slow and the pipe is full.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    say(line);
  }
}

const onFatal = (error: Error) => {
  say(`fatal ${error.message}`);
  process.exit(70);
};
const store = await openSqliteStore(path, { faults, onFatal, reserveBytes: 16 * 1024 });
faults.commitDelayMs = Number(delayMs);
let seq = store.read.highestSeq();

async function attempts(): Promise<never> {
  for (;;) {
    const own = ++seq;
    await store.commit([accepted(own), { kind: 'access_code_put', code: aCode(own) }]);
    say(`accepted ${own}`);
    await store.commit([{ kind: 'attempt_intent', actionAttemptId: uuid(own), history: [] }]);
    say(`intent ${own}`);
    await store.commit([settled(own), { kind: 'access_code_removed', accessCodeId: aCode(own).accessCodeId }]);
    say(`settled ${own}`);
  }
}

say('ready');
await Promise.all(Array.from({ length: 16 }, attempts));
