import { setTimeout as sleep } from 'node:timers/promises';
import { ensureBuilt } from '../../scripts/build.mjs';
import { Closers } from './closers.ts';
import { HelperProcess } from './helper-process.ts';
import { type AttackLoad, attackLoad } from './hostile-load.ts';
import { doors, HostileSite, noiseSensor as noise, type Told } from './hostile-site.ts';
import { askedFor } from './options.ts';
import { type Broker, startBroker } from './site.ts';
import { percentile } from './statistics.ts';
import { figure, table } from './table.ts';
import { ourRoot } from './targets.ts';

const usage = `npm run bench:hostile -- [options]
  --only A,B         only these attacks
  --seconds N        how long each goes on (10)
  --root FOLDER      the gateway of another checkout, built
  --embedded         the embedded broker even where mosquitto is installed
  --elsewhere        first the same attacker at another server of this machine, which does the least that one can do

Before each attack and while it runs, doors are commanded ten times a second, each over a connection of its own. The bound:
each is in time, and the slowest hundredth takes no more than twice what it took before.`;

/** By so much the p99 of an attack may be above that of the quiet minute before it. */
const BOUND = 2;
/** Milliseconds below which two p99 of a hundred commands are the same: one wakeup of a busy machine. */
const SAME_MS = 20;
/** What takes longer, or did not succeed, is told with its history. */
const SLOW_MS = 1_000;

interface Attack {
  readonly tls?: boolean;
  /** Told to the attacker; the address of the gateway is added. */
  readonly details: Readonly<Record<string, unknown>> & { readonly attack: string };
  /** The attack is over before doors are commanded. */
  readonly before?: boolean;
  /** The gateway is started again while what the attack left is there. */
  readonly restart?: boolean;
}

const attacks: Readonly<Record<string, Attack>> = {
  quiet: { details: { attack: 'none' } },
  'tls-unfinished': { tls: true, before: true, details: { attack: 'silentAndGone', connections: 600, ms: 125_000 } },
  'tls-handshakes': { tls: true, details: { attack: 'handshakes', connections: 50 } },
  'tls-hellos': { tls: true, details: { attack: 'hellos', connections: 200 } },
  'tls-hellos-beside': { tls: true, details: { attack: 'hellos', connections: 200, localAddress: '127.0.0.2' } },
  'idle-1500': { details: { attack: 'silent', connections: 1_500 } },
  'health-1500': { details: { attack: 'health', connections: 1_500, againMs: 3_000 } },
  'slow-1500': { details: { attack: 'slow', connections: 1_500 } },
  'half-600': { details: { attack: 'half', connections: 600 } },
  'flood-health': { details: { attack: 'flood', connections: 50, path: '/health' } },
  'flood-openapi': { details: { attack: 'flood', connections: 50, path: '/openapi.json' } },
  'flood-unknown': { details: { attack: 'flood', connections: 50, path: '/devices/list' } },
  'flood-wrong-keys': { details: { attack: 'flood', connections: 50, path: '/devices/list', key: 'seam_nobodys' } },
  'noise-1000': { details: { attack: 'publish', topic: noise, payload: '{"noise":NUMBER.5}', perSecond: 1_000 } },
  'noise-10000': { details: { attack: 'publish', topic: noise, payload: '{"noise":NUMBER.5}', perSecond: 10_000 } },
  'lock-5000': {
    details: { attack: 'publish', topic: 'door-9', payload: '{"state":"LOCK","battery":NUMBER}', perSecond: 5_000 },
  },
  'own-door-300': {
    details: { attack: 'publish', topic: 'door-0', payload: '{"battery":NUMBER,"linkquality":NUMBER}', perSecond: 300 },
  },
  'large-60MB': { details: { attack: 'large', topic: noise, bytes: 60_000_000, retain: false } },
  'large-60MB-retained': {
    before: true,
    restart: true,
    details: { attack: 'large', topic: noise, bytes: 60_000_000, retain: true },
  },
};

const values = askedFor(usage, {
  only: { type: 'string' },
  seconds: { type: 'string', default: '10' },
  root: { type: 'string', default: ourRoot },
  embedded: { type: 'boolean', default: false },
  elsewhere: { type: 'boolean', default: false },
});
await ensureBuilt();
const closers = new Closers();
const rows: string[][] = [];
try {
  for (const [name, attack] of Object.entries(attacks)) {
    if (values.only !== undefined && !values.only.split(',').includes(name)) continue;
    const row = await measure(name, attack);
    rows.push(row);
    console.error(row.join('  '));
  }
} finally {
  await closers.close();
}
console.log(
  table(
    [
      ...['attack', 'commands', 'in time', 'done', 'p50 ms', 'quiet p99', 'elsewhere p99'],
      ...['p99 ms', 'ratio', `within ${BOUND}`, 'max ms'],
      ...['dialled/s', 'gateway %', 'it waits %', 'attacker %', 'overflows'],
      ...['sockets after', 'RSS MiB', 'told', 'stop ms'],
    ],
    rows,
  ),
);

async function measure(name: string, attack: Attack): Promise<string[]> {
  const own = new Closers();
  try {
    const broker = await startBroker(values.embedded);
    own.add(() => broker.close());
    const lock = new HelperProcess('lock.mjs', { ...place(broker), bases: ['hostile'] });
    own.add(() => lock.stop());
    await lock.ask('ready');
    const attacker = new HelperProcess('attacker.mjs', { ...place(broker), brokerUrl: broker.url, base: 'hostile' });
    own.add(() => attacker.stop());
    let gateway = await HostileSite.start({ broker, root: values.root, tls: attack.tls ?? false });
    own.add(() => gateway.remove());
    for (let door = 0; door < doors; door++) await gateway.door(door, 60_000);
    const { host, port } = gateway;
    const ms = Number(values.seconds) * 1_000;
    const quiet = percentile(inOrder(await commandDoors(gateway, ms)), 0.99);
    const elsewhere = values.elsewhere ? await besideIt(gateway, attack, ms) : undefined;
    if (attack.before) await attacker.ask('finished', { ...attack.details, host, port });
    else await attacker.ask('begin', { ...attack.details, host, port });
    if (attack.restart) {
      gateway.child.kill('SIGKILL');
      await gateway.ended;
      gateway = await gateway.again();
    }
    await sleep(1_000);
    const looked = await attackLoad(gateway.child.pid ?? 0, attacker);
    const tries = await commandDoors(gateway, ms);
    const load = await looked();
    await attacker.ask('end');
    await sleep(2_000);
    return [name, ...doorFigures(tries, quiet, elsewhere), ...loadFigures(load), ...(await endFigures(gateway))];
  } finally {
    await own.close();
  }
}

/** The same attacker at another server of this machine: what its mere use of the processors costs the doors. */
async function besideIt(gateway: HostileSite, attack: Attack, ms: number): Promise<number | undefined> {
  if (attack.before || attack.tls || 'topic' in attack.details) return undefined;
  const own = new Closers();
  try {
    const bystander = new HelperProcess('bystander.mjs', {});
    own.add(() => bystander.stop());
    const attacker = new HelperProcess('attacker.mjs', {});
    own.add(() => attacker.stop());
    const at = { host: '127.0.0.1', port: await bystander.ask<number>('port') };
    await attacker.ask('begin', { ...attack.details, ...at });
    await sleep(1_000);
    const p99 = percentile(inOrder(await commandDoors(gateway, ms)), 0.99);
    await attacker.ask('end');
    return p99;
  } finally {
    await own.close();
    await sleep(1_000);
  }
}

function doorFigures(tries: readonly (Told | undefined)[], quiet: number, elsewhere: number | undefined): string[] {
  const inTime = inOrder(tries);
  const p99 = percentile(inTime, 0.99);
  const isWithin = inTime.length === tries.length && (p99 <= BOUND * quiet || p99 - quiet <= SAME_MS);
  return [
    ...[
      `${tries.length}`,
      `${inTime.length}`,
      `${tries.filter((one) => one?.outcome.startsWith('success')).length}`,
      figure(percentile(inTime, 0.5)),
      figure(quiet),
      figure(elsewhere),
    ],
    ...[figure(p99), figure(p99 / quiet), isWithin ? 'yes' : 'no', figure(inTime.at(-1))],
  ];
}

function loadFigures({ dialled, gatewayBusy, gatewayWaiting, attackerBusy, overflows }: AttackLoad): string[] {
  const percent = (share: number) => figure(100 * share);
  return [figure(dialled), percent(gatewayBusy), percent(gatewayWaiting), percent(attackerBusy), `${overflows}`];
}

async function endFigures(gateway: HostileSite): Promise<string[]> {
  const after = gateway.sockets();
  const rss = gateway.rssMiB();
  const warnings = gateway.said.split('\n').filter((line) => line.includes('"limit":"')).length;
  const stopMs = await gateway.stop();
  return [figure(after), figure(rss), `${warnings}`, stopMs === undefined ? '> 20000' : figure(stopMs)];
}

function inOrder(tries: readonly (Told | undefined)[]): number[] {
  return tries.flatMap((one) => (one === undefined ? [] : [one.ms])).sort((a, b) => a - b);
}

function place({ url, protocolVersion }: Broker) {
  return { url, protocolVersion };
}

/** Ten commands a second; each is in time when its truth was told within a door's deadline of 9 s. */
async function commandDoors(gateway: HostileSite, ms: number): Promise<(Told | undefined)[]> {
  const under: Promise<Told | undefined>[] = [];
  for (let index = 0; index < ms / 100; index++) {
    under.push(gateway.door(index % doors, 10_000).catch(() => undefined));
    await sleep(100);
  }
  const told = await Promise.all(under);
  for (const [index, one] of told.entries())
    if (one !== undefined && (one.ms > SLOW_MS || !one.outcome.startsWith('success')))
      console.error(
        `command ${index}: ${figure(one.ms)} ms, ${one.outcome}`,
        await gateway.historyOf(one.actionAttemptId),
      );
  return told;
}
