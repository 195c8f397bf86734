import type { ActionType, AttemptRecord } from '../model/records.ts';
import type { StoreReader } from '../model/store.ts';

/** How many removals are remembered: far more than a client that lost an answer can be behind. */
const remembered = 1_000;

/**
 * Which attempt removed something, or is removing it. A client that lost the answer to a DELETE asks again within a
 * second, as Seam's does, and must be told of that removal, not that the thing is unknown.
 */
export class Removals {
  readonly #attempts = new Map<string, string>();

  constructor(store: StoreReader, actionType: ActionType) {
    const newestFirst = store.attempts({ limit: remembered }).filter((attempt) => attempt.actionType === actionType);
    for (const attempt of newestFirst.reverse()) this.#takeUp(attempt);
  }

  /** The attempt's id. @param subjectId the access code's or the noise threshold's */
  of(subjectId: string): string | undefined {
    return this.#attempts.get(subjectId);
  }

  add(subjectId: string, actionAttemptId: string): void {
    this.#attempts.delete(subjectId);
    this.#attempts.set(subjectId, actionAttemptId);
    const [oldest] = this.#attempts.keys();
    if (oldest !== undefined && this.#attempts.size > remembered) this.#attempts.delete(oldest);
  }

  #takeUp({ actionAttemptId, subject }: AttemptRecord): void {
    if (subject?.kind === 'access_code') this.add(subject.accessCodeId, actionAttemptId);
    if (subject?.kind === 'noise_threshold') this.add(subject.noiseThresholdId, actionAttemptId);
  }
}
