import { setTimeout as sleep } from 'node:timers/promises';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';

/** Simulated milliseconds per turn; a turn takes a little over a real one. */
const stepMs = 10;

/**
 * A simulated clock that goes on by itself, several times as fast as the real one, for what speaks over real sockets.
 * It moves only while this process does: on a busy machine everything takes longer, and nothing times out.
 */
export class PacedClock extends SimulatedClock {
  #going = true;
  readonly #run: Promise<void> = this.#goOn();

  /** Resolves when `ms` of its own time have gone by. */
  async passes(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.setTimer(resolve, ms));
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#run;
  }

  async #goOn(): Promise<void> {
    while (this.#going) {
      await sleep(1);
      await this.advance(stepMs);
    }
  }
}
