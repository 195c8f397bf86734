import type { PartialZWaveOptions } from 'zwave-js';

/** What zwave-js makes its databases with. */
export type DatabaseFactory = NonNullable<NonNullable<PartialZWaveOptions['host']>['db']>;
type Database = ReturnType<DatabaseFactory['createInstance']>;

interface Held {
  readonly database: Database;
  /** Until what was begun with it is over. */
  settled: Promise<unknown>;
}

/**
 * The databases of one driver of zwave-js, which are files that one driver at a time may hold. A driver that is
 * destroyed while it starts closes those that are open by then: one that is being opened would be held for as long as
 * the process lives, and the stick would not be opened again (zwave-js 15.29.0, `Driver.closeDatabases` and
 * `Driver.initValueDBs`).
 */
export class DriverDatabases {
  readonly #held: Held[] = [];
  #isOver = false;

  readonly factory: DatabaseFactory;

  constructor(files: DatabaseFactory) {
    this.factory = {
      createInstance: (filename, options) => {
        const database = files.createInstance(filename, options);
        this.#hold(database as Database);
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
    }
  }

  #hold(database: Database): void {
    const held: Held = { database, settled: Promise.resolve() };
    const open = database.open.bind(database);
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
