import type { AttemptRecord } from '../store/records.ts';
import type { StoreReader } from '../store/store.ts';

/** How many removals are remembered: far more than a client that lost an answer can be behind. */
const remembered = 1_000;

/**
 * Which attempt removed a code, or is removing it. A client that lost the answer to a DELETE asks again within a second
 * (seam-api section 2), and must be told of that removal, not that the code is unknown.
 */
export class Removals {
  readonly #attempts = new Map<string, string>();

  constructor(store: StoreReader) {
    for (const attempt of store.attempts({ limit: remembered }).reverse()) this.#takeUp(attempt);
  }

  /** The attempt's id. */
  of(accessCodeId: string): string | undefined {
    return this.#attempts.get(accessCodeId);
  }

  add(accessCodeId: string, actionAttemptId: string): void {
    this.#attempts.delete(accessCodeId);
    this.#attempts.set(accessCodeId, actionAttemptId);
    const [oldest] = this.#attempts.keys();
    if (oldest !== undefined && this.#attempts.size > remembered) this.#attempts.delete(oldest);
  }

  #takeUp({ actionType, actionAttemptId, subject }: AttemptRecord): void {
    if (actionType !== 'DELETE_ACCESS_CODE' || subject?.kind !== 'access_code') return;
    this.add(subject.accessCodeId, actionAttemptId);
  }
}
