import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { usualSettings } from '../../src/access-codes/settings.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { Core } from '../../src/composition/core.ts';
import type { AccessCodeCapability } from '../../src/contract/index.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { permissionScopes } from '../../src/model/permission.ts';
import { limitsOf } from '../../src/model/time-limits.ts';
import type { SqliteStore } from '../../src/store/sqlite-store.ts';
import { Vault } from '../../src/store/vault.ts';
import { type Keypad, ScriptedLock } from '../kit/locks/scripted-lock.ts';
import { openSqliteStore } from '../kit/store/sqlite-bench.ts';
import { askedFor } from './options.ts';
import { temporaryFolder } from './site.ts';
import { percentile } from './statistics.ts';
import { figure, table } from './table.ts';

const usage = `npm run bench:grants -- [--doors N] [--grants N] [--rounds N]
  What a grant costs at a site with few grants and at one with many, in turns, with SQLite on disk: creating and deleting
  one, the lists, and the start.
  --doors      keypads of each site (1000)
  --grants     at the larger site (10000); the smaller one has a hundredth
  --rounds     how often each is measured (200)`;

const values = askedFor(usage, {
  doors: { type: 'string', default: '1000' },
  grants: { type: 'string', default: '10000' },
  rounds: { type: 'string', default: '200' },
  start: { type: 'string' },
});
const doors = Number(values.doors);
const many = Number(values.grants);
const few = Math.ceil(many / 100);
const rounds = Number(values.rounds);

/** What it may cost more at the larger site, and how long its start may take, in milliseconds. */
const mostRatio = 1.5;
const longestStartMs = 3_000;

/** Doors of a grant, as of a flat: the house and its own. */
const doorsPerGrant = 2;
const day = 86_400_000;
const log = pino({ level: 'silent' });
const doorNames = Array.from({ length: doors }, (_, index) => `door-${index}`);

/** A keypad that cannot be asked, as there are: what a lock's answers cost is no part of this. */
const silent: AccessCodeCapability = {
  observes: 'nothing',
  rules: {
    lengths: [4, 5, 6, 7, 8],
    digits: '0123456789',
    slots: { first: 1, count: 250 },
    nativeSchedule: false,
    readCost: 'battery',
  },
  set: async (ctx, { slot = 0, code }) => {
    (await ctx.pointOfNoReturn()).spend();
    return { slot, occupied: true, code };
  },
  clear: async (ctx) => {
    (await ctx.pointOfNoReturn()).spend();
  },
};

interface Site {
  readonly store: SqliteStore;
  readonly core: Core;
  readonly startMs: number;
  readonly startCpuMs: number;
  /** Ids of its guests. */
  readonly people: string[];
  ask(method: 'GET' | 'POST', url: string, payload?: object): Promise<{ readonly body: string; readonly ms: number }>;
  close(): Promise<void>;
}

async function open(folder: string): Promise<Site> {
  const devices = doorNames.map((slug) => {
    const lock = new ScriptedLock<Keypad>();
    lock.keypad = { capability: silent };
    lock.firstWords = [{ kind: 'health', health: { status: 'online' } }];
    return { slug, lock };
  });
  const from = performance.now();
  const cpuBefore = cpuMs();
  const store = await openSqliteStore(join(folder, 'strikeplate.db'));
  const vault = await Vault.open({ keyFile: join(folder, 'store.key'), store, randomBytes });
  const now = Date.now();
  const core = new Core({
    identity: {
      id: 'bench',
      name: 'Bench',
      timeZone: 'UTC',
      workspaceId: uuidv7(),
      version: '0.0.0',
      bootId: 'boot',
      startedAt: now,
    },
    clock: systemClock,
    store,
    log,
    random: Math.random,
    randomInt,
    newId: () => uuidv7(),
    vault,
    randomBytes,
    accessCodes: usualSettings,
    timeSource: { isSynchronised: async () => true },
    webhooks: { sender: { send: async () => 200, check: async () => {} }, includesCodes: false, limit: 10_000 },
    links: () => [],
    permissionOf: () => undefined,
    devices: devices.map(({ slug, lock }) => ({
      description: {
        deviceId: slug,
        slug,
        name: slug,
        driver: lock.driver.id,
        link: 'mqtt/main',
        ...lock.driver.describe(undefined),
        timeZone: 'UTC',
        limits: limitsOf(lock.driver),
        createdAt: now,
      },
      driver: lock.driver,
      settings: undefined,
      link: lock.link,
      outOfService: false,
      clock: systemClock,
      random: Math.random,
      randomBytes,
      log,
    })),
  });
  await core.start();
  const startMs = performance.now() - from;
  const startCpuMs = cpuMs() - cpuBefore;
  const server = createHttpServer({
    gateway: core,
    keys: { verify: () => ({ id: 'bench', name: 'bench', scopes: new Set(permissionScopes), devices: undefined }) },
    holdMs: 0,
    log,
  });
  return {
    store,
    core,
    startMs,
    startCpuMs,
    people: [],
    ask: async (method, url, payload) => {
      const began = performance.now();
      const headers = { authorization: 'Bearer seam_bench' };
      const answer = await server.inject({ method, url, headers, ...(payload && { payload }) });
      const ms = performance.now() - began;
      if (answer.statusCode !== 200) throw new Error(`${url} was answered ${answer.statusCode}: ${answer.body}`);
      return { body: answer.body, ms };
    },
    close: async () => {
      await server.close();
      await core.stop(0);
      await store.close();
    },
  };
}

/** A stay to come, of a few days within a year: nothing is written to a lock while it is measured. */
function stay(number: number): object {
  const startsAt = Date.now() + (2 + (number % 360)) * day;
  return {
    user_identity: { full_name: `Guest ${number}` },
    device_ids: Array.from({ length: doorsPerGrant }, (_, index) => doorNames[(number * 7 + index * 499) % doors]),
    requested_access_methods: [{ mode: 'code' }],
    starts_at: new Date(startsAt).toISOString(),
    ends_at: new Date(startsAt + 3 * day).toISOString(),
  };
}

async function fill({ ask, people }: Site, count: number): Promise<void> {
  let next = 0;
  const client = async () => {
    for (let number = next++; number < count; number = next++) {
      const { body } = await ask('POST', '/access_grants/create', stay(number));
      people.push(JSON.parse(body).access_grant.user_identity_id);
    }
  };
  await Promise.all(Array.from({ length: 32 }, client));
}

const idOf = (body: string): string => JSON.parse(body).access_grant.access_grant_id;

/** What is measured, each against a site as it is; what it makes is gone afterwards. */
const measured: Readonly<Record<string, (site: Site, round: number) => Promise<number>>> = {
  'create and delete': async ({ ask }, round) => {
    const { body, ms } = await ask('POST', '/access_grants/create', stay(round));
    const gone = await ask('POST', '/access_grants/delete', { access_grant_id: idOf(body) });
    return ms + gone.ms;
  },
  create: async ({ ask }, round) => {
    const { body, ms } = await ask('POST', '/access_grants/create', stay(round));
    await ask('POST', '/access_grants/delete', { access_grant_id: idOf(body) });
    return ms;
  },
  'list, a page of 100': async ({ ask }) => (await ask('GET', '/access_grants/list?limit=100')).ms,
  'list, those of a person': async ({ ask, people }, round) =>
    (await ask('GET', `/access_grants/list?user_identity_id=${people[round % people.length]}`)).ms,
  'list, those of a door': async ({ ask }, round) =>
    (await ask('GET', `/access_grants/list?device_id=${doorNames[(round * 7) % doors]}&limit=1`)).ms,
};

/** In a process of its own, as a start is. */
function startElsewhere(folder: string): Pick<Site, 'startMs' | 'startCpuMs'> {
  const file = fileURLToPath(import.meta.url);
  const options = ['--doors', values.doors, '--start', folder];
  const printed = execFileSync(process.execPath, ['--import', 'tsx', file, ...options], { encoding: 'utf8' });
  return JSON.parse(printed);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

if (values.start !== undefined) {
  const { startMs, startCpuMs, close } = await open(values.start);
  await close();
  console.log(JSON.stringify({ startMs, startCpuMs }));
  process.exit(0);
}

const folders = [temporaryFolder(), temporaryFolder()] as const;
let failed = 0;
try {
  console.log(
    `${doors} doors, ${few} and ${many} grants of ${doorsPerGrant} doors: Node ${process.versions.node}, load average ${figure(loadavg()[0])}\n`,
  );
  const sites = await Promise.all(folders.map(({ path }) => open(path)));
  const [small, large] = sites;
  if (!small || !large) throw new Error('there is no site');
  await fill(small, few);
  const began = performance.now();
  await fill(large, many);
  console.log(`filled at ${figure((many / (performance.now() - began)) * 1_000)} grants a second\n`);
  const rows: string[][] = [];
  for (const [what, measure] of Object.entries(measured)) {
    const took: [number[], number[]] = [[], []];
    const cpu: [number, number] = [0, 0];
    for (let round = 0; round < rounds; round++) {
      // In turns, and who begins alternates: what else the machine does falls on both.
      for (const site of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const before = cpuMs();
        took[site].push(await measure(site === 0 ? small : large, round));
        cpu[site] += cpuMs() - before;
      }
    }
    const [one, other] = took.map((each) =>
      percentile(
        each.sort((a, b) => a - b),
        0.5,
      ),
    ) as [number, number];
    const ratio = other / one;
    if (ratio > mostRatio) failed += 1;
    rows.push([
      what,
      figure(one),
      figure(other),
      figure(ratio),
      figure(cpu[1] / cpu[0]),
      ratio > mostRatio ? 'too much' : 'well',
    ]);
  }
  console.log(
    table(['median, ms', `${few} grants`, `${many} grants`, 'ratio', 'ratio of CPU', `at most ${mostRatio}`], rows),
  );
  await Promise.all(sites.map((site) => site.close()));
  const starts: string[][] = [];
  for (const [index, { path }] of folders.entries()) {
    const { startMs, startCpuMs } = startElsewhere(path);
    const isLate = startMs > longestStartMs;
    if (isLate) failed += 1;
    starts.push([`${[few, many][index]} grants`, figure(startMs), figure(startCpuMs), isLate ? 'too late' : 'well']);
  }
  console.log(`\n${table(['start with', 'ms', 'ms of CPU', `at most ${longestStartMs} ms`], starts)}`);
} finally {
  for (const folder of folders) folder.remove();
}
process.exit(failed > 0 ? 1 : 0);
