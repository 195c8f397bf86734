import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliBox } from '../../test/kit/command-line/cli-fixture.ts';
import { fc } from '../../test/kit/seeded-properties.ts';
import { accepted, anAttempt, settled } from '../../test/kit/store/store-records.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { attemptAudit } from '../model/audit.ts';
import type { Change } from '../model/store.ts';
import { readKey } from '../store/key-file.ts';
import { SqliteReader } from '../store/sqlite-reader.ts';
import { SqliteStore } from '../store/sqlite-store.ts';
import { Vault } from '../store/vault.ts';
import { AuditLog, auditAnchorFact, auditHeadFact, auditKeyFact, openChainKey } from './audit-log.ts';
import { type ChainVerdict, verifyChain } from './verify-chain.ts';

const dayMs = 86_400_000;
const gateway = { kind: 'gateway' } as const;
let folder: string;
let keyFile: string;
let original: string;
let copies = 0;

const end = (seq: number): Change[] => {
  const change = settled(seq);
  if (change.kind !== 'attempt_settled') throw new Error('not a settlement');
  return [change, attemptAudit(anAttempt(seq), change.settlement, change.settledAt)];
};

async function openLog(path: string, clock = new SimulatedClock(), days = 400) {
  const log = pino({ level: 'silent' });
  const store = await SqliteStore.open({ path, clock, log, onFatal: () => undefined });
  const vault = await Vault.open({ keyFile, store, randomBytes });
  const audit = await AuditLog.open({ store, vault, clock, log, randomBytes, days, isClockSure: () => true });
  return { store, audit, clock };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  keyFile = join(folder, 'store.key');
  original = join(folder, 'original.db');
  const { store, audit } = await openLog(original);
  for (let seq = 1; seq <= 10; seq++) {
    await store.commit([accepted(seq)]);
    // Several in one group, one of which is refused: it leaves no trace and no gap.
    await Promise.allSettled([store.commit(end(seq)), store.commit(end(seq)), store.commit(end(90 + seq))]);
    await audit.write({
      kind: 'api_key_created',
      by: gateway,
      details: { api_key_id: `key_${seq}` },
      name: `Flat ${seq}`,
    });
  }
  await audit.close();
  await store.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

function verdictOf(path: string, told?: { seq: number; hash: string }): ChainVerdict {
  const reader = new SqliteReader(path);
  try {
    const vault = Vault.with(readKey(keyFile) ?? Buffer.alloc(32), randomBytes);
    return verifyChain({
      key: openChainKey(vault, reader.unverifiedFact(auditKeyFact) ?? ''),
      after: (seq, limit) => reader.auditAfter(seq, limit),
      head: reader.unverifiedFact(auditHeadFact),
      anchor: reader.unverifiedFact(auditAnchorFact),
      told,
    });
  } finally {
    reader.close();
  }
}

/** What is said after somebody ran SQL on a copy. */
function afterwards(...statements: (string | [string, unknown[]])[]): ChainVerdict {
  const path = join(folder, `copy-${++copies}.db`);
  copyFileSync(original, path);
  const database = new Database(path);
  for (const statement of statements) {
    const [sql, values] = typeof statement === 'string' ? [statement, []] : statement;
    database.prepare(sql).run(values as never);
  }
  database.close();
  return verdictOf(path);
}

describe('the audit log', () => {
  test('hangs together as it was written, refused commits or not', () => {
    expect(verdictOf(original)).toEqual({
      good: 21,
      head: { seq: 21, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      forgotten: 0,
      broken: undefined,
    });
  });

  /** What is said after somebody ran SQL while no gateway ran, and one ran then and wrote on. */
  async function afterRestart(...statements: string[]) {
    const path = join(folder, `restarted-${++copies}.db`);
    copyFileSync(original, path);
    const database = new Database(path);
    for (const statement of statements) database.prepare(statement).run();
    database.close();
    for (let start = 0; start < 2; start++) {
      const { store, audit } = await openLog(path);
      for (let entry = 0; entry < 3; entry++) await audit.write({ kind: 'gateway_started', by: gateway, details: {} });
      await audit.close();
      await store.close();
    }
    return verdictOf(path);
  }

  test.each([
    ['the last', 21, 'entry 21 is missing'],
    ['more', 18, 'entries 18 to 21 are missing'],
    ['all', 1, 'entries 1 to 21 are missing'],
  ])('names what was cut off while no gateway ran, also after it went on: %s', async (_name, from, why) => {
    expect(await afterRestart(`DELETE FROM audit WHERE seq >= ${from}`)).toMatchObject({
      good: from - 1,
      broken: { seq: from, why },
    });
  });

  test.each(['DELETE FROM facts', `UPDATE facts SET value = '19' || substr(value, 3)`])(
    'says that what vouched for its end is gone, at once and after it went on: %s',
    async (how) => {
      const statements = ['DELETE FROM audit WHERE seq >= 20', `${how} WHERE name = 'audit_head'`];
      expect(afterwards(...statements).broken).toMatchObject({
        seq: 20,
        why: expect.stringMatching(/vouches for the end of the log was (taken out|changed)/),
      });
      expect((await afterRestart(...statements)).broken).toMatchObject({
        seq: 20,
        why: expect.stringContaining('may have been cut off'),
      });
    },
  );

  test('goes on over a restart', async () => {
    const path = join(folder, 'restarted.db');
    copyFileSync(original, path);
    const { store, audit } = await openLog(path);
    await audit.write({ kind: 'gateway_started', by: gateway, details: {} });
    await audit.close();
    await store.close();
    expect(verdictOf(path)).toMatchObject({ good: 23, broken: undefined });
  });

  test('tells of who, from where, with which key, and of what became of it', () => {
    const reader = new SqliteReader(original);
    const [first] = reader.auditAfter(0, 1);
    reader.close();
    expect(JSON.parse(first?.text ?? '')).toMatchObject({
      n: 1,
      kind: 'attempt',
      by: { kind: 'api_key', api_key_id: 'key_1', address: '192.0.2.7' },
      action_type: 'UNLOCK_DOOR',
      outcome: 'success',
    });
    expect(first?.text).not.toContain('Reception');
  });

  test('names a row that was changed, wherever it was', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 21 }), fc.nat(), fc.integer({ min: 33, max: 126 }), (seq, where, code) => {
        const reader = new SqliteReader(original);
        const text = reader.auditAfter(seq - 1, 1)[0]?.text ?? '';
        reader.close();
        const at = where % text.length;
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
        if (changed === text) return;
        const { broken, good } = afterwards(['UPDATE audit SET entry = ? WHERE seq = ?', [changed, seq]]);
        expect([broken?.seq, good]).toEqual([seq, seq - 1]);
        expect(broken?.why).toMatch(/was changed|was written as/);
      }),
      { numRuns: 60 },
    );
  });

  test('names a row whose hash was changed, or that was written anew with the hash of another', () => {
    for (const seq of [1, 7, 20])
      expect(
        afterwards(`UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = ${seq} + 1) WHERE seq = ${seq}`),
      ).toMatchObject({
        broken: { seq },
      });
    expect(afterwards(['UPDATE audit SET hash = ? WHERE seq = 5', [Buffer.alloc(32)]])).toMatchObject({
      broken: { seq: 5 },
    });
  });

  test('names what was removed, at the beginning, within and at the end', () => {
    expect(afterwards('DELETE FROM audit WHERE seq = 9').broken).toEqual({ seq: 9, why: 'entry 9 is missing' });
    expect(afterwards('DELETE FROM audit WHERE seq BETWEEN 4 AND 8').broken).toEqual({
      seq: 4,
      why: 'entries 4 to 8 are missing',
    });
    expect(afterwards('DELETE FROM audit WHERE seq <= 3').broken).toEqual({
      seq: 1,
      why: 'entries 1 to 3 are missing',
    });
    expect(afterwards('DELETE FROM audit WHERE seq >= 20').broken).toEqual({
      seq: 20,
      why: 'entries 20 to 21 are missing: the end was cut off',
    });
    expect(afterwards('DELETE FROM audit').broken?.why).toMatch(/the end was cut off/);
    // The numbers of what follows moved up, so that there is no gap.
    expect(
      afterwards(
        'DELETE FROM audit WHERE seq = 9',
        'UPDATE audit SET seq = -(seq - 1) WHERE seq > 9',
        'UPDATE audit SET seq = -seq WHERE seq < 0',
      ).broken,
    ).toMatchObject({ seq: 9, why: expect.stringContaining('was written as entry 10') });
  });

  test('names what was added, at the end and in between', () => {
    const forged = (seq: number) => JSON.stringify({ n: seq, at: 1, kind: 'attempt', by: gateway });
    expect(
      afterwards(['INSERT INTO audit (seq, entry, hash) VALUES (?, ?, ?)', [22, forged(22), randomBytes(32)]]).broken,
    ).toMatchObject({ seq: 22, why: expect.stringContaining('added by somebody else') });
    expect(
      afterwards('UPDATE audit SET seq = -(seq + 1) WHERE seq >= 11', 'UPDATE audit SET seq = -seq WHERE seq < 0', [
        'INSERT INTO audit (seq, entry, hash) VALUES (?, ?, ?)',
        [11, forged(11), randomBytes(32)],
      ]).broken,
    ).toMatchObject({ seq: 11 });
    expect(
      afterwards(['INSERT INTO audit (seq, entry, hash) VALUES (?, ?, ?)', [0, forged(0), randomBytes(32)]]).broken,
    ).toMatchObject({ seq: 0, why: 'entry 0 was added by somebody else than the gateway' });
  });

  test('names what was put in another order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 21 }), fc.integer({ min: 1, max: 21 }), (one, other) => {
        if (one === other) return;
        const { broken } = afterwards(
          `UPDATE audit SET seq = -${one} WHERE seq = ${one}`,
          `UPDATE audit SET seq = ${one} WHERE seq = ${other}`,
          `UPDATE audit SET seq = ${other} WHERE seq = -${one}`,
        );
        expect(broken).toMatchObject({
          seq: Math.min(one, other),
          why: `entry ${Math.min(one, other)} was written as entry ${Math.max(one, other)}: entries were put in another order`,
        });
      }),
      { numRuns: 30 },
    );
  });

  test('names what vouches for its ends, and names that go with entries', () => {
    expect(
      afterwards(`UPDATE facts SET value = '3' || substr(value, 3) WHERE name = 'audit_head'`).broken?.why,
    ).toMatch(/vouches for the end/);
    expect(
      afterwards(
        'DELETE FROM audit WHERE seq <= 3',
        `INSERT INTO facts (name, value) VALUES ('audit_anchor', (SELECT '3:' || lower(hex(hash)) || ':' || lower(hex(hash)) FROM audit WHERE seq = 4))`,
      ).broken?.why,
    ).toMatch(/vouches for the beginning/);
    expect(afterwards(`UPDATE audit SET name = replace(name, 'Flat', 'Flut') WHERE seq = 2`).broken).toEqual({
      seq: 2,
      why: 'the name that goes with entry 2 was changed',
    });
    expect(afterwards('UPDATE audit SET name = NULL WHERE seq = 4').broken).toMatchObject({ seq: 4 });
  });

  test('is proved by what was told elsewhere, also when all of it was written anew', async () => {
    const { head } = verdictOf(original);
    const path = join(folder, 'anew.db');
    const { store, audit } = await openLog(path);
    for (let seq = 1; seq <= 25; seq++) await audit.write({ kind: 'gateway_started', by: gateway, details: { seq } });
    await audit.close();
    await store.close();
    expect(verdictOf(path).broken).toBeUndefined();
    expect(verdictOf(path, head).broken).toMatchObject({ seq: 21, why: expect.stringContaining('written anew') });
    expect(verdictOf(original, { seq: 30, hash: '0'.repeat(64) }).broken?.why).toMatch(/22 to 30 are missing/);
  });

  test('lets old entries go without breaking, and stays proved at its beginning', async () => {
    const path = join(folder, 'pruned.db');
    const { store, audit, clock } = await openLog(path, new SimulatedClock(), 10);
    for (let seq = 1; seq <= 5; seq++) await audit.write({ kind: 'gateway_started', by: gateway, details: { seq } });
    await clock.advance(8 * dayMs);
    await audit.write({ kind: 'gateway_started', by: gateway, details: {} });
    await clock.advance(3 * dayMs);
    await audit.close();
    await store.close();
    expect(verdictOf(path)).toMatchObject({ good: 2, head: { seq: 7 }, broken: undefined });
  });

  test('is verified by a command, which says where it is broken', async () => {
    const { run, folder: box } = cliBox();
    mkdirSync(join(box, 'state'), { recursive: true });
    copyFileSync(original, join(box, 'state/strikeplate.db'));
    writeFileSync(join(box, 'state/store.key'), readKey(keyFile) ?? '', { mode: 0o600 });
    const good = await run('audit', 'verify');
    expect(good).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^21 entries hang together, up to 21:[0-9a-f]{64}\.$/),
    });
    const database = new Database(join(box, 'state/strikeplate.db'));
    database.exec('DELETE FROM audit WHERE seq = 6');
    database.close();
    expect(await run('audit', 'verify')).toMatchObject({
      code: 1,
      err: 'The audit log is broken at 6: entry 6 is missing. 5 entries before it hang together.',
    });
  });
});
