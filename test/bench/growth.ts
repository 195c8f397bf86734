import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../scripts/build.mjs';
import { openSqliteStore } from '../kit/store/sqlite-bench.ts';
import { accepted, settled } from '../kit/store/store-records.ts';
import { Closers } from './closers.ts';
import { manyAttemptsBesideFew, manyDoorsBesideFew, type Running } from './growth-compared.ts';
import { HelperProcess } from './helper-process.ts';
import { HttpLoader } from './http-load.ts';
import { type Broker, configureGateway, startBroker, temporaryFolder } from './site.ts';
import { percentile } from './statistics.ts';
import { figure, mebibytes, table } from './table.ts';
import { allBases, freePort, ourRoot, unitOf } from './targets.ts';

const usage = `npm run bench:growth -- MODE [--count N]
  devices    so many configured devices, idle: start and memory (10000)
  pending    so many attempts that have not ended: memory and reads (10000)
  stored     so many attempts in the database: start, memory and reads (1000000)
  doors      16 clients at so many doors beside 16 clients at 100, in turns (10000)
  attempts   a command, a get and a list with so many attempts stored beside 10000, in turns (1000000)
  soak       unlocks for so many minutes with one client: memory over time (60)`;

const DEFAULTS = {
  devices: 10_000,
  pending: 10_000,
  stored: 1_000_000,
  doors: 10_000,
  attempts: 1_000_000,
  soak: 60,
} as const;
type Mode = keyof typeof DEFAULTS;
const isMode = (word: string | undefined): word is Mode => word !== undefined && Object.hasOwn(DEFAULTS, word);

/** Attempts that wait at one device: its lane holds 16. */
const PER_LANE = 16;
/** With more of them the gateway has its unit's drop-in for them. */
const MANY_DOORS = 4_500;
/** How many reads are timed. */
const READS = 200;
/** Seconds that a gateway is left alone before its memory is read. */
const REST_S = 5;
/** Seconds between two lines of a soak. */
const SOAK_SLICE_S = 10;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { count: { type: 'string' }, help: { type: 'boolean', default: false } },
});
const [mode] = positionals;
if (values.help || !isMode(mode)) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}
const count = Number(values.count ?? DEFAULTS[mode]);

await ensureBuilt();
const closers = new Closers();
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const runs: Readonly<Record<Mode, (broker: Broker, folder: string) => Promise<void>>> = {
  devices: idleDevices,
  pending: pendingAttempts,
  stored: storedAttempts,
  doors: (broker, folder) =>
    manyDoorsBesideFew(broker, count, (base, devices) => start(broker, folder, devices, { base })),
  attempts: async (broker, folder) => {
    const after = async (base: string, stored: number) => {
      await store(join(folder, base), stored);
      return start(broker, folder, 100, { base });
    };
    await manyAttemptsBesideFew(broker, count, after);
  },
  soak,
};
try {
  const folder = temporaryFolder();
  closers.add(async () => folder.remove());
  const broker = await startBroker(false);
  closers.add(() => broker.close());
  console.log(
    `${mode}, ${count}: Node ${process.versions.node}, ${broker.what}, load average ${figure(loadavg()[0])}\n`,
  );
  await runs[mode](broker, folder.path);
} finally {
  await closers.close();
}
process.exit(0);

async function idleDevices(broker: Broker, folder: string): Promise<void> {
  const gateway = await start(broker, folder, count);
  await pause(REST_S);
  report(gateway, await timed(gateway, '/devices/list?limit=100'), (await gateway.process.figures()).rssBytes);
}

/** Nobody listens to what the gateway would send, and it has long to go on trying. */
async function pendingAttempts(broker: Broker, folder: string): Promise<void> {
  const limits = 'limits: { door: { send_by_ms: 120000, deadline_ms: 300000 } }';
  const gateway = await start(broker, folder, Math.ceil(count / PER_LANE), { ofEachDevice: limits });
  const { url, site } = gateway;
  const from = performance.now();
  let next = 0;
  const client = async () => {
    for (let turn = next++; turn < count; turn = next++) {
      const answer = await fetch(`${url}/locks/unlock_door`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${site.apiKey}`,
          'content-type': 'application/json',
          prefer: 'respond-async',
        },
        body: JSON.stringify({ device_id: site.deviceIds[turn % site.deviceIds.length] }),
      });
      const text = await answer.text();
      if (!text.includes('"status":"pending"')) throw new Error(`the gateway answered ${answer.status}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, client));
  console.log(`accepted at ${figure((count / (performance.now() - from)) * 1_000)} a second\n`);
  report(gateway, await timed(gateway, '/action_attempts/list?limit=100'), (await gateway.process.figures()).rssBytes);
}

async function storedAttempts(broker: Broker, folder: string): Promise<void> {
  const from = performance.now();
  await store(join(folder, 'gateway'), count);
  console.log(`stored in ${figure((performance.now() - from) / 1_000)} s\n`);
  const gateway = await start(broker, folder, 1);
  await pause(REST_S);
  report(gateway, await timed(gateway, '/action_attempts/list?limit=100'), (await gateway.process.figures()).rssBytes);
}

async function store(folder: string, attempts: number): Promise<void> {
  const store = await openSqliteStore(join(folder, 'strikeplate.db'));
  const now = Date.now();
  const atOnce = 2_000;
  for (let seq = 1; seq <= attempts; seq += atOnce) {
    const seqs = Array.from({ length: Math.min(atOnce, attempts - seq + 1) }, (_, index) => seq + index);
    await store.commit(seqs.flatMap((each) => [accepted(each, { acceptedAt: now }), settled(each, now)]));
  }
  await store.close();
}

async function soak(broker: Broker, folder: string): Promise<void> {
  const { url, protocolVersion } = broker;
  const lock = new HelperProcess('lock.mjs', { url, protocolVersion, bases: allBases });
  closers.add(() => lock.stop());
  await lock.ask('ready');
  const gateway = await start(broker, folder, 100);
  const loader = new HttpLoader({ url: gateway.url, deviceIds: gateway.site.deviceIds, apiKey: gateway.site.apiKey });
  closers.add(async () => loader.close());
  console.log('minutes, attempts, failed, p50 ms, p99 ms, RSS MiB, heap MiB');
  const from = performance.now();
  let attempts = 0;
  let failed = 0;
  while (performance.now() - from < count * 60_000) {
    const load = await loader.run({ clients: 1, devices: 100, ms: SOAK_SLICE_S * 1_000 });
    const sorted = [...load.latencies].sort((a, b) => a - b);
    const { rssBytes, heapBytes } = await gateway.process.figures();
    attempts += sorted.length;
    failed += load.failures;
    const cells = [
      figure((performance.now() - from) / 60_000),
      `${attempts}`,
      `${failed}`,
      figure(percentile(sorted, 0.5)),
      figure(percentile(sorted, 0.99)),
      mebibytes(rssBytes),
      mebibytes(heapBytes),
    ];
    console.log(cells.join(', '));
  }
}

async function start(
  broker: Broker,
  folder: string,
  devices: number,
  { base = 'gateway', ofEachDevice }: { readonly base?: string; readonly ofEachDevice?: string } = {},
): Promise<Running> {
  const port = await freePort();
  const site = await configureGateway({
    folder: join(folder, base),
    brokerUrl: broker.url,
    base,
    devices,
    monitor: false,
    webhooks: false,
    port,
    ...(ofEachDevice !== undefined && { ofEachDevice }),
  });
  const url = `http://127.0.0.1:${port}`;
  const from = performance.now();
  const { options, environment } = unitOf(ourRoot, devices > MANY_DOORS ? ['many-doors.conf'] : []);
  const gateway = new HelperProcess('gateway.mjs', { ...site, root: ourRoot }, options, environment);
  closers.add(() => gateway.stop());
  const up = async () => {
    while (
      !(await fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      ))
    )
      await pause(0.01);
  };
  await Promise.race([up(), gateway.failed]);
  return { site, url, process: gateway, startMs: performance.now() - from };
}

/** Milliseconds of each of many reads, ascending. */
async function timed({ url, site }: Running, path: string): Promise<readonly number[]> {
  const took: number[] = [];
  for (let read = 0; read < READS; read++) {
    const from = performance.now();
    const answer = await fetch(url + path, { headers: { authorization: `Bearer ${site.apiKey}` } });
    await answer.text();
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
    took.push(performance.now() - from);
  }
  return took.sort((a, b) => a - b);
}

function report({ startMs }: Running, reads: readonly number[], rssBytes: number): void {
  console.log(
    table(
      ['start ms', 'RSS MiB', 'list p50 ms', 'list p99 ms'],
      [[figure(startMs), mebibytes(rssBytes), figure(percentile(reads, 0.5)), figure(percentile(reads, 0.99))]],
    ),
  );
}
