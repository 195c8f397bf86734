import { isIPv6 } from 'node:net';
import type { Clock, Timer } from '../contract/index.ts';
import type { KeyRefusal } from './api-keys.ts';

/** How many wrong keys an address may send at once, and how soon it may send another. Guesses: people mistype. */
const BURST = 20;
const REFILL_MS = 3000;
/** Addresses remembered; the one silent for longest is forgotten first. */
const MAX_ADDRESSES = 4096;
/** How often one address is told of, in milliseconds. */
const REPORT_MS = 60_000;
/** Addresses told of one by one in that time; what more there are is told of together. */
const MAX_REPORTED = 20;

export type RefusalReason = KeyRefusal['reason'] | 'missing';

/** What is told of an address that sent wrong keys. */
export interface RefusedKeysReport {
  /** Undefined: several, after too many to be told of one by one. */
  readonly address: string | undefined;
  readonly reason: RefusalReason;
  /** Where the key is known: one that was revoked, expired or rotated out. */
  readonly keyId: string | undefined;
  /** Since the report before. */
  readonly count: number;
}

interface Bucket {
  readonly left: number;
  readonly at: number;
}

interface Untold {
  reason: RefusalReason;
  keyId: string | undefined;
  count: number;
}

/**
 * Slows down whoever tries keys, and tells of it: once at the first, then once a minute with a count. Valid keys never
 * come here: an address that sends wrong ones cannot lock out a client behind the same router.
 */
export class RefusedKeys {
  readonly #clock: Clock;
  readonly #report: (report: RefusedKeysReport) => void;
  readonly #buckets = new Map<string, Bucket>();
  readonly #totals = new Map<RefusalReason, number>();
  readonly #untold = new Map<string, Untold>();
  readonly #others: Untold = { reason: 'unknown', keyId: undefined, count: 0 };
  #minute: Timer | undefined;

  constructor(clock: Clock, report: (report: RefusedKeysReport) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  /** Since the start, by reason. */
  get totals(): ReadonlyMap<RefusalReason, number> {
    return this.#totals;
  }

  /** A request without any key: counted alone, since nothing was tried. */
  missing(): void {
    this.#count('missing');
  }

  /** Counts one wrong key. Returns the seconds to wait when the address has sent too many, undefined otherwise. */
  refused(address: string, { reason, keyId }: KeyRefusal): number | undefined {
    this.#count(reason);
    const source = sourceOf(address);
    this.#tell(source, reason, keyId);
    return this.#waitOf(source);
  }

  /** Tells what has not been told yet. */
  close(): void {
    this.#minute?.cancel();
    this.#minute = undefined;
    this.#tellCounts();
  }

  #count(reason: RefusalReason): void {
    this.#totals.set(reason, (this.#totals.get(reason) ?? 0) + 1);
  }

  #tell(address: string, reason: RefusalReason, keyId: string | undefined): void {
    this.#minute ??= this.#clock.setTimer(() => this.#nextMinute(), REPORT_MS);
    const known = this.#untold.get(address);
    if (known !== undefined) {
      known.reason = reason;
      known.keyId = keyId;
      known.count += 1;
    } else if (this.#untold.size < MAX_REPORTED) {
      this.#untold.set(address, { reason, keyId, count: 0 });
      this.#report({ address, reason, keyId, count: 1 });
    } else this.#others.count += 1;
  }

  #nextMinute(): void {
    this.#minute = undefined;
    if (this.#tellCounts()) this.#minute = this.#clock.setTimer(() => this.#nextMinute(), REPORT_MS);
  }

  /** @returns whether there was anything: an address that went on is told of at the end of the next minute again */
  #tellCounts(): boolean {
    for (const [address, { reason, keyId, count }] of [...this.#untold]) {
      if (count === 0) this.#untold.delete(address);
      else {
        this.#untold.set(address, { reason, keyId, count: 0 });
        this.#report({ address, reason, keyId, count });
      }
    }
    const { count } = this.#others;
    this.#others.count = 0;
    if (count > 0) this.#report({ address: undefined, reason: 'unknown', keyId: undefined, count });
    return this.#untold.size > 0;
  }

  #waitOf(source: string): number | undefined {
    const now = this.#clock.now();
    const before = this.#buckets.get(source);
    const left = before === undefined ? BURST : Math.min(BURST, before.left + (now - before.at) / REFILL_MS);
    this.#buckets.delete(source);
    this.#buckets.set(source, { left: left >= 1 ? left - 1 : left, at: now });
    if (this.#buckets.size > MAX_ADDRESSES) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return left >= 1 ? undefined : Math.ceil(((1 - left) * REFILL_MS) / 1000);
  }
}

/** One household or server has a whole /64 of IPv6 (RFC 6177): its addresses are one source. */
function sourceOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const all = [...groups, ...Array.from({ length: missing }, () => '0'), ...(tail ? tail.split(':') : [])];
  return `${all.slice(0, 4).join(':')}::/64`;
}
