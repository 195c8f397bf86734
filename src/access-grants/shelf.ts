/**
 * Records of one kind as they are now, including changes on their way to disk; oldest first. Whoever keeps an index of
 * them hears of each change.
 */
export class Shelf<Kept> {
  readonly #records = new Map<string, Kept>();
  readonly #onChange: (before: Kept | undefined, after: Kept | undefined) => void;

  constructor(
    kept: readonly Kept[],
    idOf: (record: Kept) => string,
    onChange: (before: Kept | undefined, after: Kept | undefined) => void,
  ) {
    this.#onChange = onChange;
    for (const record of kept) this.set(idOf(record), record);
  }

  get(id: string): Kept | undefined {
    return this.#records.get(id);
  }

  values(): MapIterator<Kept> {
    return this.#records.values();
  }

  set(id: string, record: Kept | undefined): void {
    const before = this.#records.get(id);
    if (record === undefined) this.#records.delete(id);
    else this.#records.set(id, record);
    this.#onChange(before, record);
  }
}

/** Ids by something that they have in common. */
export class Index {
  readonly #ids = new Map<string, Set<string>>();

  of(key: string): readonly string[] {
    return [...(this.#ids.get(key) ?? [])];
  }

  move(id: string, from: readonly (string | undefined)[], to: readonly (string | undefined)[]): void {
    for (const key of from) if (key !== undefined && !to.includes(key)) this.#remove(key, id);
    for (const key of to) {
      if (key === undefined) continue;
      const ids = this.#ids.get(key);
      if (ids) ids.add(id);
      else this.#ids.set(key, new Set([id]));
    }
  }

  #remove(key: string, id: string): void {
    const ids = this.#ids.get(key);
    ids?.delete(id);
    if (ids?.size === 0) this.#ids.delete(key);
  }
}
