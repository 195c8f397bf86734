/** Faults that a test plants in the writer's thread; read at each commit. */
export class WriterFaults {
  readonly shared = new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);
  readonly #values = new Int32Array(this.shared);

  /** How long the sync of each commit takes, in milliseconds, after its statements have run. A change ends the one under way. */
  set commitDelayMs(ms: number) {
    Atomics.store(this.#values, 0, ms);
    Atomics.notify(this.#values, 0);
  }

  /** The next sync fails as a broken disk's does. */
  failNextSync(): void {
    Atomics.store(this.#values, 1, 1);
  }

  /** The thread dies at the next sync. */
  dieAtNextSync(): void {
    Atomics.store(this.#values, 1, 2);
  }

  /**
   * The database may not grow (`PRAGMA max_page_count`), but by the size of the reserve file once that was given up:
   * SQLite itself then reports a full disk.
   */
  set full(full: boolean) {
    Atomics.store(this.#values, 2, full ? 1 : 0);
  }
}
