import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { GatewayError } from '../contract/index.ts';
import { storeKeyCredential } from '../model/store-key.ts';
import { syncFolder } from './sync-folder.ts';

/** The gateway reads it and never writes it. */
export const isCredential = (keyFile: string): boolean => basename(keyFile) === storeKeyCredential;

/** AES-256 */
export const keyBytes = 32;

/**
 * Reads the store's key; undefined when there is no such file.
 * @throws GatewayError `misconfigured` when others may read it, or it is no key
 */
export function readKey(path: string): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unusable(
      path,
      error instanceof Error ? error.message : String(error),
      "check store.key_file, and let the gateway's user read it",
      error,
    );
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw unusable(path, 'it is no file', 'give store.key_file the path of one');
    const mode = stat.mode & 0o777;
    // Of a credential systemd lets the group's bits be the mask of an access list, which names the unit's user alone.
    if ((mode & (isCredential(path) ? 0o007 : 0o077)) !== 0) {
      throw unusable(path, `others may read it (mode ${mode.toString(8).padStart(4, '0')})`, `run: chmod 600 ${path}`);
    }
    const key = readFileSync(file);
    if (key.length !== keyBytes) {
      throw unusable(path, `it holds ${key.length} bytes instead of ${keyBytes}`, 'restore it from a backup');
    }
    return key;
  } finally {
    closeSync(file);
  }
}

/** Writes a new key, whole or not at all, and never over another. */
export function writeKey(path: string, key: Uint8Array): void {
  const draft = `${path}.new`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(draft, { force: true });
    const file = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(file, key);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(draft, path);
    rmSync(draft);
    // The name, too: a key that is lost after codes were sealed with it loses them.
    syncFolder(dirname(path));
  } catch (error) {
    throw unusable(
      path,
      error instanceof Error ? error.message : String(error),
      "check store.key_file, and that the gateway's user may write there",
      error,
    );
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

const unusable = (path: string, why: string, next: string, cause?: unknown): GatewayError =>
  new GatewayError('misconfigured', `The store's key ${path} cannot be used: ${why}. To go on, ${next}.`, { cause });
