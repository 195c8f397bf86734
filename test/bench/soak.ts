import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Zigbee2MqttSimulator } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { systemClock } from '../../src/clock/system-clock.ts';
import { connectMqttPeer } from '../../src/simulation/zigbee2mqtt.ts';
import { Mosquitto } from '../peers/kit/mosquitto.ts';
import { Closers } from './closers.ts';
import { type Course, judgeCourse } from './flatness.ts';
import { HelperProcess } from './helper-process.ts';
import { askedFor } from './options.ts';
import { temporaryFolder } from './site.ts';
import { FaultyReceiver, SoakFaults } from './soak-faults.ts';
import { SoakLoad } from './soak-load.ts';
import { doorSlugs, fileSizes, SoakCaller, type SoakSite, sensorSlug, soakSite } from './soak-site.ts';
import { figure, mebibytes, table } from './table.ts';
import { ourRoot } from './targets.ts';

const usage = `npm run soak -- [options]
  --minutes N        how long (60)
  --doors N          door commands a second; everything else follows from it (4)
  --quiet            no faults
  --root FOLDER      the gateway of another checkout, built

Every ten seconds a line with what the gateway uses; at the end whether it stayed flat, as the exit code too.
SIGUSR2 to the gateway (gateway.mjs) writes a heap snapshot. Needs mosquitto.`;

/** Seconds between two lines. */
const SLICE_S = 10;

/** What stays in the gateway when nothing is under way; see gateway.mjs. */
interface Residue {
  readonly keptBytes: number;
  readonly externalBytes: number;
  readonly bufferBytes: number;
  readonly handles: number;
  readonly listeners: number;
  readonly descriptors: number;
  readonly timers: number;
}

interface Sample extends Residue {
  readonly rssBytes: number;
  readonly loopP99Ms: number;
  readonly databaseBytes: number;
  readonly logBytes: number;
}

const values = askedFor(usage, {
  minutes: { type: 'string', default: '60' },
  doors: { type: 'string', default: '4' },
  quiet: { type: 'boolean', default: false },
  root: { type: 'string', default: ourRoot },
});
await ensureBuilt();
const closers = new Closers();
let flat = false;
try {
  flat = await soak(Number(values.minutes), Number(values.doors));
} finally {
  await closers.close();
}
process.exit(flat ? 0 : 1);

async function soak(minutes: number, doorsPerSecond: number): Promise<boolean> {
  const folder = temporaryFolder();
  closers.add(async () => folder.remove());
  const broker = await Mosquitto.start();
  closers.add(() => broker.close());
  const peer = await connectMqttPeer(broker.url);
  closers.add(() => peer.close());
  const bridge = new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock });
  closers.add(async () => bridge.stop());
  const locks = doorSlugs.map((friendlyName) =>
    bridge.addLock({ friendlyName, bolt: 'locked', radioMs: 20, motorMs: 100, exposePin: true, slots: 31 }),
  );
  const sensor = bridge.addNoiseSensor({ friendlyName: sensorSlug });
  bridge.start();
  // A broker that comes back has forgotten what was retained.
  peer.onReconnect(() => {
    bridge.bridge.stop();
    bridge.bridge.start();
  });

  const site = await soakSite(folder.path, broker.url, await freePort());
  const gateway = new HelperProcess('gateway.mjs', { ...site, root: values.root }, [
    '--expose-gc',
    '--heapsnapshot-signal=SIGUSR2',
  ]);
  closers.add(() => gateway.stop());
  const caller = new SoakCaller(site);
  closers.add(async () => caller.close());
  await Promise.race([listening(caller), gateway.failed]);
  const receiver = await FaultyReceiver.start();
  closers.add(() => receiver.close());
  await caller.call('/webhooks/create', { url: receiver.url });

  console.log(`Node ${process.versions.node}, ${minutes} minutes, load average ${figure(loadavg()[0])}`);
  const load = new SoakLoad(caller);
  load.begin(doorsPerSecond);
  const silent = locks.at(-1);
  if (silent === undefined) throw new Error('there is no lock to be silent');
  const faults = new SoakFaults({ port: site.port, broker, lock: silent, sensor, caller });
  if (!values.quiet) faults.begin();

  const samples = await watched(gateway, site, load, minutes);
  await load.end();
  await faults.end();
  const tally = (counts: ReadonlyMap<string, number>) =>
    [...counts].map(([what, times]) => `${what} ${times}`).join(', ');
  console.log(
    `\nanswers: ${tally(load.told)}\nfaults: ${tally(faults.counts)}\nwebhooks received: ${receiver.received}`,
  );
  const first = samples[0];
  const last = samples.at(-1);
  if (first && last && load.attempts > 0)
    console.log(`database ${figure((last.databaseBytes - first.databaseBytes) / load.attempts)} bytes a door command`);
  return judged(samples);
}

/** A line every ten seconds until the time is over. */
async function watched(gateway: HelperProcess, site: SoakSite, load: SoakLoad, minutes: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  console.log(
    'minutes, doors, RSS MiB, heap kept MiB, buffers MiB, descriptors, handles, listeners, timers, loop p99 ms, database MiB, log MiB',
  );
  const from = performance.now();
  while (performance.now() - from < minutes * 60_000) {
    await Promise.race([sleep(SLICE_S * 1_000), gateway.failed]);
    const { rssBytes, loopP99Ms } = await gateway.figures();
    const sample = { rssBytes, loopP99Ms, ...(await gateway.ask<Residue>('residue')), ...fileSizes(site) };
    samples.push(sample);
    const cells = [
      figure((performance.now() - from) / 60_000),
      `${load.attempts}`,
      mebibytes(sample.rssBytes),
      mebibytes(sample.keptBytes),
      mebibytes(sample.bufferBytes),
      `${sample.descriptors}`,
      `${sample.handles}`,
      `${sample.listeners}`,
      `${sample.timers}`,
      figure(sample.loopP99Ms),
      mebibytes(sample.databaseBytes),
      mebibytes(sample.logBytes),
    ];
    console.log(cells.join(', '));
  }
  return samples;
}

function judged(samples: readonly Sample[]): boolean {
  const course = (name: string, unit: string, mayGrow: number, of: (sample: Sample) => number): Course => ({
    name,
    unit,
    mayGrow,
    values: samples.map(of),
  });
  const verdicts = [
    course('resident memory', 'MiB', 8, ({ rssBytes }) => rssBytes / 2 ** 20),
    // Grants that were deleted are remembered for 30 days: some hundred an hour.
    course('heap kept', 'MiB', 2, ({ keptBytes }) => keptBytes / 2 ** 20),
    course('buffers', 'MiB', 1, ({ bufferBytes }) => bufferBytes / 2 ** 20),
    course('descriptors', '', 5, ({ descriptors }) => descriptors),
    course('handles', '', 5, ({ handles }) => handles),
    course('listeners', '', 30, ({ listeners }) => listeners),
    course('timers', '', 20, ({ timers }) => timers),
    course('loop delay, p99', 'ms', 20, ({ loopP99Ms }) => loopP99Ms),
  ].map(judgeCourse);
  const rows = verdicts.map(({ name, unit, early, late, flat: isFlat }) => [
    unit === '' ? name : `${name}, ${unit}`,
    figure(early),
    figure(late),
    isFlat ? 'flat' : 'GROWS',
  ]);
  console.log(`\n${table(['figure', 'second quarter', 'last quarter', ''], rows)}`);
  return verdicts.every(({ flat: isFlat }) => isFlat);
}

async function listening(caller: SoakCaller): Promise<void> {
  for (;;) {
    const up = await caller.call('/health').then(
      ({ status }) => status === 200,
      () => false,
    );
    if (up) return;
    await sleep(20);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
