/** How many durations are kept, and for how long, in milliseconds. Guesses: a busy hour, or a quiet one. */
const KEPT = 1_024;
const KEPT_MS = 3_600_000;

/** The newest durations, for percentiles of how things are now. */
export class DurationWindow {
  readonly #durations = new Float64Array(KEPT);
  readonly #at = new Float64Array(KEPT);
  #count = 0;

  /** @param now `Clock.now()` */
  add(durationMs: number, now: number): void {
    const place = this.#count % KEPT;
    this.#durations[place] = durationMs;
    this.#at[place] = now;
    this.#count += 1;
  }

  /** By nearest rank, one per share asked for; undefined while nothing was measured lately. */
  percentiles(shares: readonly number[], now: number): readonly number[] | undefined {
    const kept = Math.min(this.#count, KEPT);
    const lately = this.#durations.subarray(0, kept).filter((_, place) => now - (this.#at[place] ?? 0) <= KEPT_MS);
    if (lately.length === 0) return undefined;
    lately.sort();
    return shares.map((share) => lately[Math.max(0, Math.ceil(share * lately.length) - 1)] ?? 0);
  }
}
