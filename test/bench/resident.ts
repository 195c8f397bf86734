import { realpathSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../scripts/build.mjs';
import { Closers } from './closers.ts';
import { fetchedNode } from './fetched.ts';
import { HelperProcess } from './helper-process.ts';
import { firstSuccess } from './http-load.ts';
import { type Place, type Resident, residentOf } from './mappings.ts';
import { type Broker, configureGateway, startBroker, temporaryFolder } from './site.ts';
import { median } from './statistics.ts';
import { figure, mebibytes, table } from './table.ts';
import { freePort, ourRoot, unitOf } from './targets.ts';

const usage = `npx tsx test/bench/resident.ts [options]
  Where the memory of an idle gateway lies, and what its start spends its time with.
  --starts N         medians of so many (5)
  --rest S           so many seconds after the start (15)
  --devices N        doors (100)
  --node VERSION     Node of that version runs what is measured; npm fetches it into the user's cache`;

const { values } = parseArgs({
  options: {
    starts: { type: 'string', default: '5' },
    rest: { type: 'string', default: '15' },
    devices: { type: 'string', default: '100' },
    node: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const starts = Number(values.starts);
const devices = Number(values.devices);
const restMs = Number(values.rest) * 1_000;
const node = realpathSync(values.node === undefined ? process.execPath : fetchedNode(values.node));
const { options, environment } = unitOf(ourRoot);

/** A process that is idle, and what it said of itself. */
interface Idle {
  readonly resident: Resident;
  /** Bytes by part of the main thread's heap. */
  readonly heap: Readonly<Record<string, number>>;
  readonly steps?: Steps;
}

/** After each step: milliseconds since the process was started, and those that its threads spent on a processor. */
type Steps = Readonly<Record<string, { readonly at: number; readonly cpu: number }>>;

const ofGateway = ['drivers/index.js', 'src/config/load.js', 'src/composition/gateway.js', 'src/store/sqlite-store.js'];

await ensureBuilt();
const closers = new Closers();
try {
  const folder = temporaryFolder();
  closers.add(async () => folder.remove());
  const broker = await startBroker(false);
  closers.add(() => broker.close());
  const { url, protocolVersion } = broker;
  const lock = new HelperProcess('lock.mjs', { url, protocolVersion, bases: ['gateway'], devices });
  closers.add(() => lock.stop());
  await lock.ask('ready');
  const rows: Idle[][] = [[], [], []];
  for (let turn = 0; turn < starts; turn++) {
    rows[0]?.push(await loaded([]));
    rows[1]?.push(await loaded(ofGateway));
    rows[2]?.push(await gateway(broker, join(folder.path, `${turn}`)));
  }
  const version = values.node ?? process.versions.node;
  console.log(`Node ${version}, ${devices} doors, medians of ${starts}, load average ${figure(loadavg()[0])}\n`);
  report(rows);
} finally {
  await closers.close();
}
process.exit(0);

async function loaded(files: readonly string[]): Promise<Idle> {
  const helper = new HelperProcess('imports.mjs', { root: ourRoot, files }, options, environment, node);
  return rested(helper, {});
}

async function gateway(broker: Broker, folder: string): Promise<Idle> {
  const port = await freePort();
  const site = await configureGateway({
    ...{ folder, brokerUrl: broker.url, base: 'gateway', devices, monitor: false, webhooks: false, port },
  });
  // The two processes have but the clock of the wall in common, and it may be set meanwhile.
  const [from, startedAt] = [Date.now(), performance.now()];
  const helper = new HelperProcess('gateway.mjs', { ...site, root: ourRoot }, options, environment, node);
  await firstSuccess({ url: `http://127.0.0.1:${port}`, deviceIds: site.deviceIds, apiKey: site.apiKey });
  const until = performance.now() - startedAt;
  const cpu = (await helper.figures()).cpuMicros / 1_000;
  const { began, steps } = await helper.ask<{ began: number; steps: Steps }>('steps');
  const since = Object.entries(steps).map(([step, ms]) => [step, { ...ms, at: began - from + ms.at }] as const);
  const after = [...since, ['the first round trip', { at: until, cpu }] as const].sort(([, a], [, b]) => a.at - b.at);
  return rested(helper, { steps: Object.fromEntries(after) });
}

async function rested(helper: HelperProcess, more: Pick<Idle, 'steps'>): Promise<Idle> {
  await helper.figures();
  await sleep(restMs);
  const heap = await helper.ask<Record<string, number>>('heapSpaces');
  const resident = residentOf(helper.pid, node);
  await helper.stop();
  return { resident, heap, ...more };
}

function report(rows: readonly (readonly Idle[])[]): void {
  const row = (what: string, of: (idle: Idle) => number | undefined) => [
    what,
    ...rows.map((all) => mebibytes(median(all.map((idle) => of(idle) ?? 0)))),
  ];
  const at = (place: Place) => (idle: Idle) => idle.resident.at.get(place);
  const isYoung = (space: string) => space.startsWith('new_');
  const ofHeap = (wanted: (space: string) => boolean) => (idle: Idle) =>
    Object.entries(idle.heap).reduce((sum, [space, bytes]) => sum + (wanted(space) ? bytes : 0), 0);
  const all = ofHeap(() => true);
  console.log(
    table(
      ['MiB', 'bare Node', 'and what a gateway loads', 'gateway'],
      [
        row('resident', ({ resident }) => resident.total),
        row('of its own', ({ resident }) => resident.own),
        row("Node's program", at("Node's program")),
        row('libsql', at('libsql')),
        row('other libraries', at('other programs and libraries')),
        row("malloc and threads' stacks", at("malloc and threads' stacks")),
        row("V8: main thread's young generation", ofHeap(isYoung)),
        row(
          'V8: what else the main thread has',
          ofHeap((space) => !isYoung(space)),
        ),
        row('V8: writer’s thread, and what is shared', (idle) => (at("V8's pages")(idle) ?? 0) - all(idle)),
      ],
    ),
  );
  const starts = (rows[2] ?? []).map(({ steps = {} }) => steps);
  const names = Object.keys(starts[0] ?? {});
  const middle = (name: string, what: 'at' | 'cpu') => median(starts.map((steps) => steps[name]?.[what] ?? Number.NaN));
  const less = (index: number, what: 'at' | 'cpu') =>
    middle(names[index] ?? '', what) - (index === 0 ? 0 : middle(names[index - 1] ?? '', what) || 0);
  console.log(
    `\n${table(
      ['until', 'ms since it was started', 'ms', 'of a processor, ms'],
      names.map((name, index) => [
        name,
        figure(middle(name, 'at')),
        figure(less(index, 'at')),
        figure(less(index, 'cpu')),
      ]),
    )}`,
  );
}
