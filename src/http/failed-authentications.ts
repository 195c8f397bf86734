import type { Clock } from '../contract/index.ts';

/** How many wrong keys an address may send at once, and how soon it may send another. Guesses: people mistype. */
const BURST = 20;
const REFILL_MS = 3000;
/** Addresses remembered; the one silent for longest is forgotten first. */
const MAX_ADDRESSES = 4096;

interface Bucket {
  readonly left: number;
  readonly at: number;
}

/**
 * Slows down whoever tries keys. Valid keys never come here: an address that sends wrong ones cannot lock out a client
 * behind the same router.
 */
export class FailedAuthentications {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one wrong key. Returns the seconds to wait when the address has sent too many, undefined otherwise. */
  count(address: string): number | undefined {
    const now = this.#clock.now();
    const before = this.#buckets.get(address);
    const left = before === undefined ? BURST : Math.min(BURST, before.left + (now - before.at) / REFILL_MS);
    this.#buckets.delete(address);
    this.#buckets.set(address, { left: left >= 1 ? left - 1 : left, at: now });
    if (this.#buckets.size > MAX_ADDRESSES) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return left >= 1 ? undefined : Math.ceil(((1 - left) * REFILL_MS) / 1000);
  }
}
