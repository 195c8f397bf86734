import { timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Clock } from '../contract/index.ts';
import { type ApiKeyRecord, type ApiKeyScope, hashOfApiKey, isErrno, parseApiKeys } from './api-key-file.ts';

/** How often the file is looked at, in milliseconds. */
const CHECK_INTERVAL_MS = 1000;

/** Who a request comes from. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: ReadonlySet<ApiKeyScope>;
}

interface HeldKey extends ApiKey {
  readonly hash: Buffer;
}

/** Says whose key it is. Answers at once unless the keys had to be looked up again. */
export interface ApiKeyVerifier {
  verify(key: string): ApiKey | undefined | Promise<ApiKey | undefined>;
}

/**
 * The keys of a running gateway. The file is looked at again at most once a second, and whenever a key is not known:
 * a key made a moment ago works at once, a revoked one stops working within a second, without a restart.
 */
export class ApiKeys implements ApiKeyVerifier {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #keys: readonly HeldKey[] = [];
  #version: string | undefined;
  #checkedAt: number;
  #check: Promise<void> | undefined;

  private constructor(file: string, clock: Clock, log: Logger) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
    this.#checkedAt = clock.now();
  }

  /** A missing file is a gateway without keys. @throws GatewayError `misconfigured` when the file cannot be used */
  static async open(file: string, clock: Clock, log: Logger): Promise<ApiKeys> {
    const keys = new ApiKeys(file, clock, log);
    await keys.#load();
    return keys;
  }

  get size(): number {
    return this.#keys.length;
  }

  verify(key: string): ApiKey | undefined | Promise<ApiKey | undefined> {
    const hash = hashOfApiKey(key);
    const found = this.#find(hash);
    if (found !== undefined && this.#clock.now() - this.#checkedAt < CHECK_INTERVAL_MS) return found;
    this.#check ??= this.#reload().finally(() => {
      this.#check = undefined;
    });
    return this.#check.then(() => this.#find(hash));
  }

  /** Looks at every key and compares in constant time, so that how long it takes says nothing about a hash. */
  #find(hash: Buffer): HeldKey | undefined {
    let found: HeldKey | undefined;
    for (const key of this.#keys) if (timingSafeEqual(key.hash, hash)) found = key;
    return found;
  }

  async #reload(): Promise<void> {
    try {
      await this.#load();
    } catch (error) {
      // Somebody's edit went wrong: the doors keep working with the keys that were good a moment ago.
      this.#log.error({ file: this.#file, err: error }, 'the API keys could not be read again: the old ones stay');
    }
    this.#checkedAt = this.#clock.now();
  }

  async #load(): Promise<void> {
    let version: string;
    try {
      const { mtimeMs, size, ino, mode } = await stat(this.#file);
      version = `${mtimeMs}:${size}:${ino}`;
      if (version === this.#version) return;
      if ((mode & 0o022) !== 0)
        this.#log.warn({ file: this.#file }, 'others may write the API key file: set its mode to 0600');
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      if (this.#version !== undefined)
        this.#log.warn({ file: this.#file }, 'the API key file is gone: no key is valid');
      this.#keys = [];
      this.#version = undefined;
      return;
    }
    // Remembered before reading: a file that cannot be used is reported once, not every second.
    this.#version = version;
    this.#keys = parseApiKeys(this.#file, await readFile(this.#file, 'utf8')).map(heldKey);
  }
}

const heldKey = ({ id, name, scopes, hash }: ApiKeyRecord): HeldKey => ({
  id,
  name,
  scopes: new Set(scopes),
  hash: Buffer.from(hash, 'hex'),
});
