import { hash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { GatewayError } from '../contract/index.ts';

/**
 * What a key may do. `read`: see everything but digits. `control`: doors and noise thresholds. `codes`: create and
 * delete access codes and see their digits. `metrics`: counts alone, for a monitoring system whose key lies in a file.
 */
export const apiKeyScopes = ['read', 'control', 'codes', 'metrics'] as const;
export type ApiKeyScope = (typeof apiKeyScopes)[number];

const apiKeyRecordSchema = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1).max(60),
  created_at: z.iso.datetime(),
  /** SHA-256 of the whole key, in hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(apiKeyScopes)).min(1),
});
export type ApiKeyRecord = Readonly<z.output<typeof apiKeyRecordSchema>>;

const apiKeyFileSchema = z.strictObject({ version: z.literal(1), keys: z.array(apiKeyRecordSchema) });

/**
 * The official clients demand `seam_`, and take what begins with `seam_at`, `seam_cst` or `seam_pk` for something
 * else: hence the fixed second part.
 */
export const API_KEY_PREFIX = 'seam_gw1_';

/** 40 characters of 62: 238 bits. */
const KEY_LENGTH = 40;
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A lock file older than this was left by a process that died: changing the file takes milliseconds. */
const STALE_LOCK_MS = 10_000;

/**
 * A plain SHA-256 is enough: a slow password hash protects secrets that people choose, and these have 238 bits of
 * randomness, beyond any search. It keeps the check at about a microsecond, so a request costs no more for it.
 */
export const hashOfApiKey = (key: string): Buffer => hash('sha256', key, 'buffer');

/** `size` bytes from a cryptographic source: `crypto.randomBytes`. */
export type RandomBytes = (size: number) => Uint8Array;

/**
 * Makes a key and adds it to the file, which is created with mode 0600 where it is missing. The key itself is
 * returned once and kept nowhere.
 *
 * @param wallTime milliseconds since the Unix epoch
 * @throws GatewayError `invalid_input` for a name that is empty, too long or taken; `misconfigured` when the file
 * cannot be used
 */
export async function createApiKey(
  file: string,
  request: { readonly name: string; readonly scopes?: readonly ApiKeyScope[] },
  random: RandomBytes,
  wallTime: () => number,
): Promise<{ readonly id: string; readonly key: string }> {
  const name = request.name.trim();
  if (name === '' || name.length > 60 || /\p{Cc}/u.test(name))
    throw new GatewayError('invalid_input', 'An API key needs a name of 1 to 60 printable characters.');
  const scopes = apiKeyScopes.filter((scope) => (request.scopes ?? apiKeyScopes).includes(scope));
  if (scopes.length === 0)
    throw new GatewayError('invalid_input', `An API key needs at least one scope of ${apiKeyScopes.join(', ')}.`);
  const key = `${API_KEY_PREFIX}${randomBase62(KEY_LENGTH, random)}`;
  const id = `key_${randomBase62(12, random)}`;
  await changeApiKeys(file, wallTime, (keys) => {
    if (keys.some((other) => other.name === name))
      throw new GatewayError(
        'invalid_input',
        `There is an API key named "${name}" already. Choose another name or revoke that one.`,
      );
    const created_at = new Date(wallTime()).toISOString();
    return [...keys, { id, name, created_at, hash: hashOfApiKey(key).toString('hex'), scopes }];
  });
  return { id, key };
}

/** The keys in the file, oldest first; none when the file is missing. @throws GatewayError `misconfigured` */
export async function listApiKeys(file: string): Promise<readonly ApiKeyRecord[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw new GatewayError('misconfigured', `The API key file ${file} cannot be read. Check its owner and mode.`, {
      cause: error,
    });
  }
  return parseApiKeys(file, text);
}

/**
 * Takes a key out of the file; a running gateway stops accepting it within a second. `id` may be the key's name.
 *
 * @returns what was revoked
 * @throws GatewayError `invalid_input` when there is no such key; `misconfigured` when the file cannot be used
 */
export async function revokeApiKey(file: string, id: string, wallTime: () => number): Promise<ApiKeyRecord> {
  let revoked: ApiKeyRecord | undefined;
  await changeApiKeys(file, wallTime, (keys) => {
    revoked = keys.find((key) => key.id === id) ?? keys.find((key) => key.name === id);
    return keys.filter((key) => key !== revoked);
  });
  if (revoked === undefined)
    throw new GatewayError('invalid_input', `There is no API key "${id}" in ${file}. List the keys to see their ids.`);
  return revoked;
}

export function parseApiKeys(file: string, text: string): readonly ApiKeyRecord[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new GatewayError('misconfigured', `The API key file ${file} is not valid JSON. Restore it from a backup.`);
  }
  const read = apiKeyFileSchema.safeParse(content);
  if (read.success) return read.data.keys;
  const issue = read.error.issues[0];
  throw new GatewayError(
    'misconfigured',
    `The API key file ${file} cannot be used: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}. Restore it from a backup.`,
  );
}

/**
 * Reads, changes and replaces the file. The new content is written beside it under a name that only one process can
 * create, which keeps two commands at once from losing a key, and then moved over it: a reader sees all or nothing.
 */
async function changeApiKeys(
  file: string,
  wallTime: () => number,
  change: (keys: readonly ApiKeyRecord[]) => readonly ApiKeyRecord[],
): Promise<void> {
  const fresh = `${file}.new`;
  const folderPath = dirname(resolve(file));
  const handle = await openExclusively(fresh, folderPath, wallTime);
  try {
    try {
      await keepOwner(handle, file, folderPath);
      const keys = change(await listApiKeys(file));
      await handle.writeFile(`${JSON.stringify({ version: 1, keys }, undefined, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
  } catch (error) {
    await unlink(fresh).catch(() => undefined);
    throw error;
  }
  const folder = await open(folderPath, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What root writes for a gateway that runs as its own user must stay readable by that user. */
async function keepOwner(handle: FileHandle, file: string, folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(file).catch(() => stat(folder));
  await handle.chown(uid, gid);
}

async function openExclusively(fresh: string, folder: string, wallTime: () => number): Promise<FileHandle> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await open(fresh, 'wx', 0o600);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) {
      const age = wallTime() - (await stat(fresh).catch(() => ({ mtimeMs: 0 }))).mtimeMs;
      if (age > STALE_LOCK_MS) {
        await unlink(fresh).catch(() => undefined);
        return open(fresh, 'wx', 0o600);
      }
      throw new GatewayError('misconfigured', `Another command is changing the API keys (${fresh}). Try again.`, {
        cause: error,
      });
    }
    throw new GatewayError('misconfigured', `The API key file cannot be written: ${fresh}. Check the folder.`, {
      cause: error,
    });
  }
}

function randomBase62(length: number, random: RandomBytes): string {
  let text = '';
  while (text.length < length)
    for (const byte of random(length)) {
      // 248 is the largest multiple of 62 in a byte: the bytes above it would make some characters likelier.
      if (byte < 248 && text.length < length) text += base62[byte % 62];
    }
  return text;
}

export const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
