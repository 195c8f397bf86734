import Database from 'libsql';
import type { Logger } from 'pino';
import { GatewayError } from '../contract/index.ts';
import type { Column } from './columns.ts';
import { readRow } from './read-row.ts';
import type { Row } from './sqlite-rows.ts';

/** A connection that only reads, and looks at each row whether it is as it was written. */
export class RowConnection {
  readonly #database: Database.Database;
  readonly #path: string;
  readonly #onDamage: (place: string) => void;
  /** Kinds of which a row was damaged. */
  readonly #damaged = new Set<string>();
  readonly #statements = new Map<string, Database.Statement>();
  /** By statement. */
  readonly #looked = new Map<string, readonly unknown[]>();

  /** @param onDamage told of each row that is not as it was written, each time it is come across */
  constructor(path: string, onDamage: (place: string) => void = () => undefined) {
    this.#path = path;
    this.#onDamage = (place) => {
      this.#damaged.add(place.slice(0, place.lastIndexOf(' ')));
      onDamage(place);
    };
    this.#database = new Database(path);
    this.#database.exec('PRAGMA query_only = ON');
  }

  /**
   * What is not found never was, unless a row of its kind was damaged: it may be that one, and its id.
   * @throws GatewayError `internal_error`
   */
  missing(what: string): undefined {
    if (!this.#damaged.has(what)) return undefined;
    throw new GatewayError(
      'internal_error',
      `It cannot be told whether there is such an ${what}: a row of one was damaged on disk. The log names it; restore a backup, or go on without it.`,
    );
  }

  /** @throws GatewayError `internal_error` when the row was damaged: that it is not there would be no answer */
  one<T>(sql: string, read: (row: Row) => T, parameters: Column[] = []): T | undefined {
    const row = this.#query(() => this.#statement(sql).get(parameters)) as Row | undefined;
    if (row === undefined) return undefined;
    const { record, place } = readRow(read, row);
    if (place === undefined) return record;
    this.#onDamage(place);
    throw new GatewayError(
      'internal_error',
      `The row of ${place} in the database was damaged on disk. Restore a backup, or go on without it.`,
    );
  }

  /**
   * A whole table. What was come across at the start is given to the first who asks: whoever starts takes it up, and
   * reading it twice is most of what a start takes at a large site.
   */
  table<T>(sql: string, read: (row: Row) => T): T[] {
    const looked = this.#looked.get(sql);
    this.#looked.delete(sql);
    return looked === undefined ? this.all(sql, read) : (looked as T[]);
  }

  look<T>(sql: string, read: (row: Row) => T): void {
    this.#looked.set(sql, this.all(sql, read));
  }

  /** From now on what was come across at the start may not be all. */
  forgetLooked(): void {
    this.#looked.clear();
  }

  /** A row that was damaged is left out, and told of. */
  all<T>(sql: string, read: (row: Row) => T, parameters: Column[] = []): T[] {
    const rows = this.#query(() => this.#statement(sql).all(parameters)) as Row[];
    const whole: T[] = [];
    for (const row of rows) {
      const { record, place } = readRow(read, row);
      if (place === undefined) whole.push(record);
      else this.#onDamage(place);
    }
    return whole;
  }

  /** Rows as arrays: as objects they would carry a `_metadata` of libsql's. */
  #statement(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql).raw();
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #query<T>(query: () => T): T {
    try {
      return query();
    } catch (error) {
      const why = error instanceof Database.SqliteError ? error.code : String(error);
      throw new GatewayError(
        'internal_error',
        `The database ${this.#path} could not be read (${why}). Check the disk, then restart the gateway; if it stays ` +
          'so, restore a backup.',
        { cause: error },
      );
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

/** So many are remembered and told of one by one. */
const most = 1_000;

/** Rows of the database that are not as they were written: each is told of once. */
export class DamageList {
  readonly #path: string;
  readonly #log: Logger;
  readonly #places = new Set<string>();

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  found(place: string): void {
    if (this.#places.has(place) || this.#places.size >= most) return;
    this.#places.add(place);
    this.#log.error(
      { database: this.#path, row: place },
      'a row of the database was damaged on disk and is left out; restore a backup, or make it anew',
    );
  }

  get places(): readonly string[] {
    return [...this.#places];
  }
}
