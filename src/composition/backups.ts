import type { Logger } from 'pino';
import type { AuditLog } from '../audit/audit-log.ts';
import { readJournal } from '../backup/journal.ts';
import type { BackupConfig } from '../config/loaded-config.ts';
import type { Clock, Timer } from '../contract/index.ts';
import type { Store } from '../model/store.ts';

/** Up to when the audit log tells of backups, in milliseconds since the Unix epoch. */
const toldFact = 'backups_told';

/** How often is looked whether a backup was made, or is due, in milliseconds. A guess: nobody waits for it. */
const lookEveryMs = 60_000;
/** After a start the doors come first. A guess. */
const firstLookMs = 30_000;
/** A backup that failed is tried again after so long. A guess. */
const againMs = 3_600_000;

export interface BackupsOptions {
  readonly stateDir: string;
  /** Undefined: none are made by the gateway; those that people make are told of all the same. */
  readonly config: BackupConfig | undefined;
  /** Makes one, in a process of its own. @throws Error that says why it failed */
  readonly make: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly audit: Pick<AuditLog, 'entry'>;
  readonly store: Pick<Store, 'read' | 'commit'>;
}

/** Makes backups when they are due, and writes down in the audit log that one was made or put back. */
export class Backups {
  readonly #options: BackupsOptions;
  #timer: Timer | undefined;
  #config: BackupConfig | undefined;
  #isMaking = false;
  #notBefore = 0;
  #closed = false;

  constructor(options: BackupsOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  async start(): Promise<void> {
    await this.#tell();
    this.#lookIn(firstLookMs);
  }

  /** After a change of the configuration. */
  change(config: BackupConfig | undefined): void {
    this.#config = config;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #lookIn(ms: number): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.setTimer(() => {
      void this.#makeWhenDue()
        .then(() => this.#tell())
        .then(() => this.#lookIn(lookEveryMs));
    }, ms);
  }

  async #makeWhenDue(): Promise<void> {
    const { stateDir, clock, log, make } = this.#options;
    const config = this.#config;
    if (config === undefined || this.#isMaking || clock.wallTime() < this.#notBefore) return;
    const last = readJournal(stateDir).findLast((entry) => entry.kind === 'made' && entry.by === 'schedule');
    const age = last === undefined ? Number.POSITIVE_INFINITY : clock.wallTime() - last.at;
    // A clock that was set back must not put the next one off for years.
    if (age >= 0 && age < config.everyMs) return;
    this.#isMaking = true;
    try {
      await make();
      log.info({ folder: config.folder }, 'a backup was made');
    } catch (error) {
      this.#notBefore = clock.wallTime() + againMs;
      const why = error instanceof Error ? error.message : String(error);
      log.error({ why, folder: config.folder }, 'the backup that was due was not made; it is tried again in an hour');
    } finally {
      this.#isMaking = false;
    }
  }

  async #tell(): Promise<void> {
    const { stateDir, audit, store, log } = this.#options;
    const told = Number(store.read.fact(toldFact) ?? 0);
    const news = readJournal(stateDir).filter(({ at }) => at > told);
    const last = news.at(-1);
    if (last === undefined || this.#closed) return;
    const entries = news.map((entry) =>
      entry.kind === 'made'
        ? audit.entry({
            kind: 'backup_made',
            by: { kind: entry.by },
            details: { made_at: entry.at, bytes: entry.bytes, sha256: entry.sha256 },
          })
        : audit.entry({
            kind: 'backup_restored',
            by: { kind: 'cli' },
            details: { restored_at: entry.at, made_at: entry.made_at },
          }),
    );
    try {
      await store.commit([...entries, { kind: 'fact_put', name: toldFact, value: String(last.at) }]);
    } catch (error) {
      log.warn({ err: error }, 'that a backup was made could not be written down; trying again later');
    }
  }
}
