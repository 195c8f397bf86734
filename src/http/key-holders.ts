import type { Clock } from '../contract/index.ts';

/** A phone that opens one door a day comes back within this. Milliseconds; a guess. */
const REMEMBERED_MS = 48 * 3_600_000;
/** Addresses remembered; the one silent for longest is forgotten first. */
const MAX_ADDRESSES = 1_024;

/** Addresses from which a valid key came: those who are behind them are served apart from strangers. */
export class KeyHolders {
  readonly #clock: Clock;
  /** When the last one came. The one that is silent for longest is the first. */
  readonly #seen = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(group: string): boolean {
    const at = this.#seen.get(group);
    return at !== undefined && this.#clock.now() - at < REMEMBERED_MS;
  }

  remember(group: string): void {
    this.#seen.delete(group);
    this.#seen.set(group, this.#clock.now());
    if (this.#seen.size <= MAX_ADDRESSES) return;
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest);
      return;
    }
  }
}
