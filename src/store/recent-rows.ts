/** A row that stands in no index table yet. */
export interface RecentRow {
  readonly id: string;
  readonly seq: number;
  readonly deviceId: string | undefined;
}

/**
 * The rows above the mark up to which the index tables are filled (migration 0008), known by heart: as many as are
 * committed between two fillings.
 */
export class RecentRows {
  #rows = new Map<string, RecentRow>();
  #devices = new Set<string>();

  get size(): number {
    return this.#rows.size;
  }

  seqOf(id: string): number | undefined {
    return this.#rows.get(id)?.seq;
  }

  hasOfDevice(deviceId: string): boolean {
    return this.#devices.has(deviceId);
  }

  add(row: RecentRow): void {
    this.#rows.set(row.id, row);
    if (row.deviceId !== undefined) this.#devices.add(row.deviceId);
  }

  /** They stand in the index tables. Made anew: nearly all of them go. */
  forgetUpTo(seq: number): void {
    const kept = [...this.#rows.values()].filter((row) => row.seq > seq);
    this.#rows = new Map();
    this.#devices = new Set();
    for (const row of kept) this.add(row);
  }
}
