import { GatewayError } from '../contract/index.ts';
import { type PermissionScope, permissionScopes } from '../model/permission.ts';
import { type ApiKeyRecord, changeApiKeys, hashOfApiKey } from './api-key-file.ts';

/**
 * The official clients demand `seam_`, and take what begins with `seam_at`, `seam_cst` or `seam_pk` for something
 * else: hence the fixed second part.
 */
export const API_KEY_PREFIX = 'seam_gw1_';

/** 40 characters of 62: 238 bits. */
const KEY_LENGTH = 40;
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** What a key may do unless told: all but manage keys, which has to be asked for by name. */
export const usualScopes: readonly PermissionScope[] = permissionScopes.filter((scope) => scope !== 'admin');

/** What concerns the whole gateway, and makes no sense for a key of some devices. */
const wholeScopes: readonly PermissionScope[] = ['metrics', 'admin'];

/** `size` bytes from a cryptographic source: `crypto.randomBytes`. */
export type RandomBytes = (size: number) => Uint8Array;

export interface NewApiKey {
  readonly name: string;
  /** {@link usualScopes} unless told, without those for the whole gateway where devices are named. */
  readonly scopes?: readonly PermissionScope[] | undefined;
  /** The device_ids that it is to be restricted to. */
  readonly devices?: readonly string[] | undefined;
  /** The space_ids whose doors, as they are at any moment, it is to be restricted to; beside `devices`. */
  readonly spaces?: readonly string[] | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt?: number | undefined;
}

/** Undefined leaves as it is; null takes the restriction or the end away. */
export interface ApiKeyPatch {
  readonly name?: string | undefined;
  readonly scopes?: readonly PermissionScope[] | undefined;
  readonly devices?: readonly string[] | null | undefined;
  readonly spaces?: readonly string[] | null | undefined;
  readonly expiresAt?: number | null | undefined;
}

/** The key itself is given once and kept nowhere. */
export interface MadeApiKey {
  readonly id: string;
  readonly key: string;
}

/**
 * Makes a key and adds it to the file, which is created with mode 0600 where it is missing.
 *
 * @param wallTime milliseconds since the Unix epoch
 * @throws GatewayError `invalid_input` for a name that is empty, too long or taken, scopes and devices that do not go
 * together, or an end in the past; `misconfigured` when the file cannot be used
 */
export async function createApiKey(
  file: string,
  request: NewApiKey,
  random: RandomBytes,
  wallTime: () => number,
): Promise<MadeApiKey> {
  const name = checkedName(request.name);
  const key = newKey(random);
  const id = `key_${randomBase62(12, random)}`;
  const isRestricted = request.devices !== undefined || request.spaces !== undefined;
  const scopes = request.scopes ?? usualScopes.filter((scope) => !isRestricted || !wholeScopes.includes(scope));
  await changeApiKeys(file, wallTime, ({ keys, revoked }) => {
    assertFree(keys, name);
    const made = {
      id,
      name,
      created_at: new Date(wallTime()).toISOString(),
      hash: hashOf(key),
      ...checkedReach(scopes, request),
      ...checkedEnd(request.expiresAt, wallTime()),
    };
    return { keys: [...keys, made], revoked };
  });
  return { id, key };
}

/**
 * Gives a key another name, reach or end. `id` may be the key's name.
 * @throws GatewayError `api_key_not_found`, `invalid_input`, `misconfigured`
 */
export async function updateApiKey(
  file: string,
  id: string,
  patch: ApiKeyPatch,
  wallTime: () => number,
): Promise<ApiKeyRecord> {
  return changeOne(file, id, wallTime, (before, others) => {
    const name = patch.name === undefined ? before.name : checkedName(patch.name);
    assertFree(others, name);
    const { devices: devicesBefore, spaces: spacesBefore, expires_at: endBefore, ...rest } = before;
    const devices = patch.devices === undefined ? devicesBefore : (patch.devices ?? undefined);
    const spaces = patch.spaces === undefined ? spacesBefore : (patch.spaces ?? undefined);
    const end =
      patch.expiresAt === undefined
        ? endBefore === undefined
          ? {}
          : { expires_at: endBefore }
        : checkedEnd(patch.expiresAt ?? undefined, wallTime());
    return { ...rest, name, ...checkedReach(patch.scopes ?? before.scopes, { devices, spaces }), ...end };
  });
}

/**
 * Gives a key another secret under the same id and name; the old one is taken for some time longer, so that whoever
 * uses it can change over. `id` may be the key's name.
 *
 * @param overlapMs 0: the old secret is refused at once
 * @throws GatewayError `api_key_not_found`, `misconfigured`
 */
export async function rotateApiKey(
  file: string,
  id: string,
  overlapMs: number,
  random: RandomBytes,
  wallTime: () => number,
): Promise<MadeApiKey> {
  const key = newKey(random);
  const rotated = await changeOne(file, id, wallTime, ({ previous: _, ...before }) => ({
    ...before,
    hash: hashOf(key),
    ...(overlapMs > 0 && {
      previous: { hash: before.hash, until: new Date(wallTime() + overlapMs).toISOString() },
    }),
  }));
  return { id: rotated.id, key };
}

/**
 * Takes a key out of the file; a running gateway stops accepting it within a second. `id` may be the key's name.
 *
 * @returns what was revoked
 * @throws GatewayError `api_key_not_found`; `misconfigured` when the file cannot be used
 */
export async function revokeApiKey(file: string, id: string, wallTime: () => number): Promise<ApiKeyRecord> {
  let gone: ApiKeyRecord | undefined;
  await changeApiKeys(file, wallTime, ({ keys, revoked }) => {
    const found = oneOf(keys, id, file);
    gone = found;
    const { id: keyId, name, hash } = found;
    const revokedAt = new Date(wallTime()).toISOString();
    return {
      keys: keys.filter((key) => key !== found),
      revoked: [...revoked, { id: keyId, name, hash, revoked_at: revokedAt }],
    };
  });
  if (gone === undefined) throw noSuchKey(id, file);
  return gone;
}

/** The names of keys that were revoked are remembered to explain a refusal; these are not any more. @returns how many */
export async function forgetRevokedNames(
  file: string,
  matches: (name: string) => boolean,
  wallTime: () => number,
): Promise<number> {
  let forgotten = 0;
  await changeApiKeys(file, wallTime, ({ keys, revoked }) => {
    forgotten = revoked.filter(({ name }) => matches(name)).length;
    return { keys, revoked: revoked.map((key) => (matches(key.name) ? { ...key, name: '(forgotten)' } : key)) };
  });
  return forgotten;
}

async function changeOne(
  file: string,
  id: string,
  wallTime: () => number,
  change: (before: ApiKeyRecord, others: readonly ApiKeyRecord[]) => ApiKeyRecord,
): Promise<ApiKeyRecord> {
  let changed: ApiKeyRecord | undefined;
  await changeApiKeys(file, wallTime, ({ keys, revoked }) => {
    const before = oneOf(keys, id, file);
    const after = change(
      before,
      keys.filter((key) => key !== before),
    );
    changed = after;
    return { keys: keys.map((key) => (key === before ? after : key)), revoked };
  });
  if (changed === undefined) throw noSuchKey(id, file);
  return changed;
}

function oneOf(keys: readonly ApiKeyRecord[], id: string, file: string): ApiKeyRecord {
  const found = keys.find((key) => key.id === id) ?? keys.find((key) => key.name === id);
  if (found === undefined) throw noSuchKey(id, file);
  return found;
}

const noSuchKey = (id: string, file: string): GatewayError =>
  new GatewayError('api_key_not_found', `There is no API key "${id}" in ${file}. List the keys to see their ids.`);

function checkedName(given: string): string {
  const name = given.trim();
  if (name === '' || name.length > 60 || /\p{Cc}/u.test(name))
    throw new GatewayError('invalid_input', 'An API key needs a name of 1 to 60 printable characters.');
  return name;
}

function assertFree(others: readonly ApiKeyRecord[], name: string): void {
  if (others.some((other) => other.name === name))
    throw new GatewayError(
      'invalid_input',
      `There is an API key named "${name}" already. Choose another name or revoke that one.`,
    );
}

function checkedReach(
  wanted: readonly PermissionScope[],
  restriction: Pick<NewApiKey, 'devices' | 'spaces'>,
): Pick<ApiKeyRecord, 'scopes' | 'devices' | 'spaces'> {
  const scopes = permissionScopes.filter((scope) => wanted.includes(scope));
  if (scopes.length === 0)
    throw new GatewayError('invalid_input', `An API key needs at least one scope of ${permissionScopes.join(', ')}.`);
  const devices = restriction.devices && [...new Set(restriction.devices)];
  const spaces = restriction.spaces && [...new Set(restriction.spaces)];
  if (devices?.length === 0)
    throw new GatewayError('invalid_input', 'An API key that is restricted to devices needs at least one of them.');
  if (spaces?.length === 0)
    throw new GatewayError('invalid_input', 'An API key that is restricted to spaces needs at least one of them.');
  const whole = scopes.filter((scope) => wholeScopes.includes(scope));
  if ((devices !== undefined || spaces !== undefined) && whole.length > 0)
    throw new GatewayError(
      'invalid_input',
      `An API key for some devices cannot have the scope ${whole.join(' or ')}, which concerns the whole gateway.`,
    );
  return { scopes, ...(devices && { devices }), ...(spaces && { spaces }) };
}

function checkedEnd(expiresAt: number | undefined, now: number): Pick<ApiKeyRecord, 'expires_at'> {
  if (expiresAt === undefined) return {};
  if (expiresAt <= now)
    throw new GatewayError('invalid_input', 'An API key cannot expire in the past. Revoke it instead.');
  return { expires_at: new Date(expiresAt).toISOString() };
}

const hashOf = (key: string): string => hashOfApiKey(key).toString('hex');

const newKey = (random: RandomBytes): string => `${API_KEY_PREFIX}${randomBase62(KEY_LENGTH, random)}`;

function randomBase62(length: number, random: RandomBytes): string {
  let text = '';
  while (text.length < length)
    for (const byte of random(length)) {
      // 248 is the largest multiple of 62 in a byte: the bytes above it would make some characters likelier.
      if (byte < 248 && text.length < length) text += base62[byte % 62];
    }
  return text;
}
