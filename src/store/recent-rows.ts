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
  readonly #rows = new Map<string, RecentRow>();
  readonly #ofDevice = new Map<string, number>();

  get size(): number {
    return this.#rows.size;
  }

  seqOf(id: string): number | undefined {
    return this.#rows.get(id)?.seq;
  }

  hasOfDevice(deviceId: string): boolean {
    return this.#ofDevice.has(deviceId);
  }

  add(row: RecentRow): void {
    this.#drop(row.id);
    this.#rows.set(row.id, row);
    this.#count(row, 1);
  }

  /** They stand in the index tables. */
  forgetUpTo(seq: number): void {
    for (const row of this.#rows.values()) if (row.seq <= seq) this.#drop(row.id);
  }

  #drop(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    this.#count(row, -1);
  }

  #count({ deviceId }: RecentRow, more: 1 | -1): void {
    if (deviceId === undefined) return;
    const count = (this.#ofDevice.get(deviceId) ?? 0) + more;
    if (count === 0) this.#ofDevice.delete(deviceId);
    else this.#ofDevice.set(deviceId, count);
  }
}
