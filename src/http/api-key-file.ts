import { hash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../config/canonical-json.ts';
import { GatewayError } from '../contract/index.ts';
import { permissionScopes } from '../model/permission.ts';

const moment = z.iso.datetime();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const apiKeyRecordSchema = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1).max(60),
  created_at: moment,
  /** SHA-256 of the whole key, in hex. */
  hash: sha256,
  scopes: z.array(z.enum(permissionScopes)).min(1),
  /** The device_ids that it is restricted to; absent: all devices, and what concerns the whole gateway. */
  devices: z.array(z.string().min(1)).min(1).optional(),
  /** The space_ids whose doors it is restricted to, those that are in them at any moment; beside `devices`. */
  spaces: z.array(z.string().min(1)).min(1).optional(),
  /** It is refused from then on. */
  expires_at: moment.optional(),
  /** The key before the last rotation, which is taken until then. */
  previous: z.strictObject({ hash: sha256, until: moment }).optional(),
});
export type ApiKeyRecord = Readonly<z.output<typeof apiKeyRecordSchema>>;

/** A key that was taken away: whoever still uses it is told so, and the log can name it. */
const revokedKeySchema = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1).max(60),
  hash: sha256,
  revoked_at: moment,
});
export type RevokedApiKey = Readonly<z.output<typeof revokedKeySchema>>;

export interface ApiKeyFile {
  readonly keys: readonly ApiKeyRecord[];
  /** The newest last. */
  readonly revoked: readonly RevokedApiKey[];
}

const revoked = z.array(revokedKeySchema);
const withoutSpaces = z.array(apiKeyRecordSchema.omit({ spaces: true }).strict());
/** Each is written anew as the newest with the first change. A gateway that knows no spaces refuses a file with some. */
const apiKeyFileSchema = z.discriminatedUnion('version', [
  // Until 0.1: without a digest.
  z.strictObject({ version: z.literal(1), keys: withoutSpaces }),
  z.strictObject({ version: z.literal(2), digest: sha256, keys: withoutSpaces, revoked }),
  z.strictObject({ version: z.literal(3), digest: sha256, keys: z.array(apiKeyRecordSchema), revoked }),
]);

/** How many keys that were taken away are remembered. */
const rememberedRevocations = 50;

/** A lock file older than this was left by a process that died: changing the file takes milliseconds. */
const STALE_LOCK_MS = 10_000;

/**
 * A plain SHA-256 is enough: a slow password hash protects secrets that people choose, and these have 238 bits of
 * randomness, beyond any search. It keeps the check at about a microsecond, so a request costs no more for it.
 */
export const hashOfApiKey = (key: string): Buffer => hash('sha256', key, 'buffer');

/** The keys in the file, oldest first; none when the file is missing. @throws GatewayError `misconfigured` */
export const listApiKeys = async (file: string): Promise<readonly ApiKeyRecord[]> => (await readApiKeys(file)).keys;

/** @throws GatewayError `misconfigured` when it cannot be used, or others may write it */
export async function readApiKeys(file: string): Promise<ApiKeyFile> {
  let text: string;
  let mode: number;
  try {
    text = await readFile(file, 'utf8');
    mode = (await stat(file)).mode;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { keys: [], revoked: [] };
    throw new GatewayError('misconfigured', `The API key file ${file} cannot be read. Check its owner and mode.`, {
      cause: error,
    });
  }
  // Its digest is no secret: who can write it can make a key.
  if ((mode & 0o022) !== 0)
    throw new GatewayError(
      'misconfigured',
      `The API key file ${file} can be written by others than its owner. Look whether the keys in it are yours, and run: chmod 600 ${file}`,
    );
  return parseApiKeys(file, text);
}

export function parseApiKeys(file: string, text: string): ApiKeyFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new GatewayError('misconfigured', `The API key file ${file} is not valid JSON. Restore it from a backup.`);
  }
  const read = apiKeyFileSchema.safeParse(json);
  if (!read.success) {
    const issue = read.error.issues[0];
    throw new GatewayError(
      'misconfigured',
      `The API key file ${file} cannot be used: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}. Restore it from a backup.`,
    );
  }
  if (read.data.version === 1) return { keys: read.data.keys, revoked: [] };
  const { keys, revoked, digest } = read.data;
  if (digest === digestOf({ keys, revoked })) return { keys, revoked };
  throw new GatewayError(
    'misconfigured',
    `The API key file ${file} was damaged, or changed by hand: its digest does not fit its keys. Restore it from a backup; keys are changed with "strikeplate keys" or over HTTP.`,
  );
}

/** One flipped bit in a hash, a scope or an id would make another key of it. */
const digestOf = ({ keys, revoked }: ApiKeyFile): string => hash('sha256', canonicalJson([keys, revoked]), 'hex');

/**
 * Reads, changes and replaces the file. The new content is written beside it under a name that only one process can
 * create, which keeps two commands at once from losing a key, and then moved over it: a reader sees all or nothing.
 */
export async function changeApiKeys(
  file: string,
  wallTime: () => number,
  change: (before: ApiKeyFile) => ApiKeyFile,
): Promise<void> {
  const fresh = `${file}.new`;
  const folderPath = dirname(resolve(file));
  const handle = await openExclusively(fresh, folderPath, wallTime);
  try {
    try {
      await keepOwner(handle, file, folderPath);
      const { keys, revoked } = change(await readApiKeys(file));
      const kept = { keys, revoked: revoked.slice(-rememberedRevocations) };
      await handle.writeFile(`${JSON.stringify({ version: 3, digest: digestOf(kept), ...kept }, undefined, 2)}\n`);
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

export const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
