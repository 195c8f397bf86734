import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { copyAssets } from '../../scripts/copy-assets.mjs';
import { Closers } from './closers.ts';
import { HelperProcess } from './helper-process.ts';
import { firstSuccess, HttpLoader } from './http-load.ts';
import { askedFor } from './options.ts';
import { configureGateway, type GatewaySite, startBroker, temporaryFolder } from './site.ts';
import { median, percentile } from './statistics.ts';
import { figure, table } from './table.ts';
import { freePort, ourRoot, unitOf } from './targets.ts';
import { sharesOf, threadsOf } from './threads.ts';

const usage = `npx tsx test/bench/ladder.ts [--rounds N]
  From the floor to the gateway, a layer at a time: what each adds to a round trip. All take turns in one run.`;

/** From the gateway down: what each rung is without, beside all that the rungs before it are without. */
const layers = [
  ['log', 'a line of the log for each door'],
  ['audit', 'the audit log: an entry in the commit of each end, chained'],
  ['events', 'events: of the attempt, and of the bolt'],
  ['driver', 'the Zigbee2MQTT driver: what a message says, what it proves, what is told of it'],
  ['store', 'two durable commits: rows and their sums, the writer’s thread, two syncs'],
  ['attempts', 'the attempt: its machine, lane, deadlines, history'],
  ['http', 'our HTTP: keys, checks, schemas, holding'],
] as const;
const transport = 'our MQTT: now or never, acknowledged, bounded';

/**
 * Attempts and not times: what is slower would stay colder, and look slower than it is. So many that what comes with a
 * process's turn, after nine others had the caches, is little of it: with 600 the floor seemed to take three times what it does.
 */
const loads = [
  { clients: 1, attempts: 1_000 },
  { clients: 16, attempts: 4_000 },
  { clients: 64, attempts: 4_000 },
] as const;
const warming = { clients: 16, attempts: 6_000 } as const;
const devices = 100;

const values = askedFor(usage, { rounds: { type: 'string' } });

/** Not bundled, so that layers can be taken out of it. */
function compiled(): string {
  const folder = join(ourRoot, '.dist-ladder');
  rmSync(folder, { recursive: true, force: true });
  const compiler = join(ourRoot, 'node_modules/typescript/bin/tsc');
  const project = join(ourRoot, 'tsconfig.build.json');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project, '--outDir', folder], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stdout);
  copyAssets(ourRoot, folder);
  return folder;
}

interface Rung {
  readonly name: string;
  readonly process: HelperProcess;
  readonly loader: HttpLoader;
}

/** Microseconds an attempt, by thread; milliseconds; attempts a second. */
type Slice = Readonly<Record<'main' | 'writer' | 'others' | 'p50' | 'rate', number>>;

const closers = new Closers();
const folder = temporaryFolder();
closers.add(async () => folder.remove());
try {
  const root = compiled();
  closers.add(async () => rmSync(root, { recursive: true, force: true }));
  const broker = await startBroker(false);
  closers.add(() => broker.close());
  const { url, protocolVersion } = broker;
  const names = ['gateway', ...layers.map(([layer]) => `without-${layer}`)];
  const lock = new HelperProcess('lock.mjs', { url, protocolVersion, bases: ['floor', ...names] });
  closers.add(() => lock.stop());
  await lock.ask('ready');
  const { options, environment } = unitOf(ourRoot);
  const targets = [await onRung('floor', await freePort(), { url, protocolVersion, base: 'floor', devices })];
  for (const [index, name] of names.entries()) {
    const port = await freePort();
    const wishes = { brokerUrl: url, base: name, devices, monitor: false, webhooks: false, port };
    const site = await configureGateway({ folder: join(folder.path, name), ...wishes });
    const without = layers.slice(0, index).map(([layer]) => layer);
    targets.push(await onRung(name, port, { root, without }, site));
  }
  const sync = new HelperProcess('sync.mjs', { path: join(folder.path, 'sync') });
  closers.add(() => sync.stop());

  /** The floor, or one of those above it. */
  async function onRung(name: string, port: number, settings: object, site?: GatewaySite): Promise<Rung> {
    const process =
      site === undefined
        ? new HelperProcess('floor.mjs', { ...settings, port })
        : new HelperProcess('rung.mjs', { ...settings, ...site, port }, options, environment);
    closers.add(() => process.stop());
    const target = {
      url: `http://127.0.0.1:${port}`,
      deviceIds: site?.deviceIds ?? Array.from({ length: devices }, (_, index) => `door-${index}`),
      apiKey: site?.apiKey ?? 'none',
    };
    await firstSuccess(target);
    const loader = new HttpLoader(target);
    closers.add(async () => loader.close());
    return { name, process, loader };
  }

  const loadBefore = loadavg()[0];
  for (const { loader } of targets) await loader.runCount({ clients: warming.clients, devices }, warming.attempts);
  const slices = new Map<string, Slice[]>();
  const syncs: number[] = [];
  for (let round = 0; round < Number(values.rounds ?? 3); round++) {
    const { latencies } = await sync.ask<{ latencies: number[] }>('load', { ms: 200 });
    syncs.push(median(latencies));
    for (const load of loads)
      for (const rung of targets) {
        const key = `${rung.name} ${load.clients}`;
        slices.set(key, [...(slices.get(key) ?? []), await slice(rung, load)]);
      }
  }
  console.log(`Node ${process.versions.node}, load average ${figure(loadBefore)} to ${figure(loadavg()[0])}\n`);
  for (const { clients } of loads) console.log(`${ladderOf(slices, clients, median(syncs))}\n`);
} finally {
  await closers.close();
}

async function slice({ process, loader }: Rung, { clients, attempts }: (typeof loads)[number]): Promise<Slice> {
  const before = threadsOf(process.pid);
  const { latencies, failures, ms } = await loader.runCount({ clients, devices }, attempts);
  if (failures > 0) throw new Error(`${failures} attempts failed`);
  const { mainMicros, writerMicros, otherMicros, writtenBytes } = sharesOf(process.pid, before, threadsOf(process.pid));
  // The thread that writes most beside the main one writes nothing where there is no store.
  const writer = writtenBytes > attempts * 100 ? writerMicros : 0;
  return {
    main: mainMicros / attempts,
    writer: writer / attempts,
    others: (otherMicros + writerMicros - writer) / attempts,
    p50: percentile(
      [...latencies].sort((a, b) => a - b),
      0.5,
    ),
    rate: (1_000 * attempts) / ms,
  };
}

/** From the floor up. */
function ladderOf(slices: ReadonlyMap<string, readonly Slice[]>, clients: number, syncMs: number): string {
  const of = (name: string, what: (one: Slice) => number) =>
    median((slices.get(`${name} ${clients}`) ?? []).map((one) => what(one)));
  const cpu = (name: string) => of(name, ({ main, writer, others }) => main + writer + others);
  const rungs: readonly (readonly [what: string, name: string])[] = [
    ['the floor', 'floor'],
    [transport, 'without-http'],
    ...layers
      .map(([, what], index): [string, string] => [what, index === 0 ? 'gateway' : `without-${layers[index - 1]?.[0]}`])
      .reverse(),
  ];
  const lines = rungs.map(([what, name], index) => {
    const below = rungs[index - 1];
    return [
      what,
      figure(cpu(name)),
      below === undefined ? '–' : figure(cpu(name) - cpu(below[1])),
      figure(cpu(name) / cpu('floor')),
      figure(of(name, ({ main }) => main)),
      figure(of(name, ({ writer }) => writer)),
      figure(of(name, ({ others }) => others)),
      figure(of(name, ({ p50 }) => p50)),
      figure(of(name, ({ rate }) => rate)),
    ];
  });
  const head = [
    ...[`with ${clients} clients, one sync ${figure(syncMs)} ms`, 'CPU us', 'more', '× floor'],
    ...['main', 'writer', 'others', 'p50 ms', 'per s'],
  ];
  return table(head, lines);
}
