import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { AuditLog } from '../audit/audit-log.ts';
import type { LoadedConfig } from '../config/loaded-config.ts';
import type { Clock } from '../contract/index.ts';
import type { GatewayIdentity } from '../model/gateway.ts';
import type { Store } from '../model/store.ts';
import { assertNotEmptied, assertNotLost, markUsed, putAside } from '../store/lost-database.ts';
import type { PairingFiles } from '../store/pairing-files.ts';
import { finishRekeying } from '../store/rekey.ts';
import { SqliteStore } from '../store/sqlite-store.ts';
import { keyIdFact, Vault } from '../store/vault.ts';
import type { WriterAhead } from '../store/writer-ahead.ts';
import type { Closable } from './startup.ts';

export interface OpenStore extends Closable {
  readonly store: SqliteStore;
  readonly vault: Vault;
}

/** What is sealed with the store's key, beside the database. */
export const keyedPlaces = ({
  store: { keyFile },
  pairingsDir,
  stateDir,
}: {
  readonly store: { readonly keyFile: string };
  readonly pairingsDir: string;
  readonly stateDir: string;
}) => ({ keyFile, pairingFolders: [pairingsDir, join(stateDir, 'simulated')] });

/** @throws GatewayError `misconfigured` when the database or its key cannot be used */
export async function openStore(
  config: Pick<LoadedConfig, 'store' | 'pairingsDir' | 'stateDir'>,
  context: { readonly clock: Clock; readonly log: Logger; readonly onFatal: (error: Error) => void },
  { newDatabase = false, writerAhead }: { readonly newDatabase?: boolean; readonly writerAhead?: WriterAhead } = {},
): Promise<OpenStore> {
  const { path, keyFile, retentionDays, eventRetentionDays, maxEvents } = config.store;
  if (newDatabase) putAside(path);
  else assertNotLost(config.store);
  const store = await SqliteStore.open({
    ...context,
    ...{ path, retentionDays, eventRetentionDays, maxEvents, writerAhead },
  });
  try {
    // Every start writes the key's id down.
    if (!newDatabase)
      assertNotEmptied(
        config.store,
        store.read.fact(keyIdFact) === undefined && store.read.auditAfter(0, 1).length === 0,
      );
    finishRekeying(keyedPlaces(config), store.read.fact(keyIdFact), randomBytes);
    const vault = await Vault.open({ keyFile, store, randomBytes });
    markUsed(keyFile);
    return { store, vault, close: () => store.close() };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The pairings as they were at the last start: pairing is done while the gateway is stopped. */
const knownPairingsFact = 'pairings_known';

/** Writes down that the gateway started, with what, and which devices were paired since it last ran. */
export async function writeStart(
  audit: AuditLog,
  config: Pick<LoadedConfig, 'digest' | 'devices'>,
  { version, bootId }: GatewayIdentity,
  pairings: Pick<PairingFiles, 'fingerprints'>,
  store: Pick<Store, 'read' | 'commit'> & { readonly damaged: readonly string[] },
): Promise<void> {
  const by = { kind: 'gateway' } as const;
  const known = JSON.parse(store.read.fact(knownPairingsFact) ?? '{}') as Record<string, string>;
  const now = pairings.fingerprints();
  const changed = Object.keys({ ...known, ...now }).filter((deviceId) => known[deviceId] !== now[deviceId]);
  if (audit.head === undefined) await audit.write({ kind: 'database_created', by, details: {} });
  await store.commit([
    audit.entry({
      kind: 'gateway_started',
      by,
      details: { version, boot_id: bootId, config_sha256: config.digest, devices: config.devices.length },
    }),
    ...(store.damaged.length > 0
      ? [audit.entry({ kind: 'rows_left_out', by, details: { rows: store.damaged.slice(0, 100) } })]
      : []),
    ...changed.map((deviceId) =>
      audit.entry({
        kind: 'pairing_changed',
        by: { kind: 'cli' },
        details: { device_id: deviceId, paired: now[deviceId] !== undefined },
      }),
    ),
    ...(changed.length > 0 ? [{ kind: 'fact_put', name: knownPairingsFact, value: JSON.stringify(now) } as const] : []),
  ]);
}
