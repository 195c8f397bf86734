import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { openStore } from '../../src/composition/store.ts';
import { GatewayError, Secret } from '../../src/contract/index.ts';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { createApiKey } from '../../src/http/api-key-changes.ts';
import { ApiKeys } from '../../src/http/api-keys.ts';
import type { Change } from '../../src/model/store.ts';
import { PairingFiles } from '../../src/store/pairing-files.ts';
import type { SqliteStore } from '../../src/store/sqlite-store.ts';
import type { Vault } from '../../src/store/vault.ts';
import { seededRandom } from '../kit/seeded-random.ts';
import {
  aCode,
  accepted,
  aDelivery,
  anUnmanagedCode,
  aWebhook,
  deviceB,
  happened,
  settled,
  uuid,
} from '../kit/store/store-records.ts';

/*
 * P9: nothing is lost in silence. One bit is flipped, or one page cut out, in what the gateway keeps; then it starts.
 * It refuses by name, or whoever reads what was hit is told, or it makes no difference: never a wrong answer, and never
 * something that is gone without a word. STRIKEPLATE_DAMAGE_CASES says how many; by hand, some thousands.
 */

const cases = Number(process.env.STRIKEPLATE_DAMAGE_CASES ?? 150);
const seed = Number(process.env.STRIKEPLATE_SEED ?? 20_260_501);
const log = pino({ level: 'silent' });
const pairedDevice = { deviceId: 'cellar', driver: 'ble/nuki', name: 'Cellar' };
const attempts = 120;

let folder: string;
let apiKey: string;
/** What a gateway leaves behind that was killed, and one that was stopped. */
const states = ['killed', 'stopped'] as const;
const truths = new Map<string, Answers>();

type Answers = ReadonlyMap<string, string>;

async function openAll(at: string, clock = new SimulatedClock()) {
  const places = {
    path: join(at, 'db'),
    keyFile: join(at, 'store.key'),
    retentionDays: 90,
    eventRetentionDays: 90,
    maxEvents: 9_999,
    auditDays: 9,
    peopleDays: undefined,
    noiseDays: 8,
  };
  const opened = await openStore(
    { store: places, pairingsDir: at, stateDir: at },
    { clock, log, onFatal: () => undefined },
  );
  const { store, vault } = opened;
  try {
    const audit = await AuditLog.open({ store, vault, clock, log, randomBytes, days: 400, isClockSure: () => true });
    const keys = await ApiKeys.open(join(at, 'api-keys'), clock, log);
    const pairing = pairingsAt(at).read(pairedDevice);
    return { ...opened, audit, keys, pairing };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

const pairingsAt = (at: string) =>
  new PairingFiles({ folder: join(at, 'pairings'), keyFile: join(at, 'store.key'), randomBytes });

/** Everything that a gateway would be asked for, each question with its answer, or with the error it ends in. */
async function answersOf({ store, vault, keys, pairing }: Awaited<ReturnType<typeof openAll>>): Promise<Answers> {
  const answers = new Map<string, string>();
  const ask = (question: string, answer: () => unknown) => {
    try {
      answers.set(
        question,
        JSON.stringify(answer(), (_name, value) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
        ) ?? 'nothing',
      );
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      answers.set(question, `told: ${error.type}`);
    }
  };
  for (let seq = 1; seq <= attempts; seq++) {
    ask(`attempt ${uuid(seq)}`, () => store.read.attempt(uuid(seq)));
    ask(`event ${uuid(seq, 5)}`, () => eventOf(store, seq));
  }
  for (let seq = 1; seq <= attempts; seq += 10)
    ask(`idempotency scope-${seq}`, () => store.read.idempotency(`scope-${seq}`));
  const rows = (list: readonly object[], idOf: (row: never) => string, what: string) => {
    for (const row of list) ask(`${what} ${idOf(row as never)}`, () => row);
  };
  rows(store.read.pendingAttempts(), ({ actionAttemptId }: { actionAttemptId: string }) => actionAttemptId, 'pending');
  rows(store.read.accessCodes(), ({ accessCodeId }: { accessCodeId: string }) => accessCodeId, 'access code');
  rows(
    store.read.unmanagedCodes(),
    ({ accessCodeId }: { accessCodeId: string }) => accessCodeId,
    'unmanaged access code',
  );
  rows(store.read.webhooks(), ({ webhookId }: { webhookId: string }) => webhookId, 'webhook');
  for (const { webhookId } of store.read.webhooks())
    rows(
      store.read.webhookDeliveries(webhookId),
      ({ eventSeq }: { eventSeq: number }) => `${eventSeq}`,
      'webhook delivery',
    );
  for (const code of store.read.accessCodes()) ask(`digits ${code.accessCodeId}`, () => digitsOf(vault, code));
  for (const name of ['clock', 'settings']) ask(`fact ${name}`, () => store.read.fact(name));
  const listed = (name: string, ids: () => readonly string[]) => {
    for (const id of ids()) answers.set(`${name} ${id}`, 'listed');
  };
  listed('of device', () => store.read.attempts({ deviceId: deviceB, limit: 999 }).map((one) => one.actionAttemptId));
  listed('in time', () => store.read.events({ limit: 999 }).map((one) => one.eventId));
  const verified = await keys.verify(apiKey);
  ask('api key', () => verified && [verified.name, [...verified.scopes], [...(verified.devices ?? [])]]);
  ask('pairing', () => pairing?.reveal());
  return answers;
}

const digitsOf = (vault: Vault, code: Parameters<Vault['open']>[1] & { sealedCode: Uint8Array }) =>
  vault.open(code.sealedCode, code).reveal();
const eventOf = (store: SqliteStore, seq: number) => store.read.event(happenedId(seq));
const happenedId = (seq: number): string => {
  const change = happened(seq);
  return change.kind === 'event_put' ? change.event.eventId : '';
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damage-'));
  const live = join(folder, 'live');
  mkdirSync(live);
  const wallTime = () => Date.UTC(2026, 4, 1);
  const wish = { name: 'Flat', devices: ['front', 'side'] };
  ({ key: apiKey } = await createApiKey(join(live, 'api-keys'), wish, randomBytes, wallTime));
  await createApiKey(join(live, 'api-keys'), { name: 'Another' }, randomBytes, wallTime);
  pairingsAt(live).write(pairedDevice, new Secret('a long term key'));
  const parts = await openAll(live);
  const { store, vault } = parts;
  for (let seq = 1; seq <= attempts; seq++) {
    const device = seq % 3 === 0 ? { deviceId: deviceB } : {};
    const also: Change[] =
      seq % 10 === 1
        ? [
            {
              kind: 'idempotency_put',
              record: { scope: `scope-${seq}`, fingerprint: `f${seq}`, actionAttemptId: uuid(seq), createdAt: seq },
            },
          ]
        : [];
    await store.commit([accepted(seq, device), ...also]);
    if (seq % 40 !== 0) await store.commit([settled(seq), happened(seq)]);
    else await store.commit([happened(seq)]);
    // Some of it is in the database, some in its log.
    if (seq === attempts / 2) await fillIndexes(store);
  }
  for (let order = 1; order <= 20; order++) {
    const code = aCode(order);
    const sealedCode = vault.seal(new Secret(String(100_000 + order)), code);
    await store.commit([
      { kind: 'access_code_put', code: { ...code, sealedCode } },
      { kind: 'unmanaged_code_put', code: anUnmanagedCode(order) },
    ]);
  }
  await store.commit([
    { kind: 'webhook_put', webhook: aWebhook(1) },
    ...[1, 2, 3].map((seq): Change => ({ kind: 'webhook_delivery_put', delivery: aDelivery(1, seq) })),
    { kind: 'fact_put', name: 'clock', value: '1777629600000' },
    { kind: 'fact_put', name: 'settings', value: '{"name":"Front"}' },
  ]);
  for (const state of states) {
    if (state === 'stopped') {
      await parts.audit.close();
      await parts.close();
    }
    const kept = join(folder, state);
    cpSync(live, kept, { recursive: true, filter: (path) => !path.endsWith('.lock') });
    const trial = join(folder, `trial-${state}`);
    cpSync(kept, trial, { recursive: true });
    const again = await openAll(trial);
    truths.set(state, await answersOf(again));
    await again.close();
  }
  expect(statSync(join(folder, 'killed/db-wal')).size).toBeGreaterThan(100_000);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Housework of the store, as it comes after hundreds of commits. */
const fillIndexes = async (store: SqliteStore) => {
  await store.commit([{ kind: 'fact_put', name: 'half', value: 'way' }]);
};

/** What the rows are called of which a question asks. */
const kindOf = (question: string): string =>
  /^(attempt|of device|pending)/.test(question)
    ? 'action attempt'
    : /^(event|in time)/.test(question)
      ? 'event'
      : question;

type Damage = 'bit' | 'zeroed page' | 'cut off';

test(`of ${cases} damages none gives a wrong answer, and nothing is gone without a word`, {
  timeout: 3_600_000,
}, async () => {
  const random = seededRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const counts: Record<string, Record<string, number>> = {};
  const failures: string[] = [];
  for (let number = 0; number < cases; number++) {
    const state = states[below(states.length)] ?? 'stopped';
    const at = join(folder, 'case');
    rmSync(at, { recursive: true, force: true });
    cpSync(join(folder, state), at, { recursive: true });
    const small = ['store.key', 'api-keys', 'pairings/cellar.json'];
    const file = random() < 0.2 ? (small[below(3)] ?? '') : state === 'killed' && random() < 0.7 ? 'db-wal' : 'db';
    const kind: Damage = random() < 0.7 ? 'bit' : random() < 0.5 ? 'zeroed page' : 'cut off';
    const where = damage(join(at, file), kind, below);
    const what = `seed ${seed}, case ${number}: ${state}, ${file}, ${kind} at ${where}`;
    const outcome = await outcomeOf(at, truths.get(state) ?? new Map(), what);
    const kept = ['refused at start', 'found at the read', 'harmless'].includes(outcome);
    if (!kept) failures.push(`${what}: ${outcome}`);
    const row = counts[`${file} ${kind}`] ?? {};
    counts[`${file} ${kind}`] = row;
    row[outcome.split(':', 1)[0] ?? ''] = (row[outcome.split(':', 1)[0] ?? ''] ?? 0) + 1;
  }
  // The figures are what a run by hand is for.
  if (process.env.STRIKEPLATE_DAMAGE_CASES !== undefined) console.table(counts);
  expect(failures).toEqual([]);
});

/** @returns the byte, or the length that is left */
function damage(file: string, kind: Damage, below: (n: number) => number): number {
  const bytes = readFileSync(file);
  const used = file.endsWith('-wal') ? endOfLog(bytes) : bytes.length;
  if (kind === 'bit') {
    const at = below(used);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    writeFileSync(file, bytes);
    return at;
  }
  const page = file.endsWith('-wal') ? 1_048 : used >= 2_048 ? 1_024 : 16;
  const pages = Math.max(1, Math.floor(used / page));
  const at = below(pages) * page;
  if (kind === 'cut off') truncateSync(file, at);
  else {
    bytes.fill(0, at, at + page);
    writeFileSync(file, bytes);
  }
  return at;
}

/** The log is made longer with zeros before it is needed. */
function endOfLog(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 32 && bytes[end - 1] === 0) end -= 1;
  return end;
}

async function outcomeOf(at: string, truth: Answers, what: string): Promise<string> {
  let parts: Awaited<ReturnType<typeof openAll>>;
  try {
    parts = await openAll(at);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.type !== 'misconfigured') throw new Error(what, { cause: error });
    // It names the file, and what to do.
    expect(error.message, what).toContain(at);
    expect(error.message, what).toMatch(/restore|backup|pair again|put that one back/i);
    return 'refused at start';
  }
  try {
    const answers = await answersOf(parts);
    const named = parts.store.damaged;
    const truthIds = new Set([...truth.keys()].map((question) => question.split(' ').at(-1) ?? ''));
    let told = named.length > 0;
    for (const [question, right] of truth) {
      const answer = answers.get(question);
      if (answer === right) continue;
      if (answer?.startsWith('told: ')) told = true;
      else if (answer === undefined || answer === 'nothing' || answer === right) {
        // Gone: the list of what was left out names it, or what it hangs on.
        const id = question.split(' ').at(-1) ?? '';
        const kind = kindOf(question);
        // Where the id itself was hit, the row is named by an id that nobody knows.
        const isNobodys = (row: string) => row.startsWith(kind) && !truthIds.has(row.split(' ').at(-1) ?? '');
        const names = (row: string) =>
          isNobodys(row) ||
          row.endsWith(` ${id}`) ||
          row.includes('(unreadable)') ||
          (row.startsWith('webhook') && question.startsWith('webhook'));
        if (!named.some(names)) return `lost in silence: ${question}`;
      } else return `wrong answer: ${question}: ${answer} for ${right}`;
    }
    for (const question of answers.keys()) if (!truth.has(question)) return `wrong answer: ${question} was never there`;
    return told ? 'found at the read' : 'harmless';
  } finally {
    await parts.close();
  }
}
