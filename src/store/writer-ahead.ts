import { Worker } from 'node:worker_threads';

/** What a group leaves behind is gone with the next: more room would only be touched in turn, and stay resident. */
const YOUNG_MIB = 4;

/** The store's thread, which waits to be told which database to open. */
export const newWriter = (): Worker =>
  // Without the parent's loaders: under tsx they would not start in a worker.
  new Worker(new URL('./writer.mjs', import.meta.url), {
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });

/**
 * The store's thread, started before it is known which database it is for: it comes up while the other thread loads the
 * gateway and reads the configuration.
 */
export class WriterAhead {
  #worker: Worker | undefined;

  constructor(start: () => Worker = newWriter) {
    this.#worker = start();
    // Nobody waits for it yet, and what is wrong with it is told to whoever takes it.
    this.#worker.on('error', () => undefined).unref();
  }

  /** @returns undefined where it was taken already, or has ended: a new one says why */
  take(): Worker | undefined {
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker === undefined || worker.threadId === -1) return undefined;
    worker.ref();
    return worker;
  }

  /** It is not needed after all. Where it was taken, this does nothing. */
  dismiss(): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
  }
}
