import { GatewayError } from '../contract/index.ts';
import {
  type ApiKeyPatch,
  createApiKey,
  type MadeApiKey,
  type NewApiKey,
  type RandomBytes,
  revokeApiKey,
  rotateApiKey,
  updateApiKey,
} from './api-key-changes.ts';
import type { ApiKeyRecord } from './api-key-file.ts';
import type { ApiKeys } from './api-keys.ts';
import type { KeyUse } from './key-use.ts';

export interface KeyAdministrationOptions {
  readonly file: string;
  readonly keys: ApiKeys;
  readonly use: KeyUse;
  readonly random: RandomBytes;
  /** Milliseconds since the Unix epoch. */
  readonly wallTime: () => number;
}

/** A key as it is shown: never its hash. */
export interface ShownApiKey {
  readonly record: ApiKeyRecord;
  /** Milliseconds since the Unix epoch; undefined when it never was. */
  readonly lastUsedAt: number | undefined;
}

/** Keys as they are managed while the gateway runs. What changes is known to the gateway before it is answered. */
export interface ApiKeyAdministration {
  list(): readonly ShownApiKey[];
  /** @throws GatewayError `api_key_not_found` */
  get(id: string): ShownApiKey;
  /** @throws GatewayError `invalid_input`, `storage_unavailable` */
  create(request: NewApiKey): Promise<MadeApiKey>;
  /** @throws GatewayError `api_key_not_found`, `invalid_input`, `storage_unavailable` */
  update(id: string, patch: ApiKeyPatch): Promise<void>;
  /** @throws GatewayError `api_key_not_found`, `storage_unavailable` */
  rotate(id: string, overlapMs: number): Promise<MadeApiKey>;
  /** @throws GatewayError `api_key_not_found`, `storage_unavailable` */
  revoke(id: string): Promise<void>;
}

export class KeyAdministration implements ApiKeyAdministration {
  readonly #options: KeyAdministrationOptions;
  /** One change after the other: the file has one writer. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: KeyAdministrationOptions) {
    this.#options = options;
  }

  list(): readonly ShownApiKey[] {
    return this.#options.keys.list().map((record) => ({ record, lastUsedAt: this.#options.use.of(record.id) }));
  }

  get(id: string): ShownApiKey {
    const found = this.list().find(({ record }) => record.id === id);
    if (found === undefined) throw noSuchKey();
    return found;
  }

  create(request: NewApiKey): Promise<MadeApiKey> {
    const { file, random, wallTime } = this.#options;
    return this.#change(() => createApiKey(file, request, random, wallTime));
  }

  async update(id: string, patch: ApiKeyPatch): Promise<void> {
    const { file, wallTime } = this.#options;
    this.get(id);
    await this.#change(() => updateApiKey(file, id, patch, wallTime));
  }

  rotate(id: string, overlapMs: number): Promise<MadeApiKey> {
    const { file, random, wallTime } = this.#options;
    return this.#change(async () => {
      this.get(id);
      return rotateApiKey(file, id, overlapMs, random, wallTime);
    });
  }

  async revoke(id: string): Promise<void> {
    const { file, wallTime } = this.#options;
    await this.#change(async () => {
      this.get(id);
      await revokeApiKey(file, id, wallTime);
    });
    this.#options.use.forget(id);
  }

  #change<Answer>(change: () => Promise<Answer>): Promise<Answer> {
    const done = this.#last.then(async () => {
      try {
        return await change();
      } catch (error) {
        if (!(error instanceof GatewayError) || error.type !== 'misconfigured') throw error;
        // The file is in another command's hands, or cannot be written where it lies.
        throw new GatewayError('storage_unavailable', error.message, { retryAfterSeconds: 1, cause: error });
      } finally {
        await this.#options.keys.refresh();
      }
    });
    this.#last = done.catch(() => undefined);
    return done;
  }
}

const noSuchKey = (): GatewayError =>
  new GatewayError('api_key_not_found', 'There is no such API key. List them with /strikeplate/api_keys/list.');
