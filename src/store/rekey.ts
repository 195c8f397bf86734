import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { GatewayError } from '../contract/index.ts';
import type { Change, Store } from '../model/store.ts';
import { keepOwner } from './keep-owner.ts';
import { isCredential, keyBytes, readKey, writeKey } from './key-file.ts';
import { resealPairings } from './pairing-files.ts';
import { syncFolder } from './sync-folder.ts';
import { keyIdFact, keyIdOf, type SealContext, sealedFacts, Vault } from './vault.ts';

export interface KeyedPlaces {
  readonly keyFile: string;
  /** Folders with pairings, which are sealed with the same key. */
  readonly pairingFolders: readonly string[];
}

/** Where the new key lies until everything is sealed with it. */
export const nextKeyFile = (keyFile: string): string => `${keyFile}.next`;

export interface RekeyOptions {
  readonly store: Store;
  readonly places: KeyedPlaces;
  /** Cryptographically strong. */
  readonly randomBytes: (size: number) => Uint8Array;
  /** What tells of the change, chained by the store. */
  readonly audit: (details: { readonly from: string; readonly to: string }) => Change;
  /** For tests: what is done next. */
  readonly onStep?: (step: RekeyStep) => void;
}

export type RekeyStep = 'key written' | 'database sealed' | 'log cut off' | 'pairings sealed' | 'key in place';

/**
 * Seals everything with a new key. The process may die anywhere: the database names the key it is sealed with, and
 * changes with everything in it in one commit; before that the new key means nothing, and after it {@link finishRekeying}
 * does the rest, at the next start or the next try.
 *
 * @returns how many secrets could not be opened, and stay as they are
 * @throws GatewayError `misconfigured`, `storage_unavailable`
 */
export async function rekeyStore({ store, places, randomBytes, audit, onStep }: RekeyOptions): Promise<number> {
  const { keyFile } = places;
  if (isCredential(keyFile))
    throw new GatewayError(
      'misconfigured',
      `The store's key ${keyFile} is a credential of the unit, which nobody can write. Decrypt it into a file, name that as store.key_file, change the key, and encrypt the new one.`,
    );
  const old = readKey(keyFile);
  if (old === undefined)
    throw new GatewayError('misconfigured', `The store's key ${keyFile} is missing: there is nothing to change.`);
  const key = randomBytes(keyBytes);
  writeKey(nextKeyFile(keyFile), key);
  keepOwner(nextKeyFile(keyFile));
  onStep?.('key written');
  const sealer = new Resealer(Vault.with(old, randomBytes), Vault.with(key, randomBytes));
  const changes = sealer.changes(store);
  await store.commit([
    ...changes,
    { kind: 'fact_put', name: keyIdFact, value: keyIdOf(key) },
    audit({ from: keyIdOf(old), to: keyIdOf(key) }),
  ]);
  onStep?.('database sealed');
  // What was sealed with the old key is of use to whoever has that.
  await store.scrub();
  onStep?.('log cut off');
  finishRekeying(places, keyIdOf(key), randomBytes, onStep);
  return sealer.unopened;
}

/** To be called before anything is opened with the key. @param keyId what the database says that it is sealed with */
export function finishRekeying(
  { keyFile, pairingFolders }: KeyedPlaces,
  keyId: string | undefined,
  randomBytes: RekeyOptions['randomBytes'],
  onStep?: RekeyOptions['onStep'],
): void {
  const file = nextKeyFile(keyFile);
  if (!existsSync(file)) return;
  const next = readKey(file);
  if (next === undefined || keyIdOf(next) !== keyId) {
    // Nothing was sealed with it: the database would say so.
    rmSync(file, { force: true });
    return;
  }
  const old = readKey(keyFile);
  if (old !== undefined) for (const folder of pairingFolders) resealPairings(folder, old, next, randomBytes);
  onStep?.('pairings sealed');
  renameSync(file, keyFile);
  syncFolder(dirname(keyFile));
  onStep?.('key in place');
}

/** Opens with one key and seals with the other. What does not open is left: it did not open before either. */
class Resealer {
  unopened = 0;
  readonly #from: Vault;
  readonly #to: Vault;

  constructor(from: Vault, to: Vault) {
    this.#from = from;
    this.#to = to;
  }

  changes(store: Store): Change[] {
    return [
      ...store.read.accessCodes().map((code): Change => {
        const { accessCodeId, deviceId } = code;
        const about = { accessCodeId, deviceId };
        const placements = code.placements.map((placement) => ({
          ...placement,
          sealedCode: this.#again(placement.sealedCode, about),
        }));
        return {
          kind: 'access_code_put',
          code: { ...code, sealedCode: this.#again(code.sealedCode, about), placements },
        };
      }),
      ...store.read.unmanagedCodes().map((code): Change => {
        const { accessCodeId, deviceId, sealedCode } = code;
        const again = sealedCode && this.#again(sealedCode, { accessCodeId, deviceId });
        return { kind: 'unmanaged_code_put', code: { ...code, sealedCode: again } };
      }),
      ...store.read.webhooks().map((webhook): Change => {
        const { webhookId } = webhook;
        const sealedSecret = this.#again(webhook.sealedSecret, { webhookId });
        return { kind: 'webhook_put', webhook: { ...webhook, sealedSecret } };
      }),
      ...store.read.userIdentities().map((identity): Change => {
        const { userIdentityId } = identity;
        const sealedPerson = this.#again(identity.sealedPerson, { userIdentityId });
        return { kind: 'user_identity_put', identity: { ...identity, sealedPerson } };
      }),
      ...store.read.accessGrants().map((grant): Change => {
        const about = { accessGrantId: grant.accessGrantId };
        const requests = grant.requests.map((request) => ({
          ...request,
          sealedCode: request.sealedCode && this.#again(request.sealedCode, about),
        }));
        const sealedName = grant.sealedName && this.#again(grant.sealedName, about);
        return { kind: 'access_grant_put', grant: { ...grant, sealedName, requests } };
      }),
      ...store.read.accessMethods().map((method): Change => {
        const { accessMethodId } = method;
        const sealedCode = this.#again(method.sealedCode, { accessMethodId });
        return { kind: 'access_method_put', method: { ...method, sealedCode } };
      }),
      ...sealedFacts.flatMap((name): Change[] => {
        const kept = store.read.fact(name);
        if (kept === undefined) return [];
        const again = this.#again(Buffer.from(kept, 'hex'), { fact: name });
        return [{ kind: 'fact_put', name, value: Buffer.from(again).toString('hex') }];
      }),
    ];
  }

  #again(sealed: Uint8Array, about: SealContext): Uint8Array {
    try {
      return this.#to.seal(this.#from.open(sealed, about), about);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.unopened += 1;
      return sealed;
    }
  }
}
