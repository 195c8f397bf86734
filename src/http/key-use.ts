import { hash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { z } from 'zod';
import { canonicalJson } from '../config/canonical-json.ts';
import type { Clock, Timer } from '../contract/index.ts';

/** How often what changed is written, in milliseconds: nobody needs it to the second, and a request costs no write. */
const WRITE_INTERVAL_MS = 60_000;

const schema = z.strictObject({ digest: z.string(), used: z.record(z.string(), z.number().int()) });

export interface KeyUseOptions {
  /** Beside the API keys. */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** When each key was last used, in milliseconds since the Unix epoch. A crash loses the last minute of it. */
export class KeyUse {
  readonly #options: KeyUseOptions;
  readonly #used = new Map<string, number>();
  #timer: Timer | undefined;
  #failed = false;

  private constructor(options: KeyUseOptions) {
    this.#options = options;
  }

  /** What cannot be read is left behind with a warning: it decides nothing. */
  static async open(options: KeyUseOptions): Promise<KeyUse> {
    const use = new KeyUse(options);
    for (const [id, at] of Object.entries(await readKeyUse(options.file, options.log))) use.#used.set(id, at);
    return use;
  }

  of(keyId: string): number | undefined {
    return this.#used.get(keyId);
  }

  note(keyId: string): void {
    const { clock } = this.#options;
    this.#used.set(keyId, clock.wallTime());
    this.#timer ??= clock.setTimer(() => {
      this.#timer = undefined;
      void this.#write();
    }, WRITE_INTERVAL_MS);
  }

  forget(keyId: string): void {
    this.#used.delete(keyId);
  }

  async close(): Promise<void> {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    await this.#write();
  }

  async #write(): Promise<void> {
    const { file, log } = this.#options;
    const used = Object.fromEntries(this.#used);
    try {
      await writeFile(`${file}.new`, `${JSON.stringify({ digest: digestOf(used), used })}\n`, { mode: 0o600 });
      await rename(`${file}.new`, file);
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) log.warn({ err: error, file }, 'when API keys were last used cannot be written down');
      this.#failed = true;
    }
  }
}

export const keyUseFileOf = (apiKeysFile: string): string => `${apiKeysFile}.used`;

/** By key id. Empty when the file is missing or was damaged. */
export async function readKeyUse(file: string, log?: Logger): Promise<Readonly<Record<string, number>>> {
  try {
    const { digest, used } = schema.parse(JSON.parse(await readFile(file, 'utf8')));
    if (digest === digestOf(used)) return used;
    log?.warn({ file }, 'when API keys were last used was damaged on disk, and is begun anew');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log?.warn({ err: error, file }, 'when API keys were last used cannot be read, and is begun anew');
  }
  return {};
}

const digestOf = (used: Readonly<Record<string, number>>): string => hash('sha256', canonicalJson(used), 'hex');
