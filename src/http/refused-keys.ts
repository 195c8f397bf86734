import type { Clock, Timer } from '../contract/index.ts';
import { AddressBuckets } from './address-buckets.ts';
import { addressGroup } from './address-group.ts';
import type { KeyRefusal } from './api-keys.ts';

/** How many wrong keys an address may send at once, and how soon it may send another. Guesses: people mistype. */
const BURST = 20;
const REFILL_MS = 3000;
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
  readonly #buckets: AddressBuckets;
  readonly #totals = new Map<RefusalReason, number>();
  readonly #untold = new Map<string, Untold>();
  readonly #others: Untold = { reason: 'unknown', keyId: undefined, count: 0 };
  #minute: Timer | undefined;

  constructor(clock: Clock, report: (report: RefusedKeysReport) => void) {
    this.#clock = clock;
    this.#report = report;
    this.#buckets = new AddressBuckets(clock, { burst: BURST, perSecond: 1_000 / REFILL_MS });
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
    this.#tell(addressGroup(address), reason, keyId);
    const waitMs = this.#buckets.take(address);
    return waitMs === 0 ? undefined : Math.ceil(waitMs / 1_000);
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
}
