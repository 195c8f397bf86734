import type { Logger } from 'pino';

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
