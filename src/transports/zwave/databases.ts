import { rm } from 'node:fs/promises';
import type { PartialZWaveOptions } from 'zwave-js';

/** What zwave-js makes its databases with. */
export type DatabaseFactory = NonNullable<NonNullable<PartialZWaveOptions['host']>['db']>;
type Database = ReturnType<DatabaseFactory['createInstance']>;

interface Held {
  readonly database: Database;
  /** A folder, by which other processes know that it is held. */
  readonly lock: string;
  isOurs: boolean;
  /** Until what was begun with it is over. */
  settled: Promise<unknown>;
}

/**
 * The databases of one driver of zwave-js, which are files that one driver at a time may hold. A driver that is
 * destroyed while it starts closes those that are open by then: one that is being opened would be held for as long as
 * the process lives, and the stick would not be opened again (zwave-js 15.29.0, `Driver.closeDatabases` and
 * `Driver.initValueDBs`).
 *
 * One that is closed keeps its lock where that is more than ten seconds off by the clock, which was set meanwhile, say,
 * and goes on to refresh it (@alcalzone/jsonl-db 4.0.2, `close()`): the lock is removed here.
 */
export class DriverDatabases {
  readonly #held: Held[] = [];
  #isOver = false;

  readonly factory: DatabaseFactory;

  constructor(files: DatabaseFactory) {
    this.factory = {
      createInstance: (filename, options) => {
        const database = files.createInstance(filename, options);
        this.#hold(database as Database, `${filename}.lock`);
        return database;
      },
    };
  }

  /** Resolves when no file is held, also by what was being opened. None is opened after that. Never rejects. */
  async close(): Promise<void> {
    this.#isOver = true;
    for (const held of this.#held) {
      await held.settled;
      // It lets go at once of what is closed already.
      await held.database.close().catch(() => undefined);
      // What refreshes a lock that is gone gives it up.
      if (held.isOurs) await rm(held.lock, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  #hold(database: Database, lock: string): void {
    const held: Held = { database, lock, isOurs: false, settled: Promise.resolve() };
    const begin = database.open.bind(database);
    const open = async () => {
      try {
        await begin();
        held.isOurs = true;
      } catch (error) {
        // Where only what came after the lock failed, nobody else gives it back.
        held.isOurs = !(error as Error).message.startsWith('Failed to lock');
        throw error;
      }
    };
    const close = database.close.bind(database);
    const during = (work: Promise<void>): Promise<void> => {
      held.settled = Promise.allSettled([held.settled, work]);
      return work;
    };
    database.open = () =>
      this.#isOver ? Promise.reject(new Error('the stick was lost while it was being opened')) : during(open());
    database.close = () => during(close());
    this.#held.push(held);
  }
}
