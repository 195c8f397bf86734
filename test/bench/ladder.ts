import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { copyAssets } from '../../scripts/copy-assets.mjs';
import { Closers } from './closers.ts';
import { HelperProcess } from './helper-process.ts';
import { askedFor } from './options.ts';
import { alternate, type LoadShape, type Row } from './round-trips.ts';
import { configureGateway, startBroker, temporaryFolder } from './site.ts';
import { figure, table } from './table.ts';
import { freePort, ourRoot, overHttp, starters, type Target, unitOf } from './targets.ts';

const usage = `npx tsx test/bench/ladder.ts [--rounds N] [--slice MS]
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

const shapes: readonly LoadShape[] = [
  { clients: 1, devices: 100 },
  { clients: 16, devices: 100 },
  { clients: 64, devices: 100 },
];

const values = askedFor(usage, { rounds: { type: 'string' }, slice: { type: 'string' } });

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
  const targets: Target[] = [];
  const add = async (starting: Promise<Target> | undefined) => {
    const target = await starting;
    if (target === undefined) return;
    closers.add(() => target.close());
    targets.push(target);
  };
  const context = { broker, folder: folder.path, devices: 100, profile: undefined, against: undefined };
  await add(starters.floor?.({ ...context, nodeVersion: undefined }));
  await add(starters.sync?.({ ...context, nodeVersion: undefined }));
  for (const [index, name] of names.entries()) {
    const port = await freePort();
    const site = await configureGateway({
      folder: join(folder.path, name),
      brokerUrl: url,
      base: name,
      devices: 100,
      monitor: false,
      webhooks: false,
      port,
    });
    const without = layers.slice(0, index).map(([layer]) => layer);
    const { options, environment } = unitOf(ourRoot);
    const http = { url: `http://127.0.0.1:${port}`, deviceIds: site.deviceIds, apiKey: site.apiKey };
    await add(
      overHttp(name, http, () => new HelperProcess('rung.mjs', { ...site, root, port, without }, options, environment)),
    );
  }
  const loadBefore = loadavg()[0];
  const rows = await alternate(targets, shapes, {
    rounds: Number(values.rounds ?? 5),
    sliceMs: Number(values.slice ?? 1_000),
  });
  console.log(`Node ${process.versions.node}, load average ${figure(loadBefore)} to ${figure(loadavg()[0])}\n`);
  for (const { clients } of shapes) console.log(`${ladderOf(rows, clients)}\n`);
} finally {
  await closers.close();
}

/** From the floor up. */
function ladderOf(rows: readonly Row[], clients: number): string {
  const of = (name: string) => rows.find((row) => row.target === name && row.clients === clients);
  const rungs: readonly (readonly [what: string, row: Row | undefined])[] = [
    ['the floor', of('floor')],
    [transport, of('without-http')],
    ...layers
      .map(([, what], index): [string, Row | undefined] => [
        what,
        of(index === 0 ? 'gateway' : `without-${layers[index - 1]?.[0]}`),
      ])
      .reverse(),
  ];
  const floor = of('floor')?.cpuMicros ?? Number.NaN;
  const sync = rows.find(({ target }) => target === 'sync')?.p50Ms;
  const lines = rungs.map(([what, row], index) => {
    const below = rungs[index - 1]?.[1];
    const more = row && below ? row.cpuMicros - below.cpuMicros : undefined;
    return [
      what,
      figure(row?.cpuMicros),
      figure(more),
      figure(row && row.cpuMicros / floor),
      figure(row?.threads.mainMicros),
      figure(row?.threads.writerMicros),
      figure(row?.threads.otherMicros),
      figure(row?.p50Ms),
      figure(row?.p99Ms),
      figure(row?.rate),
    ];
  });
  const head = [
    ...[`with ${clients} clients, one sync ${figure(sync)} ms`, 'CPU us', 'more', '× floor'],
    ...['main', 'writer', 'others', 'p50 ms', 'p99 ms', 'per s'],
  ];
  return table(head, lines);
}
