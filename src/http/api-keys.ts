import { timingSafeEqual } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Clock, Timer, Unsubscribe } from '../contract/index.ts';
import { deviceReach, type Permission } from '../model/permission.ts';
import { type ApiKeyFile, type ApiKeyRecord, hashOfApiKey, isErrno, readApiKeys } from './api-key-file.ts';
import type { KeyUse } from './key-use.ts';

/** How often the file is looked at, in milliseconds. */
const CHECK_INTERVAL_MS = 1000;

/** The device_ids that are in a space now; none for one that is gone. */
export type DoorsOfSpace = (spaceId: string) => readonly string[];

/** Who a request comes from. */
export interface ApiKey extends Permission {
  readonly name: string;
}

/** Why a key is not taken. The id is told where the key is known. */
export interface KeyRefusal {
  readonly reason: 'unknown' | 'expired' | 'revoked' | 'rotated_out';
  readonly keyId?: string;
}

interface HeldKey extends ApiKey {
  readonly hash: Buffer;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  readonly previous: { readonly hash: Buffer; readonly until: number } | undefined;
}

/** Says whose key it is. Answers at once unless the keys had to be looked up again. */
export interface ApiKeyVerifier {
  verify(key: string): ApiKey | undefined | Promise<ApiKey | undefined>;
  /** Why `verify` did not know it. */
  refusalOf?(key: string): KeyRefusal;
  /** Called with each use of a key that was let in. */
  used?(key: ApiKey): void;
  /** Called after the keys changed. */
  onChange?(listener: (change: KeysChanged) => void): Unsubscribe;
}

/** What became of the keys between two looks at the file. */
export interface KeysChanged {
  readonly created: readonly ApiKeyRecord[];
  readonly revoked: readonly ApiKeyRecord[];
  /** Renamed, restricted, rotated. */
  readonly changed: readonly ApiKeyRecord[];
}

/**
 * The keys of a running gateway. The file is looked at once a second, and whenever a key is not known: a key made a
 * moment ago works at once, a revoked one stops working within a second, without a restart.
 */
export class ApiKeys implements ApiKeyVerifier {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #use: KeyUse | undefined;
  readonly #doorsOf: DoorsOfSpace;
  readonly #listeners = new Set<(change: KeysChanged) => void>();
  #content: ApiKeyFile = { keys: [], revoked: [] };
  #keys: readonly HeldKey[] = [];
  #version: string | undefined;
  #checkedAt: number;
  #check: Promise<void> | undefined;
  #timer: Timer | undefined;

  private constructor(file: string, clock: Clock, log: Logger, use: KeyUse | undefined, doorsOf: DoorsOfSpace) {
    this.#doorsOf = doorsOf;
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
    this.#use = use;
    this.#checkedAt = clock.now();
  }

  /**
   * A missing file is a gateway without keys.
   *
   * @param use where it is kept when each key was last used
   * @param doorsOf what keys that are restricted to spaces reach; they reach nothing unless told
   * @throws GatewayError `misconfigured` when the file cannot be used
   */
  static async open(
    file: string,
    clock: Clock,
    log: Logger,
    use?: KeyUse,
    doorsOf: DoorsOfSpace = () => [],
  ): Promise<ApiKeys> {
    const keys = new ApiKeys(file, clock, log, use, doorsOf);
    await keys.#load();
    return keys;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** Oldest first. */
  list(): readonly ApiKeyRecord[] {
    return this.#content.keys;
  }

  /** What the key of this id may do now; undefined once it is gone or has expired. */
  permissionOf(keyId: string): Permission | undefined {
    return this.#keys.find((key) => key.id === keyId && this.#stands(key));
  }

  /** Looks at the file each second from now on, so that what changed is told without anybody asking. */
  watch(): void {
    this.#timer = this.#clock.setTimer(() => {
      void this.refresh().then(() => {
        if (this.#timer !== undefined) this.watch();
      });
    }, CHECK_INTERVAL_MS);
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#check;
    await this.#use?.close();
  }

  onChange(listener: (change: KeysChanged) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  used({ id }: ApiKey): void {
    this.#use?.note(id);
  }

  verify(key: string): ApiKey | undefined | Promise<ApiKey | undefined> {
    const hash = hashOfApiKey(key);
    const found = this.#find(hash);
    if (found !== undefined && this.#clock.now() - this.#checkedAt < CHECK_INTERVAL_MS) return found;
    return this.refresh().then(() => this.#find(hash));
  }

  refusalOf(key: string): KeyRefusal {
    const hash = hashOfApiKey(key);
    for (const held of this.#keys) {
      if (timingSafeEqual(held.hash, hash)) return { reason: 'expired', keyId: held.id };
      if (held.previous && timingSafeEqual(held.previous.hash, hash)) return { reason: 'rotated_out', keyId: held.id };
    }
    const hex = hash.toString('hex');
    const gone = this.#content.revoked.find((revoked) => revoked.hash === hex);
    return gone === undefined ? { reason: 'unknown' } : { reason: 'revoked', keyId: gone.id };
  }

  /** Looks at the file now. */
  refresh(): Promise<void> {
    this.#check ??= this.#reload().finally(() => {
      this.#check = undefined;
    });
    return this.#check;
  }

  /** Looks at every key and compares in constant time, so that how long it takes says nothing about a hash. */
  #find(hash: Buffer): HeldKey | undefined {
    const now = this.#clock.wallTime();
    let found: HeldKey | undefined;
    for (const key of this.#keys) {
      if (timingSafeEqual(key.hash, hash)) found = key;
      if (key.previous && timingSafeEqual(key.previous.hash, hash) && now < key.previous.until) found = key;
    }
    return found && this.#stands(found) ? found : undefined;
  }

  #stands({ expiresAt }: HeldKey): boolean {
    return this.#clock.wallTime() < expiresAt;
  }

  async #reload(): Promise<void> {
    const file = this.#file;
    const log = this.#log;
    try {
      await this.#load();
    } catch (error) {
      // Somebody's edit went wrong: the doors keep working with the keys that were good a moment ago.
      log.error({ file, err: error }, 'the API keys could not be read again: the old ones stay');
    }
    this.#checkedAt = this.#clock.now();
  }

  async #load(): Promise<void> {
    const file = this.#file;
    const log = this.#log;
    let version: string;
    try {
      const { mtimeMs, size, ino, mode } = await stat(file);
      version = `${mtimeMs}:${size}:${ino}:${mode}`;
      if (version === this.#version) return;
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      if (this.#version === undefined) return;
      log.warn({ file }, 'the API key file is gone: no key is valid');
      this.#version = undefined;
      this.#take({ keys: [], revoked: this.#content.revoked });
      return;
    }
    // Remembered before reading: a file that cannot be used is reported once, not every second.
    this.#version = version;
    this.#take(await readApiKeys(file));
  }

  #take(content: ApiKeyFile): void {
    const before = this.#content;
    this.#content = content;
    // What did not change stays the same object: what is made for a key, such as its view, is found again by it.
    const held = new Map(this.#keys.map((key) => [key.id, key]));
    const records = new Map(before.keys.map((record) => [record.id, record]));
    this.#keys = content.keys.map((record) => {
      const known = held.get(record.id);
      return known !== undefined && isSame(records.get(record.id), record) ? known : heldKey(record, this.#doorsOf);
    });
    this.#tell(changesBetween(before.keys, content.keys));
  }

  #tell(change: KeysChanged): void {
    if (change.created.length + change.revoked.length + change.changed.length === 0) return;
    for (const listener of this.#listeners) listener(change);
  }
}

const isSame = (one: ApiKeyRecord | undefined, other: ApiKeyRecord): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

function changesBetween(before: readonly ApiKeyRecord[], after: readonly ApiKeyRecord[]): KeysChanged {
  const known = new Map(before.map((record) => [record.id, record]));
  const kept = new Set(after.map(({ id }) => id));
  return {
    created: after.filter(({ id }) => !known.has(id)),
    revoked: before.filter(({ id }) => !kept.has(id)),
    changed: after.filter((record) => known.has(record.id) && !isSame(known.get(record.id), record)),
  };
}

const heldKey = (
  { id, name, scopes, hash, devices, spaces, expires_at, previous }: ApiKeyRecord,
  doorsOf: DoorsOfSpace,
): HeldKey => ({
  id,
  name,
  scopes: new Set(scopes),
  devices: deviceReach(devices, spaces, doorsOf),
  hash: Buffer.from(hash, 'hex'),
  expiresAt: expires_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires_at),
  previous: previous && { hash: Buffer.from(previous.hash, 'hex'), until: Date.parse(previous.until) },
});
