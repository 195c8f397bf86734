import { type Clock, GatewayError, sleep, type Unsubscribe } from '../contract/index.ts';
import type { EventRecord } from '../model/records.ts';
import type { AuditHead, Change, Store, StoreReader } from '../model/store.ts';
import { seenBeforeKept, startsWork } from './change-kinds.ts';
import { CommitQueue, type CommitStats, type FlushOutcome } from './commit-queue.ts';
import { MemoryTables, type NumberedChange } from './memory-tables.ts';
import { diskFull, storeClosed } from './store-errors.ts';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  /**
   * How long a group takes to reach the disk, in milliseconds, or a function called for each group. With 0, the
   * default, commits settle without any timer.
   */
  readonly commitMs?: number | (() => number);
}

/** What becomes of the group that was on its way to the disk when the process died. */
export type InFlight = 'lost' | 'kept';

interface Unit {
  readonly changes: readonly NumberedChange[];
  readonly failure: GatewayError | undefined;
}

/**
 * The store's twin for tests: the same promises, in memory, with time as an argument. What it "has on disk" survives
 * {@link MemoryStore.crash}.
 */
export class MemoryStore implements Store {
  readonly #options: MemoryStoreOptions;
  readonly #queue: CommitQueue<Unit>;
  readonly read: StoreReader;
  readonly #tables: MemoryTables;
  #inFlight: readonly Unit[] = [];
  #nextFailure: GatewayError | undefined;
  #full = false;
  #accepting = true;
  #lastEventSeq: number;
  readonly #eventListeners = new Set<(events: readonly EventRecord[]) => void>();
  readonly #auditListeners = new Set<(head: AuditHead) => void>();
  #state: 'open' | 'closed' | 'crashed' = 'open';

  constructor(options: MemoryStoreOptions, tables: MemoryTables = new MemoryTables()) {
    this.#options = options;
    this.#tables = tables;
    this.read = tables;
    this.#lastEventSeq = tables.highestEventSeq();
    this.#queue = new CommitQueue((units) => this.#flush(units));
  }

  async commit(changes: readonly Change[]): Promise<void> {
    if (this.#state === 'closed') throw storeClosed();
    const failure = this.#nextFailure;
    this.#nextFailure = undefined;
    // A copy: what the caller does to its objects afterwards is not on disk.
    const copies = structuredClone(changes).map((change) =>
      change.kind === 'event_put' ? { ...change, event: { ...change.event, seq: ++this.#lastEventSeq } } : change,
    );
    const unit = { changes: copies, failure };
    await (seenBeforeKept(changes) ? this.#queue.addSeen(unit) : this.#queue.add(unit));
  }

  kept(): true | Promise<boolean> {
    return this.#queue.kept();
  }

  onEvents(listener: (events: readonly EventRecord[]) => void): Unsubscribe {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  async keepAudit(key: Uint8Array, end?: AuditHead): Promise<void> {
    await this.#queue.drained();
    this.#tables.keepAudit(key, end);
  }

  onAudit(listener: (head: AuditHead) => void): Unsubscribe {
    this.#auditListeners.add(listener);
    return () => this.#auditListeners.delete(listener);
  }

  async scrub(): Promise<void> {
    await this.#queue.drained();
  }

  get accepting(): boolean {
    return this.#accepting;
  }

  get stats(): CommitStats {
    return this.#queue.stats;
  }

  async close(): Promise<void> {
    if (this.#state === 'crashed') return;
    this.#state = 'closed';
    await this.#queue.drained();
  }

  /** The next commit fails with this error, and nothing of it is kept. */
  failNext(error: GatewayError = new GatewayError('storage_unavailable', 'The store was told to fail.')): void {
    this.#nextFailure = error;
  }

  /** From the next commit on there is no room: acceptances are refused, everything else gets through. */
  fillDisk(): void {
    this.#full = true;
  }

  freeDisk(): void {
    this.#full = false;
    this.#accepting = true;
  }

  /**
   * The process dies: every commit that was not acknowledged stays unanswered for ever.
   *
   * @param inFlight whether the group under way had reached the disk already, which nobody was told
   * @returns what the next start finds
   */
  crash(inFlight: InFlight = 'lost'): MemoryStore {
    this.#state = 'crashed';
    const survivor = new MemoryStore(this.#options, this.#tables.copy());
    if (inFlight === 'kept') survivor.#apply(this.#inFlight);
    return survivor;
  }

  async #flush(units: readonly Unit[]): Promise<FlushOutcome> {
    this.#inFlight = units;
    const { clock, commitMs = 0 } = this.#options;
    const latency = typeof commitMs === 'number' ? commitMs : commitMs();
    if (latency > 0) await sleep(clock, latency);
    if (this.#state === 'crashed') return new Promise(() => {});
    this.#inFlight = [];
    return this.#apply(units);
  }

  #apply(units: readonly Unit[]): FlushOutcome {
    return units.map(({ changes, failure }) => {
      if (failure !== undefined) return failure;
      if (this.#full) {
        this.#accepting = false;
        if (startsWork(changes)) return diskFull('the store');
      }
      try {
        const before = this.#tables.auditHead();
        this.#tables.apply(changes);
        this.#tellEvents(changes);
        const head = this.#tables.auditHead();
        if (head !== undefined && head.seq !== before?.seq) for (const tell of this.#auditListeners) tell(head);
        return undefined;
      } catch (error) {
        return error instanceof Error ? error : new Error(String(error));
      }
    });
  }

  #tellEvents(changes: readonly NumberedChange[]): void {
    const events = changes.flatMap((change) => (change.kind === 'event_put' ? [change.event] : []));
    if (events.length > 0) for (const tell of this.#eventListeners) tell(events);
  }
}
