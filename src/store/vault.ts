import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto';
import { GatewayError, Secret } from '../contract/index.ts';
import type { Store } from '../model/store.ts';
import { keyBytes, readKey, writeKey } from './key-file.ts';

/** What a sealed code belongs to: it opens nowhere else. */
export type SealContext =
  | { readonly accessCodeId: string; readonly deviceId: string }
  | { readonly webhookId: string }
  | { readonly userIdentityId: string }
  | { readonly accessGrantId: string }
  | { readonly accessMethodId: string }
  | { readonly fact: string };

export interface VaultOptions {
  /** 32 random bytes, readable by their owner alone. Created when it is missing and nothing was sealed yet. */
  readonly keyFile: string;
  readonly store: Pick<Store, 'read' | 'commit'>;
  /** Cryptographically strong: keys and nonces. */
  readonly randomBytes: (size: number) => Uint8Array;
}

const cipherName = 'aes-256-gcm';
const version = 1;
const keyIdBytes = 8;
/** NIST SP 800-38D, section 8.2: 96 bits; and with random ones, section 8.3, 2^32 seals per key. */
const nonceBytes = 12;
const tagBytes = 16;
/** Plaintext is padded to a multiple of this, so that the length of a PIN does not show. */
const blockBytes = 16;
const headerBytes = 1 + keyIdBytes + nonceBytes;

/** Facts that are secrets of the gateway's own, sealed, in hexadecimal. */
export const sealedFacts = ['audit_key'];

/** The fact that names the key in use. */
export const keyIdFact = 'store_key_id';

/**
 * Seals codes for the disk: `version (1) | key id (8) | nonce (12) | ciphertext | tag (16)`, AES-256-GCM. The access
 * code's id, the device's and the key's are authenticated with it, so that a row copied elsewhere does not open.
 */
export class Vault {
  readonly keyId: string;
  readonly #key: Uint8Array;
  readonly #randomBytes: (size: number) => Uint8Array;
  #markKey: Uint8Array | undefined;

  private constructor(key: Uint8Array, randomBytes: (size: number) => Uint8Array) {
    this.#key = key;
    this.#randomBytes = randomBytes;
    this.keyId = keyIdOf(key);
  }

  /**
   * Takes up the key that the database was sealed with, or makes the first one.
   * @throws GatewayError `misconfigured` when the key is missing, another, no key at all, or readable by others
   */
  static async open({ keyFile, store, randomBytes }: VaultOptions): Promise<Vault> {
    const known = readKey(keyFile);
    // As at nearly every start; a database may be large.
    if (known && store.read.fact(keyIdFact) === keyIdOf(known)) return new Vault(known, randomBytes);
    const sealed = sealedIn(store);
    const needed = sealed.length === 0 ? undefined : (store.read.fact(keyIdFact) ?? keyIdIn(sealed[0]));
    const key = known ?? newKey(keyFile, sealed.length, randomBytes);
    const vault = new Vault(key, randomBytes);
    if (needed !== undefined && needed !== vault.keyId) {
      throw new GatewayError(
        'misconfigured',
        `The store's key ${keyFile} (${vault.keyId}) is not the one that the secrets in the database were ` +
          `sealed with (${needed}). Put that one back, from the backup that goes with the database.`,
      );
    }
    if (store.read.fact(keyIdFact) !== vault.keyId) {
      await store.commit([{ kind: 'fact_put', name: keyIdFact, value: vault.keyId }]);
    }
    return vault;
  }

  /** With a key that is known to be the right one, or that is to be tried. */
  static with(key: Uint8Array, randomBytes: (size: number) => Uint8Array): Vault {
    return new Vault(key, randomBytes);
  }

  seal(secret: Secret, about: SealContext): Uint8Array {
    const plain = Buffer.from(secret.reveal(), 'utf8');
    const padded = Buffer.alloc(Math.ceil((plain.length + 2) / blockBytes) * blockBytes);
    padded.writeUInt16BE(plain.length);
    plain.copy(padded, 2);
    const nonce = this.#randomBytes(nonceBytes);
    const cipher = createCipheriv(cipherName, this.#key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(this.#bound(about));
    const sealed = Buffer.concat([
      Buffer.of(version),
      Buffer.from(this.keyId, 'hex'),
      nonce,
      cipher.update(padded),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return new Uint8Array(sealed);
  }

  /** @throws GatewayError `internal_error` when it was sealed with another key, for another row, or was changed since */
  open(sealed: Uint8Array, about: SealContext): Secret {
    if (sealed[0] !== version || sealed.length < headerBytes + blockBytes + tagBytes) {
      throw cannotOpen(about, 'it is in no form that this version knows');
    }
    if (keyIdIn(sealed) !== this.keyId) throw cannotOpen(about, `it was sealed with another key (${keyIdIn(sealed)})`);
    const nonce = sealed.subarray(1 + keyIdBytes, headerBytes);
    const decipher = createDecipheriv(cipherName, this.#key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(this.#bound(about));
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    try {
      const padded = Buffer.concat([decipher.update(sealed.subarray(headerBytes, -tagBytes)), decipher.final()]);
      return new Secret(padded.toString('utf8', 2, 2 + padded.readUInt16BE()));
    } catch {
      // Without a cause: what OpenSSL was working on stays out of every log.
      throw cannotOpen(about, 'it was changed on disk, or belongs to another code or device');
    }
  }

  /** The same for the same secret while this process lives; it is kept nowhere, and says nothing to anybody else. */
  mark(secret: Secret): string {
    this.#markKey ??= this.#randomBytes(keyBytes);
    return createHmac('sha256', this.#markKey).update(secret.reveal()).digest('base64');
  }

  #bound(about: SealContext): Buffer {
    const what = boundTo(about);
    return Buffer.from(JSON.stringify([version, ...what, this.keyId]));
  }
}

function sealedIn(store: VaultOptions['store']): readonly Uint8Array[] {
  const codes = [...store.read.accessCodes(), ...store.read.unmanagedCodes()].flatMap(
    ({ sealedCode }) => sealedCode ?? [],
  );
  const people = store.read.userIdentities().map(({ sealedPerson }) => sealedPerson);
  const pins = store.read.accessMethods().map(({ sealedCode }) => sealedCode);
  const secrets = store.read.webhooks().map(({ sealedSecret }) => sealedSecret);
  const facts = sealedFacts.flatMap((name) => store.read.fact(name) ?? []).map((hex) => Buffer.from(hex, 'hex'));
  return [...codes, ...secrets, ...people, ...pins, ...facts];
}

/** The forms of codes and webhooks are those that databases hold. */
function boundTo(about: SealContext): readonly string[] {
  if ('fact' in about) return ['fact', about.fact];
  if ('webhookId' in about) return ['webhook', about.webhookId];
  if ('accessCodeId' in about) return ['access_code', about.accessCodeId, about.deviceId];
  if ('userIdentityId' in about) return ['user_identity', about.userIdentityId];
  if ('accessGrantId' in about) return ['access_grant', about.accessGrantId];
  return ['access_method', about.accessMethodId];
}

function newKey(path: string, sealedCount: number, randomBytes: (size: number) => Uint8Array): Uint8Array {
  if (sealedCount > 0) {
    throw new GatewayError(
      'misconfigured',
      `The store's key ${path} is missing, and the database holds ${sealedCount} secrets sealed with it. Put the ` +
        'key back, from the backup that goes with the database.',
    );
  }
  const key = randomBytes(keyBytes);
  writeKey(path, key);
  return key;
}

/** Tells keys apart without telling anything of them. */
export const keyIdOf = (key: Uint8Array): string =>
  createHash('sha256')
    .update('strikeplate store key\0')
    .update(key)
    .digest('hex')
    .slice(0, 2 * keyIdBytes);

const keyIdIn = (sealed: Uint8Array | undefined): string =>
  Buffer.from(sealed?.subarray(1, 1 + keyIdBytes) ?? []).toString('hex');

function cannotOpen(about: SealContext, why: string): GatewayError {
  const backup = 'or restore a backup of the database together with its key.';
  if ('fact' in about) {
    return new GatewayError(
      'internal_error',
      `The secret ${about.fact} in the database cannot be read: ${why}. Look for what changed it, ${backup}`,
    );
  }
  if ('webhookId' in about) {
    return new GatewayError(
      'internal_error',
      `The secret of webhook ${about.webhookId} cannot be read: ${why}. Delete the webhook and create it again, ${backup}`,
    );
  }
  if ('accessCodeId' in about) {
    return new GatewayError(
      'internal_error',
      `The digits of access code ${about.accessCodeId} on device ${about.deviceId} cannot be read: ${why}. Delete ` +
        `the code and create it again, ${backup}`,
    );
  }
  const [kind = '', id = ''] = boundTo(about);
  return new GatewayError(
    'internal_error',
    `What is kept of ${kind} ${id} cannot be read: ${why}. Delete it and create it again, ${backup}`,
  );
}
