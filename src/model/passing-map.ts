/** So many have gone before it begins anew, and as many as there are. A guess: they come and go within milliseconds. */
const GONE_AT_LEAST = 64;

/**
 * A Map of what comes and goes all the time. V8 makes the table of such a Map anew every few entries, and each table
 * points to the next. Once one of them has grown old, the collector of the young takes all that follow for alive, with
 * whatever stood in them, until the old are collected as well. So a Map is left behind before it can grow old.
 */
export class PassingMap<Key, Value> {
  #map = new Map<Key, Value>();
  #gone = 0;

  get size(): number {
    return this.#map.size;
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  set(key: Key, value: Value): void {
    this.#map.set(key, value);
  }

  delete(key: Key): boolean {
    if (!this.#map.delete(key)) return false;
    this.#gone += 1;
    if (this.#gone >= GONE_AT_LEAST && this.#gone >= this.#map.size) this.clear(this.#map);
    return true;
  }

  /** @param kept what stays */
  clear(kept?: Iterable<readonly [Key, Value]>): void {
    this.#map = new Map(kept);
    this.#gone = 0;
  }

  /** In the order in which they came. As they are now: what is deleted meanwhile may still be among them. */
  keys(): IterableIterator<Key> {
    return this.#map.keys();
  }

  values(): IterableIterator<Value> {
    return this.#map.values();
  }
}
