import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { GatewayError, Secret } from '../contract/index.ts';
import { keepOwner } from './keep-owner.ts';
import { keyBytes, readKey, writeKey } from './key-file.ts';
import { markUnused } from './lost-database.ts';
import { syncFolder } from './sync-folder.ts';
import { keyIdOf } from './vault.ts';

/** Whom a pairing belongs to: it opens nowhere else. */
export interface PairedDevice {
  readonly deviceId: string;
  /** `<transport>/<product>` */
  readonly driver: string;
  /** For messages. */
  readonly name: string;
}

export interface PairingFilesOptions {
  /** The folder that holds a file per paired device. */
  readonly folder: string;
  /** The store's key. Created when it is missing and a pairing is to be kept. */
  readonly keyFile: string;
  /** Cryptographically strong: keys and nonces. */
  readonly randomBytes: (size: number) => Uint8Array;
}

const version = 1;
const cipherName = 'aes-256-gcm';
/** NIST SP 800-38D, section 8.2: 96 bits. */
const nonceBytes = 12;
const tagBytes = 16;

const content = z.strictObject({
  version: z.literal(version),
  driver: z.string(),
  device_id: z.string(),
  key_id: z.string(),
  nonce: z.base64(),
  sealed: z.base64(),
});

/**
 * What pairing with a device left behind: the key both hold. One file each, sealed with the store's key, so that
 * pairing works while the gateway is stopped and without its database. Device and driver are authenticated with it: a
 * file that is copied to another device does not open there.
 */
export class PairingFiles {
  readonly #options: PairingFilesOptions;

  constructor(options: PairingFilesOptions) {
    this.#options = options;
  }

  /**
   * Undefined for a device that was never paired.
   * @throws GatewayError `misconfigured` when there is a pairing that cannot be opened
   */
  read(device: PairedDevice): Secret | undefined {
    const path = this.#pathOf(device);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw cannotOpen(device, path, 'it cannot be read', error);
    }
    const parsed = content.safeParse(parseJson(text));
    if (!parsed.success) throw cannotOpen(device, path, 'it is in no form that this version knows');
    const { driver, device_id, key_id, nonce, sealed } = parsed.data;
    if (driver !== device.driver || device_id !== device.deviceId)
      throw cannotOpen(device, path, `it belongs to another device (${device_id}, ${driver})`);
    const key = readKey(this.#options.keyFile);
    if (key === undefined) throw cannotOpen(device, path, `the store’s key ${this.#options.keyFile} is missing`);
    if (keyIdOf(key) !== key_id) throw cannotOpen(device, path, `it was sealed with another key (${key_id})`);
    return open(key, device, Buffer.from(nonce, 'base64'), Buffer.from(sealed, 'base64'), path);
  }

  /** Keeps a pairing, in the place of an earlier one. @throws GatewayError `misconfigured` */
  write(device: PairedDevice, secret: Secret): void {
    const { keyFile, randomBytes } = this.#options;
    const key = readKey(keyFile) ?? newKey(keyFile, randomBytes);
    const text = sealedText(key, device, secret, randomBytes);
    const path = this.#pathOf(device);
    try {
      writeWhole(path, text);
    } catch (error) {
      throw new GatewayError(
        'misconfigured',
        `The pairing with ${device.name} could not be kept in ${path}. Let the gateway’s user write there, and pair again.`,
        { cause: error },
      );
    }
  }

  /** What tells one pairing from another, by device_id, without opening any. */
  fingerprints(): Readonly<Record<string, string>> {
    const { folder } = this.#options;
    let files: readonly string[];
    try {
      files = readdirSync(folder).filter((file) => file.endsWith('.json'));
    } catch {
      return {};
    }
    return Object.fromEntries(
      files.map((file) => [
        file.slice(0, -'.json'.length),
        createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex')
          .slice(0, 16),
      ]),
    );
  }

  #pathOf({ deviceId }: PairedDevice): string {
    return join(this.#options.folder, `${deviceId}.json`);
  }
}

function sealedText(
  key: Uint8Array,
  device: PairedDevice,
  secret: Secret,
  randomBytes: PairingFilesOptions['randomBytes'],
): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(cipherName, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(bound(device, keyIdOf(key)));
  const sealed = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final(), cipher.getAuthTag()]);
  const kept: z.input<typeof content> = {
    version,
    driver: device.driver,
    device_id: device.deviceId,
    key_id: keyIdOf(key),
    nonce: Buffer.from(nonce).toString('base64'),
    sealed: sealed.toString('base64'),
  };
  return `${JSON.stringify(kept, undefined, 2)}\n`;
}

/** The pairings of a configured gateway. */
export const pairingFilesOf = (
  config: { readonly pairingsDir: string; readonly store: { readonly keyFile: string } },
  randomBytes: (size: number) => Uint8Array,
): PairingFiles => new PairingFiles({ folder: config.pairingsDir, keyFile: config.store.keyFile, randomBytes });

/** Seals the pairings of a folder that are sealed with one key with another. A file that does not open stays as it is. */
export function resealPairings(
  folder: string,
  from: Uint8Array,
  to: Uint8Array,
  randomBytes: PairingFilesOptions['randomBytes'],
): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!name.endsWith('.json')) continue;
    const path = join(folder, name);
    const parsed = content.safeParse(parseJson(readFileSync(path, 'utf8')));
    if (!parsed.success || parsed.data.key_id !== keyIdOf(from)) continue;
    const { driver, device_id: deviceId, nonce, sealed } = parsed.data;
    const device = { deviceId, driver, name };
    try {
      const secret = open(from, device, Buffer.from(nonce, 'base64'), Buffer.from(sealed, 'base64'), path);
      writeWhole(path, sealedText(to, device, secret, randomBytes));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
    }
  }
}

/** The whole file is there, or the one before it: never half of it. */
function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  keepOwner(dirname(path));
  const draft = `${path}.new`;
  const file = openSync(draft, 'w', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  keepOwner(draft);
  renameSync(draft, path);
  syncFolder(dirname(path));
}

function newKey(path: string, randomBytes: (size: number) => Uint8Array): Uint8Array {
  const key = randomBytes(keyBytes);
  writeKey(path, key);
  markUnused(path);
  keepOwner(path);
  keepOwner(`${path}.unused`);
  return key;
}

function open(key: Uint8Array, device: PairedDevice, nonce: Buffer, sealed: Buffer, path: string): Secret {
  try {
    const decipher = createDecipheriv(cipherName, key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(bound(device, keyIdOf(key)));
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    const text = Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
    return new Secret(text.toString('utf8'));
  } catch {
    // Without a cause: what OpenSSL was working on stays out of every log.
    throw cannotOpen(device, path, 'it was changed on disk');
  }
}

const bound = ({ deviceId, driver }: PairedDevice, keyId: string): Buffer =>
  Buffer.from(JSON.stringify([version, 'pairing', driver, deviceId, keyId]));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const cannotOpen = (device: PairedDevice, path: string, why: string, cause?: unknown): GatewayError =>
  new GatewayError(
    'misconfigured',
    `The pairing with ${device.name} in ${path} cannot be used: ${why}. Restore it from a backup, or pair again.`,
    { cause },
  );
