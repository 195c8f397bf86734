import type { Clock } from '../contract/index.ts';
import { addressGroup } from './address-group.ts';

/** Addresses remembered; the one silent for longest is forgotten first. */
const MAX_ADDRESSES = 4_096;

interface Bucket {
  readonly left: number;
  readonly at: number;
}

/** What each address may do at once, and then per second. */
export class AddressBuckets {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, { burst, perSecond }: { readonly burst: number; readonly perSecond: number }) {
    this.#clock = clock;
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** Takes one of the address's. @returns the milliseconds until there is one again; 0 when one was taken */
  take(address: string): number {
    const group = addressGroup(address);
    const now = this.#clock.now();
    const before = this.#buckets.get(group);
    const refilled = before === undefined ? this.#burst : before.left + ((now - before.at) * this.#perSecond) / 1_000;
    const left = Math.min(this.#burst, refilled);
    this.#buckets.delete(group);
    this.#buckets.set(group, { left: left >= 1 ? left - 1 : left, at: now });
    if (this.#buckets.size > MAX_ADDRESSES) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return left >= 1 ? 0 : ((1 - left) * 1_000) / this.#perSecond;
  }
}
