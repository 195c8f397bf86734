import type { Store } from '../../src/model/store.ts';
import type { CommitStats } from '../../src/store/commit-queue.ts';

/** A store with the means to do to it what a site does. */
export interface StoreBench {
  /** The one in use; another one after `crash`. */
  readonly store: Store & { readonly stats: CommitStats };
  /** Lets time pass until the promise settles. */
  until<T>(promise: Promise<T>): Promise<T>;
  /** The process dies and starts again on the same disk. */
  crash(): Promise<void>;
  fillDisk(): Promise<void>;
  freeDisk(): Promise<void>;
  /** Ends everything. */
  dispose(): Promise<void>;
}

/** Commits to the store that is in use at the moment, and lets the time pass that it takes. */
export const commitTo =
  (bench: () => StoreBench) =>
  (...changes: Parameters<Store['commit']>[0]): Promise<void> =>
    bench().until(bench().store.commit(changes));
