import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cliBox } from '../../test/kit/command-line/cli-fixture.ts';
import { aCode, anUnmanagedCode, uuid } from '../../test/kit/store/store-records.ts';
import { AuditLog, auditAnchorFact, auditHeadFact, auditKeyFact, openChainKey } from '../audit/audit-log.ts';
import { verifyChain } from '../audit/verify-chain.ts';
import { openStore } from '../composition/store.ts';
import { Secret } from '../contract/index.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import type { Change } from '../model/store.ts';
import { readKey } from './key-file.ts';
import { PairingFiles } from './pairing-files.ts';
import { nextKeyFile } from './rekey.ts';
import { keyIdOf } from './vault.ts';

const child = fileURLToPath(new URL('../../test/kit/store/rekey-child.ts', import.meta.url));
const log = pino({ level: 'silent' });
const lock = { deviceId: uuid(70), driver: 'ble/nuki', name: 'Front' };

let box: ReturnType<typeof cliBox>;
let state: string;
let env: Record<string, string>;

/** One of everything that is sealed. */
const secrets = {
  code: '4711',
  held: '4712',
  unmanaged: '4713',
  webhook: 'whsec_c2VjcmV0',
  person: '{"fullName":"Ana"}',
  grantName: 'Stay',
  wish: '4714',
  method: '4715',
  pairing: 'both hold this',
};

const config = () => ({
  store: {
    path: join(state, 'strikeplate.db'),
    keyFile: join(state, 'store.key'),
    retentionDays: 90,
    eventRetentionDays: 90,
    maxEvents: 99,
    auditDays: 9,
    peopleDays: undefined,
    noiseDays: 8,
  },
  pairingsDir: join(state, 'pairings'),
  stateDir: state,
});
const pairings = () => new PairingFiles({ folder: config().pairingsDir, keyFile: config().store.keyFile, randomBytes });

async function withStore<T>(work: (opened: Awaited<ReturnType<typeof openStore>>) => Promise<T>): Promise<T> {
  const opened = await openStore(config(), { clock: new SimulatedClock(), log, onFatal: () => undefined });
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

const grantId = uuid(31);
const methodId = uuid(32);

beforeEach(async () => {
  env = {};
  box = cliBox(env);
  state = join(box.folder, 'state');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  await withStore(async ({ store, vault }) => {
    const audit = await AuditLog.open({
      ...{ store, vault, clock: new SimulatedClock(), log, randomBytes, days: 9, isClockSure: () => true },
    });
    const sealed = (text: string, about: Parameters<typeof vault.seal>[1]) => vault.seal(new Secret(text), about);
    const code = aCode(1);
    const [placement] = aCode(1, { placements: code.placements }).placements;
    const ofCode = { accessCodeId: code.accessCodeId, deviceId: code.deviceId };
    const stranger = anUnmanagedCode(2);
    const ofStranger = { accessCodeId: stranger.accessCodeId, deviceId: stranger.deviceId };
    const changes: Change[] = [
      {
        kind: 'access_code_put',
        code: {
          ...code,
          sealedCode: sealed(secrets.code, ofCode),
          placements: [
            {
              ...(placement ?? { slot: 1, label: 'sp-1', schedule: undefined, state: 'held' }),
              sealedCode: sealed(secrets.held, ofCode),
            },
          ],
        },
      },
      { kind: 'unmanaged_code_put', code: { ...stranger, sealedCode: sealed(secrets.unmanaged, ofStranger) } },
      {
        kind: 'webhook_put',
        webhook: {
          webhookId: uuid(20),
          url: 'https://example.com',
          eventTypes: ['lock.unlocked'],
          sealedSecret: sealed(secrets.webhook, { webhookId: uuid(20) }),
          keyId: undefined,
          createdAt: 1,
          afterSeq: 0,
        },
      },
      {
        kind: 'user_identity_put',
        identity: {
          userIdentityId: uuid(30),
          key: undefined,
          sealedPerson: sealed(secrets.person, { userIdentityId: uuid(30) }),
          deviceIds: [],
          createdAt: 1,
        },
      },
      {
        kind: 'access_grant_put',
        grant: {
          accessGrantId: grantId,
          key: undefined,
          reservationKey: undefined,
          userIdentityId: uuid(30),
          sealedName: sealed(secrets.grantName, { accessGrantId: grantId }),
          deviceIds: [],
          spaceIds: [],
          startsAt: 1,
          endsAt: undefined,
          createdAt: 1,
          requests: [
            {
              createdAt: 1,
              sealedCode: sealed(secrets.wish, { accessGrantId: grantId }),
              isWithdrawn: false,
              without: [],
            },
          ],
          refusals: [],
          isComplete: false,
          removal: undefined,
          deletedAt: undefined,
        },
      },
      {
        kind: 'access_method_put',
        method: {
          accessMethodId: methodId,
          accessGrantId: grantId,
          request: 0,
          createdAt: 1,
          sealedCode: sealed(secrets.method, { accessMethodId: methodId }),
          doors: [],
          issuedAt: undefined,
          wasIssued: false,
          standsInFor: undefined,
          told: [],
          removal: undefined,
        },
      },
    ];
    await store.commit(changes);
    await audit.close();
  });
  pairings().write(lock, new Secret(secrets.pairing));
});
afterEach(() => rmSync(box.folder, { recursive: true, force: true }));

/** Everything as it opens after a start, which finishes what was begun. */
async function whatOpens(): Promise<{ readonly secrets: unknown; readonly keyId: string; readonly changed: number }> {
  return withStore(async ({ store, vault }) => {
    const [code] = store.read.accessCodes();
    const [stranger] = store.read.unmanagedCodes();
    const [grant] = store.read.accessGrants();
    const [method] = store.read.accessMethods();
    const [webhook] = store.read.webhooks();
    const [person] = store.read.userIdentities();
    if (!(code && stranger?.sealedCode && grant?.sealedName && method && webhook && person)) throw new Error('gone');
    const opened = (sealed: Uint8Array | undefined, about: Parameters<typeof vault.open>[1]) =>
      vault.open(sealed ?? new Uint8Array(), about).reveal();
    const ofCode = { accessCodeId: code.accessCodeId, deviceId: code.deviceId };
    const verdict = verifyChain({
      key: openChainKey(vault, store.read.fact(auditKeyFact) ?? ''),
      after: (seq, limit) => store.read.auditAfter(seq, limit),
      head: store.read.fact(auditHeadFact),
      anchor: store.read.fact(auditAnchorFact),
    });
    expect(verdict.broken).toBeUndefined();
    const changed = store.read.auditAfter(0, 100).filter(({ text }) => text.includes('store_key_changed')).length;
    return {
      keyId: vault.keyId,
      changed,
      secrets: {
        code: opened(code.sealedCode, ofCode),
        held: opened(code.placements[0]?.sealedCode, ofCode),
        unmanaged: opened(stranger.sealedCode, {
          accessCodeId: stranger.accessCodeId,
          deviceId: stranger.deviceId,
        }),
        webhook: opened(webhook.sealedSecret, { webhookId: webhook.webhookId }),
        person: opened(person.sealedPerson, { userIdentityId: person.userIdentityId }),
        grantName: opened(grant.sealedName, { accessGrantId: grantId }),
        wish: opened(grant.requests[0]?.sealedCode, { accessGrantId: grantId }),
        method: opened(method.sealedCode, { accessMethodId: methodId }),
        pairing: pairings().read(lock)?.reveal(),
      },
    };
  });
}

const keyId = () => keyIdOf(readKey(config().store.keyFile) ?? Buffer.alloc(0));

describe('another store key', () => {
  test('opens everything that is sealed, and the old one nothing', async () => {
    const before = await whatOpens();
    const oldKey = readFileSync(config().store.keyFile);
    expect((await box.run('keys', 'rekey-store')).code).toBe(0);
    const after = await whatOpens();
    expect(after).toEqual({ secrets, keyId: keyId(), changed: 1 });
    expect(after.keyId).not.toBe(before.keyId);
    const id = Buffer.from(before.keyId, 'hex');
    // Each sealed secret names its key: no file holds one that the old key opens.
    for (const file of ['strikeplate.db', 'strikeplate.db-wal'])
      if (existsSync(join(state, file))) expect(readFileSync(join(state, file)).includes(id)).toBe(false);
    expect(readdirSync(state).filter((name) => name.includes('.next'))).toEqual([]);
    writeFileSync(config().store.keyFile, oldKey);
    await expect(withStore(async () => undefined)).rejects.toThrow(/not the one that the secrets/);
  });

  test.each(['key written', 'database sealed', 'log cut off', 'pairings sealed', 'key in place'])(
    'killed after "%s": the next start has everything, with one key or the other',
    async (step) => {
      const before = keyId();
      const { signal } = spawnSync(
        process.execPath,
        ['--import', 'tsx', child, join(box.folder, 'gateway.yaml'), step],
        {
          stdio: ['ignore', 'inherit', 'inherit'],
        },
      );
      expect(signal).toBe('SIGKILL');
      const found = await whatOpens();
      expect(found).toEqual({ secrets, keyId: keyId(), changed: step === 'key written' ? 0 : 1 });
      expect(found.keyId === before).toBe(step === 'key written');
      expect(existsSync(nextKeyFile(config().store.keyFile))).toBe(false);
      expect((await box.run('keys', 'rekey-store')).code).toBe(0);
      expect((await whatOpens()).secrets).toEqual(secrets);
    },
  );

  test('is refused while a gateway has the database', async () => {
    await withStore(async () => {
      const { code, err } = await box.run('keys', 'rekey-store');
      expect([code, err]).toEqual([75, expect.stringContaining('in use by')]);
    });
  });
});

describe('a key that the unit brings', () => {
  test('is used in the place of the file, and never written', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'credentials-'));
    try {
      const brought = join(folder, 'strikeplate.store-key');
      writeFileSync(brought, readFileSync(config().store.keyFile), { mode: 0o440 });
      rmSync(config().store.keyFile);
      expect((await box.run('audit', 'verify')).code).not.toBe(0);
      env.CREDENTIALS_DIRECTORY = folder;
      expect((await box.run('audit', 'verify')).err).toBe('');
      const { code, err } = await box.run('keys', 'rekey-store');
      expect([code, err]).toEqual([3, expect.stringContaining('credential of the unit')]);
      expect(existsSync(config().store.keyFile)).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
