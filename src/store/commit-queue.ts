import { setImmediate as nextTurn } from 'node:timers/promises';

/** What a commit queue has done so far. */
export interface CommitStats {
  /** Groups handed on: one sync each. */
  readonly batches: number;
  /** Commits in those groups. */
  readonly commits: number;
}

/** One answer per unit, in order: undefined when it was kept. Undefined as a whole when all were. */
export type FlushOutcome = readonly (Error | undefined)[] | undefined;

interface Waiting<Unit> {
  readonly unit: Unit;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Group commit: one batch is in flight, everything that arrives meanwhile rides the next. A batch starts in a
 * microtask, so that commits asked for in one turn share a sync from the first. What nobody waits for may have patience:
 * it rides with whatever comes next, or begins a batch of its own when nothing does.
 */
export class CommitQueue<Unit> {
  readonly #flush: (units: readonly Unit[]) => Promise<FlushOutcome>;
  #waiting: Waiting<Unit>[] = [];
  #running: Promise<void> | undefined;
  readonly #seen = new Set<Promise<void>>();
  #patience: NodeJS.Timeout | undefined;
  #batches = 0;
  #commits = 0;

  /** @param flush makes the units durable, each on its own merits; a rejection counts for all of them */
  constructor(flush: (units: readonly Unit[]) => Promise<FlushOutcome>) {
    this.#flush = flush;
  }

  get stats(): CommitStats {
    return { batches: this.#batches, commits: this.#commits };
  }

  /** Nothing is waiting or in flight. */
  get isIdle(): boolean {
    return this.#running === undefined && this.#waiting.length === 0;
  }

  /** @param patienceMs how long it waits for others to ride with, by the machine's own time */
  add(unit: Unit, patienceMs = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ unit, resolve, reject });
      if (patienceMs === 0) this.#begin();
      else if (this.#running === undefined) this.#patience ??= setTimeout(() => this.#begin(), patienceMs);
    });
  }

  /** The same for what the process knows already before it is on disk. */
  addSeen(unit: Unit): Promise<void> {
    const kept = this.add(unit);
    this.#seen.add(kept);
    const over = () => this.#seen.delete(kept);
    kept.then(over, over);
    return kept;
  }

  /** Whether all that the process knows is on disk: see `Store.kept`. */
  kept(): true | Promise<boolean> {
    return this.#seen.size === 0 || this.#allKept([...this.#seen]);
  }

  async #allKept(seen: readonly Promise<void>[]): Promise<boolean> {
    const ends = await Promise.allSettled(seen);
    if (ends.every(({ status }) => status === 'fulfilled')) return true;
    // Whoever asked for it takes it back in this turn.
    await nextTurn();
    return false;
  }

  /** Resolves when nothing is waiting or in flight. */
  async drained(): Promise<void> {
    if (this.#waiting.length > 0) this.#begin();
    while (this.#running !== undefined) await this.#running;
  }

  #begin(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#running ??= Promise.resolve().then(() => this.#run());
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      this.#batches += 1;
      this.#commits += batch.length;
      let outcome: FlushOutcome;
      try {
        outcome = await this.#flush(batch.map(({ unit }) => unit));
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        outcome = batch.map(() => error);
      }
      for (let index = 0; index < batch.length; index++) {
        const error = outcome?.[index];
        if (error === undefined) batch[index]?.resolve();
        else batch[index]?.reject(error);
      }
    }
    this.#running = undefined;
  }
}
