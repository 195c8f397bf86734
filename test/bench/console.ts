import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { CDPSession, Page } from 'playwright-core';
import { Zigbee2MqttSimulator } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { systemClock } from '../../src/clock/system-clock.ts';
import { connectMqttPeer } from '../../src/simulation/zigbee2mqtt.ts';
import { GatewayBox, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { signIn, startBrowser, visit } from '../peers/kit/browser.ts';
import { askedFor } from './options.ts';
import { percentile } from './statistics.ts';

const usage = `npm run bench:console -- [--devices N] [--events N] [--seconds N] [--memory MINUTES]
  The console in Debian's Chromium, at a gateway of its own: what the first page weighs, how soon it can be used on a
  processor slowed four times, which frames are dropped while events come, and what it and the gateway take of memory.
  --devices 200    doors   --events 1000   a minute   --seconds 60   how long frames are counted
  --memory 0       how long memory is watched`;

const values = askedFor(usage, {
  devices: { type: 'string', default: '200' },
  events: { type: 'string', default: '1000' },
  seconds: { type: 'string', default: '60' },
  memory: { type: 'string', default: '0' },
});
const count = Number(values.devices);
const perMinute = Number(values.events);

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

await ensureBuilt();
const [httpPort, brokerPort] = [await freePort(), await freePort()];
const slugs = Array.from({ length: count }, (_, n) => `door-${n + 1}`);
const box = await GatewayBox.make({
  http: { port: httpPort },
  log: { level: 'warn' },
  mqtt: { main: { embedded: { port: brokerPort } } },
  devices: slugs.map((slug) => ({ ...zigbeeEntry(slug), name: `Door ${slug.slice(5)}` })),
});
const gateway = spawn(
  process.execPath,
  [join(import.meta.dirname, '../../dist/src/cli.js'), 'run', '--config', box.configFile],
  {
    stdio: ['ignore', 'ignore', 'inherit'],
  },
);
const url = `http://127.0.0.1:${httpPort}/`;
const residentMib = () =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) / 1_024;
const cpuSeconds = () => {
  const fields = readFileSync(`/proc/${gateway.pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function up(): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}health`).catch(() => undefined);
    if (answer?.ok) return;
    if (gateway.exitCode !== null) throw new Error('the gateway ended');
    await pause(100);
  }
}

/** Runs a script in the page; the page's own types are not known here. */
const inPage = <Value>(page: Page, script: string) => page.evaluate<Value>(script);

const heapMib = async (session: CDPSession) => {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  return (metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0) / 1_048_576;
};

/** Lengths of frames in milliseconds while `seconds` pass. */
const frames = (page: Page, seconds: number) =>
  inPage<number[]>(
    page,
    `new Promise((resolve) => {
      const lengths = []; let last = performance.now(); const end = last + ${seconds * 1_000};
      const next = (now) => { lengths.push(now - last); last = now; if (now < end) requestAnimationFrame(next); else resolve(lengths); };
      requestAnimationFrame(next);
    })`,
  );
const FRAME_MS = 1_000 / 60;
const dropped = (lengths: readonly number[]) =>
  lengths.reduce((sum, ms) => sum + Math.max(0, Math.round(ms / FRAME_MS) - 1), 0);

const say = (what: string, figure: string) => console.log(`${what.padEnd(58)} ${figure}`);
const browser = await startBrowser();
try {
  console.log(`load average ${loadavg()[0]?.toFixed(1)}, ${count} doors\n`);
  await up();
  const peer = await connectMqttPeer(`mqtt://127.0.0.1:${brokerPort}`);
  const bridge = new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock });
  const locks = slugs.map((friendlyName) => bridge.addLock({ friendlyName, motorMs: 100 }));
  bridge.start();
  await pause(8_000);
  const quietMib = residentMib();
  const quietCpu = cpuSeconds();
  await pause(10_000);
  say('gateway, nobody looks: memory', `${quietMib.toFixed(0)} MiB`);
  say('gateway, nobody looks: processor', `${((cpuSeconds() - quietCpu) * 10).toFixed(2)} %`);

  const { page, context } = await visit(browser, 'about:blank');
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable');
  let weight = 0;
  let requests = 0;
  await session.send('Network.enable');
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    weight += encodedDataLength;
    requests += 1;
  });
  await page.goto(url);
  await page.getByLabel('API key').waitFor();
  say('first page, as it comes over the wire', `${(weight / 1_024).toFixed(1)} KiB in ${requests} requests`);
  await signIn(page, box.key);
  await page.locator('article').first().waitFor();

  // Signed in already; the browser keeps the files.
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    await page.addInitScript(
      'window.tasks = []; new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((one) => one.startTime + one.duration))).observe({ type: "longtask", buffered: true });',
    );
    await page.reload();
    await page
      .locator('article')
      .nth(count - 1)
      .waitFor({ state: 'attached' });
    const drawn = await inPage<number>(page, 'performance.now()');
    await pause(2_000);
    const busyUntil = await inPage<number>(page, 'Math.max(0, ...window.tasks)');
    // Usable once the last door stands there and no long task follows at once.
    times.push(busyUntil > drawn && busyUntil < drawn + 1_000 ? busyUntil : drawn);
  }
  await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  say(
    'time to interactive, processor slowed four times, median of 5',
    `${percentile(
      times.toSorted((a, b) => a - b),
      0.5,
    ).toFixed(0)} ms`,
  );

  const seconds = Number(values.seconds);
  const still = await frames(page, seconds / 2);
  let turn = 0;
  const moving = setInterval(() => {
    const lock = locks[turn % count];
    lock?.turnByHand(Math.floor(turn / count) % 2 === 0 ? 'unlocked' : 'locked');
    turn += 1;
  }, 60_000 / perMinute);
  await pause(2_000);
  const busyCpu = cpuSeconds();
  const before = await session.send('Performance.getMetrics');
  const lengths = await frames(page, seconds);
  const after = await session.send('Performance.getMetrics');
  const of = ({ metrics }: typeof before, name: string) => metrics.find((one) => one.name === name)?.value ?? 0;
  const share = ((of(after, 'TaskDuration') - of(before, 'TaskDuration')) / seconds) * 100;
  const sorted = lengths.toSorted((a, b) => a - b);
  say(`frames dropped in ${seconds / 2} s without an event`, `${dropped(still)} of ${still.length}`);
  say(`frames dropped in ${seconds} s at ${perMinute} events a minute`, `${dropped(lengths)} of ${lengths.length}`);
  say(
    'longest frames: 99th percentile, longest',
    `${percentile(sorted, 0.99).toFixed(1)} ms, ${sorted.at(-1)?.toFixed(1)} ms`,
  );
  say('the page’s main thread', `${share.toFixed(1)} % of its time`);
  say(
    'gateway meanwhile, one page looking on',
    `${(((cpuSeconds() - busyCpu) / seconds) * 100).toFixed(1)} % processor, ${residentMib().toFixed(0)} MiB`,
  );
  const shift = await inPage<number>(
    page,
    'new Promise((resolve) => { let sum = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; }).observe({ type: "layout-shift", buffered: true }); setTimeout(() => resolve(sum), 500); })',
  );
  say('cumulative layout shift since the page was opened', shift.toFixed(4));

  const minutes = Number(values.memory);
  say(
    'memory: page after collection, gateway',
    `${(await heapMib(session)).toFixed(1)} MiB, ${residentMib().toFixed(0)} MiB`,
  );
  for (let minute = 1; minute <= minutes; minute += 1) {
    await pause(60_000);
    if (minute % 5 === 0 || minute === minutes)
      say(
        `  after ${minute} min, ${turn} events`,
        `${(await heapMib(session)).toFixed(1)} MiB, ${residentMib().toFixed(0)} MiB`,
      );
  }
  clearInterval(moving);
  bridge.stop();
  await peer.close();
} finally {
  await browser.close();
  gateway.kill();
  if (gateway.exitCode === null) await once(gateway, 'exit');
  box.dispose();
}
