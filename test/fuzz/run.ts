import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { corpusOf, keep } from './corpus.ts';
import { mutate, seededNumbers } from './mutator.ts';
import { targets } from './targets.ts';

const usage = `npm run fuzz -- [options]
  --seconds N   how long (60)
  --only A,B    only these: ${Object.keys(targets).join(', ')}
  --seed N      another beginning than the time of day

An input that shows a fault, or takes more than a second of a processor, is kept in test/fuzz/corpus.`;

/** An input that takes so much of a processor is a way to stop the gateway, in milliseconds of its own time. */
const HANG_MS = 1_000;
/** Inputs in one turn of a target. */
const BATCH = 2_000;
/** Inputs of a run that are bases for others: what is far from the corpus is reached in steps. */
const POOL = 512;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const below = seededNumbers(Number(values.seed));
const chosen = Object.entries(targets)
  .filter(([name]) => values.only === undefined || values.only.split(',').includes(name))
  .map(([name, target]) => ({ name, target, pool: [...corpusOf(name)], inputs: 0, faults: 0, slowestMs: 0 }));
const end = performance.now() + Number(values.seconds) * 1_000;
let highestHeap = 0;
/** What nobody waited for, and what was thrown where nobody catches: either ends a gateway. */
let astray: unknown;
for (const name of ['unhandledRejection', 'uncaughtException'] as const)
  process.on(name, (error) => {
    astray ??= error;
  });
for (let turn = 0; performance.now() < end; turn++) {
  const fuzzed = chosen[turn % chosen.length];
  if (fuzzed === undefined) break;
  const { name, target, pool } = fuzzed;
  const pick = () => pool[below(pool.length)] ?? Buffer.alloc(0);
  for (let each = 0; each < BATCH; each++) {
    const input = mutate(pick(), pick(), below);
    fuzzed.inputs += 1;
    // Its own time: a busy machine lets a process wait.
    const from = process.cpuUsage();
    let why: string | undefined;
    try {
      await target.run(input);
    } catch (error) {
      why = String(error);
    }
    why ??= astray === undefined ? undefined : `astray: ${astray}`;
    astray = undefined;
    const { user, system } = process.cpuUsage(from);
    const ms = (user + system) / 1_000;
    fuzzed.slowestMs = Math.max(fuzzed.slowestMs, ms);
    if (why === undefined && ms > HANG_MS) why = `took ${Math.round(ms)} ms`;
    if (why !== undefined && fuzzed.faults++ < 10) {
      keep(name, input, why);
      console.error(`${name}: ${why}\n  hex:${input.toString('hex')}`);
    }
    if (each % 100 === 0) {
      if (pool.length < POOL) pool.push(input);
      else pool[below(POOL)] = input;
    }
  }
  // What a decoder puts off to a later turn is done, and let go, too.
  await turnOfTheLoop();
  highestHeap = Math.max(highestHeap, process.memoryUsage().heapUsed);
}
console.table(
  Object.fromEntries(
    chosen.map(({ name, inputs, faults, slowestMs }) => [name, { inputs, faults, slowestMs: Math.round(slowestMs) }]),
  ),
);
const all = chosen.reduce((sum, { inputs }) => sum + inputs, 0);
console.log(`seed ${values.seed}: ${all} inputs, highest heap ${Math.round(highestHeap / 2 ** 20)} MiB`);
process.exitCode = chosen.some(({ faults }) => faults > 0) ? 1 : 0;
