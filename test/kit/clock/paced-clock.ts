import { setTimeout as sleep } from 'node:timers/promises';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { WriterThread } from '../../../src/store/writer-thread.ts';

/** Simulated milliseconds per turn; a turn takes a little over a real one. */
const stepMs = 10;

/**
 * A simulated clock that goes on by itself, several times as fast as the real one, for what speaks over real sockets.
 * It moves only while this process does, and stands while a thread of it writes to the disk: on a busy machine, or on a
 * slow disk, everything takes longer, and nothing times out. What another process has to do first is waited for, or the
 * clock is told to stand meanwhile.
 */
export class PacedClock extends SimulatedClock {
  #going = true;
  #stands = false;
  /** Groups that the threads of stores are writing. */
  #writing = 0;
  readonly #ofWriter = WriterThread.prototype.commit;
  readonly #run: Promise<void> = this.#steps();

  constructor() {
    super();
    const { commit } = WriterThread.prototype;
    const writes = async <T>(group: Promise<T>): Promise<T> => {
      this.#writing += 1;
      try {
        return await group;
      } finally {
        this.#writing -= 1;
      }
    };
    WriterThread.prototype.commit = function (units) {
      return writes(commit.call(this, units));
    };
  }

  /** Resolves when `ms` of its own time have gone by. */
  async passes(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.setTimer(resolve, ms));
  }

  /** No time goes by until {@link PacedClock.goOn}. */
  stand(): void {
    this.#stands = true;
  }

  goOn(): void {
    this.#stands = false;
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#run;
    WriterThread.prototype.commit = this.#ofWriter;
  }

  async #steps(): Promise<void> {
    while (this.#going) {
      await sleep(1);
      if (!this.#stands && this.#writing === 0) await this.advance(stepMs);
    }
  }
}
