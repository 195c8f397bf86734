// A process that commits as fast as it can and says on its standard output what was acknowledged, until it is killed.
import { writeSync } from 'node:fs';
import { WriterFaults } from '../../src/store/writer-faults.ts';
import { openSqliteStore } from './sqlite-bench.ts';
import { aCode, accepted, settled, uuid } from './store-records.ts';

const [path = '', delayMs = '0'] = process.argv.slice(2);
const faults = new WriterFaults();
const store = await openSqliteStore(path, { faults, reserveBytes: 16 * 1024 });
faults.commitDelayMs = Number(delayMs);
let seq = store.highestSeq();
const say = (line: string) => writeSync(1, `${line}\n`);

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
