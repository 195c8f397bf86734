import { GatewayError, type Unsubscribe } from '../contract/index.ts';
import type { Attempts } from '../model/gateway.ts';
import { PassingMap } from '../model/passing-map.ts';
import type { AttemptRecord, HistoryEntry, IdempotencyRecord } from '../model/records.ts';
import type { AttemptQuery, StoreReader } from '../model/store.ts';
import type { Attempt } from './attempt.ts';

const none: readonly Attempt[] = [];

/**
 * All attempts: the living ones in memory, the settled ones in the store. A living attempt shows `pending` until its
 * settlement is on disk, whatever its machine knows already.
 */
export class AttemptRegistry implements Attempts {
  readonly #store: StoreReader;
  readonly #living = new PassingMap<string, Attempt>();
  /** Lists are replaced, never changed. */
  readonly #byDevice = new Map<string, readonly Attempt[]>();
  readonly #waiters = new Map<string, Set<(record: AttemptRecord) => void>>();
  readonly #listeners = new Set<(attempt: AttemptRecord) => void>();

  constructor(store: StoreReader) {
    this.#store = store;
  }

  get pendingCount(): number {
    return this.#living.size;
  }

  get(actionAttemptId: string): AttemptRecord | undefined {
    return this.#living.get(actionAttemptId)?.record() ?? this.#store.attempt(actionAttemptId);
  }

  list(query: AttemptQuery): AttemptRecord[] {
    return this.#store.attempts(query).map((stored) => this.#living.get(stored.actionAttemptId)?.record() ?? stored);
  }

  history(actionAttemptId: string): readonly HistoryEntry[] | undefined {
    return this.#living.get(actionAttemptId)?.history ?? this.#store.attempt(actionAttemptId)?.history;
  }

  idempotency(scope: string): IdempotencyRecord | undefined {
    return this.#store.idempotency(scope);
  }

  settled(actionAttemptId: string, signal: AbortSignal): Promise<AttemptRecord> {
    if (!this.#living.has(actionAttemptId)) {
      const record = this.#store.attempt(actionAttemptId);
      if (record) return Promise.resolve(record);
      return Promise.reject(
        new GatewayError(
          'action_attempt_not_found',
          `There is no action attempt ${actionAttemptId}. It may be older than what is kept.`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const waiters = this.#waiters.get(actionAttemptId) ?? new Set();
      this.#waiters.set(actionAttemptId, waiters);
      const onAbort = () => {
        waiters.delete(settle);
        reject(signal.reason);
      };
      const settle = (record: AttemptRecord) => {
        signal.removeEventListener('abort', onAbort);
        resolve(record);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      waiters.add(settle);
    });
  }

  onChange(listener: (attempt: AttemptRecord) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Living attempts in order of acceptance. */
  living(): Iterable<Attempt> {
    return this.#living.values();
  }

  /** Living attempts of one device in order of acceptance. */
  livingOf(deviceId: string): readonly Attempt[] {
    return this.#byDevice.get(deviceId) ?? none;
  }

  /** The acceptance is on disk. */
  opened(attempt: Attempt): void {
    this.#living.set(attempt.id, attempt);
    const { deviceId } = attempt.facts;
    this.#byDevice.set(deviceId, [...this.livingOf(deviceId), attempt]);
    this.#tell(attempt.record());
  }

  /** The settlement is on disk: from here on everybody is told the end. */
  closed(attempt: Attempt): void {
    this.#living.delete(attempt.id);
    const { deviceId } = attempt.facts;
    const others = this.livingOf(deviceId).filter((other) => other !== attempt);
    this.#byDevice.set(deviceId, others.length === 0 ? none : others);
    const record = attempt.record();
    const waiters = this.#waiters.get(attempt.id);
    this.#waiters.delete(attempt.id);
    for (const settle of waiters ?? []) settle(record);
    this.#tell(record);
  }

  #tell(record: AttemptRecord): void {
    for (const listener of this.#listeners) listener(record);
  }
}
