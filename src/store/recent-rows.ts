/** A row that stands in no index table yet. */
export interface RecentRow {
  readonly id: string;
  readonly seq: number;
  /** Where rows are looked for by it. */
  readonly deviceId?: string | undefined;
}

/**
 * The rows above the mark up to which the index tables are filled (migration 0008), known by heart: as many as are
 * committed between two fillings.
 */
export class RecentRows {
  #seqOf = new Map<string, number>();
  /** The highest number of each device. */
  #ofDevice = new Map<string, number>();

  get size(): number {
    return this.#seqOf.size;
  }

  seqOf(id: string): number | undefined {
    return this.#seqOf.get(id);
  }

  hasOfDevice(deviceId: string): boolean {
    return this.#ofDevice.has(deviceId);
  }

  add({ id, seq, deviceId }: RecentRow): void {
    this.#seqOf.set(id, seq);
    if (deviceId !== undefined) this.#ofDevice.set(deviceId, Math.max(seq, this.#ofDevice.get(deviceId) ?? seq));
  }

  /** They stand in the index tables. Made anew: nearly all of them go. */
  forgetUpTo(seq: number): void {
    this.#seqOf = new Map([...this.#seqOf].filter(([, own]) => own > seq));
    this.#ofDevice = new Map([...this.#ofDevice].filter(([, highest]) => highest > seq));
  }
}
