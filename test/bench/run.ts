import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { ensureBuilt } from '../../scripts/build.mjs';
import { Closers } from './closers.ts';
import { fetchedNode } from './fetched.ts';
import { judge } from './goals.ts';
import { HelperProcess } from './helper-process.ts';
import { readOptions, usage } from './options.ts';
import { alternate, loadShapes, type Row } from './round-trips.ts';
import { startBroker, temporaryFolder } from './site.ts';
import { figure, mebibytes, table } from './table.ts';
import { allBases, peers, starters, type Target } from './targets.ts';

const devices = 100;

const options = readOptions(process.argv.slice(2));
if (options === undefined) {
  console.log(usage);
  process.exit(0);
}
await ensureBuilt();
const nodeVersion = options.node === undefined ? process.versions.node : versionOf(fetchedNode(options.node));
const folder = temporaryFolder();
const closers = new Closers();
closers.add(async () => folder.remove());
try {
  const broker = await startBroker(options.embedded);
  closers.add(() => broker.close());
  const { url, protocolVersion } = broker;
  const lock = new HelperProcess('lock.mjs', { url, protocolVersion, bases: allBases });
  closers.add(() => lock.stop());
  await lock.ask('ready');

  const targets: Target[] = [];
  for (const [name, start] of Object.entries(starters)) {
    if (options.targets.length > 0 && !options.targets.includes(name)) continue;
    if (name === 'before' && options.against === undefined) continue;
    if (peers.includes(name) && !options.peers) continue;
    const target = await start({
      broker,
      folder: folder.path,
      devices,
      profile: options.profile,
      against: options.against,
      nodeVersion: options.node,
    });
    closers.add(() => target.close());
    targets.push(target);
  }
  const loadBefore = loadavg()[0];
  const rows = await alternate(targets, loadShapes, options);
  const memory = await Promise.all(
    targets.map(async ({ name, coldStartMs, idle, process: { pid, figures } }) => ({
      name,
      coldStartMs,
      idle,
      pid,
      figures,
    })),
  );
  const after = await Promise.all(targets.map((target) => target.process.figures()));
  console.log(
    `${cpus().length} cores, Node ${nodeVersion}, ${broker.what}, load average ${figure(loadBefore)} to ${figure(loadavg()[0])}\n`,
  );
  console.log(roundTripTable(rows));
  console.log();
  console.log(
    table(
      ['process', 'cold start ms', 'RSS idle MiB', 'RSS after MiB'],
      memory.map(({ name, coldStartMs, idle }, index) => [
        name,
        figure(coldStartMs),
        mebibytes(idle.rssBytes),
        mebibytes(after[index]?.rssBytes ?? Number.NaN),
      ]),
    ),
  );
  const gateway = memory.find(({ name }) => name === 'gateway');
  const cost = gateway && { coldStartMs: gateway.coldStartMs, idleBytes: gateway.idle.rssBytes };
  const nodeMajor = Number(nodeVersion.split('.')[0]);
  console.log(`\n${table(['goal', 'measured', 'verdict'], judge({ rows, gateway: cost, nodeMajor }))}`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ rows }, undefined, 2)}\n`);
} finally {
  await closers.close();
}

/** What a program says of itself, without the `v`. */
function versionOf(node: string): string {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1);
}

function roundTripTable(rows: readonly Row[]): string {
  return table(
    [
      ...['target', 'clients', 'devices', 'p50 ms', 'p99 ms', 'per s', 'CPU us', 'main', 'writer', 'others'],
      ...['loop p99 ms', 'KiB', 'syncs', 'failed'],
    ],
    rows.map((row) => [
      row.target,
      `${row.clients}`,
      `${row.devices}`,
      figure(row.p50Ms),
      figure(row.p99Ms),
      figure(row.rate),
      figure(row.cpuMicros),
      figure(row.threads.mainMicros),
      figure(row.threads.writerMicros),
      figure(row.threads.otherMicros),
      figure(row.loopP99Ms),
      figure(row.bytes === undefined ? undefined : row.bytes / 1_024),
      figure(row.syncs),
      `${row.failures}`,
    ]),
  );
}
