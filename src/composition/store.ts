import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { LoadedConfig } from '../config/loaded-config.ts';
import type { Clock } from '../contract/index.ts';
import { assertNotEmptied, assertNotLost, markUsed, putAside } from '../store/lost-database.ts';
import { finishRekeying } from '../store/rekey.ts';
import { SqliteStore } from '../store/sqlite-store.ts';
import { keyIdFact, Vault } from '../store/vault.ts';
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
  { newDatabase = false }: { readonly newDatabase?: boolean } = {},
): Promise<OpenStore> {
  const { path, keyFile, retentionDays, eventRetentionDays, maxEvents } = config.store;
  if (newDatabase) putAside(path);
  else assertNotLost(config.store);
  const store = await SqliteStore.open({ ...context, path, retentionDays, eventRetentionDays, maxEvents });
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
