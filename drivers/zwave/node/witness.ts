import type { Clock, Unsubscribe, ZwaveLink, ZwaveReport } from '../../../src/contract/index.ts';

/** Listens to what a node tells while a command is under way, and wakes whoever waits for news. */
export class Witness {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #heard: ZwaveReport[] = [];
  readonly #stop: Unsubscribe;
  #wake: (() => void) | undefined;

  constructor(link: ZwaveLink, clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#stop = link.onReport((report) => {
      this.#heard.push(report);
      this.#wake?.();
    });
  }

  close(): void {
    this.#stop();
  }

  /** What was heard before says nothing of the command that leaves now. */
  forget(): void {
    this.#heard.length = 0;
  }

  heard(matches: (report: ZwaveReport) => boolean): boolean {
    return this.#heard.some(matches);
  }

  /** Resolves with the next report, or after `ms`. @throws the signal's reason */
  news(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#wake = undefined;
        timer.cancel();
        this.#signal.removeEventListener('abort', onAbort);
        settle();
      };
      const onAbort = () => end(() => reject(this.#signal.reason));
      const timer = this.#clock.setTimer(() => end(resolve), ms);
      this.#wake = () => end(resolve);
      this.#signal.addEventListener('abort', onAbort, { once: true });
      if (this.#signal.aborted) onAbort();
    });
  }

  /** Waits for a report that matches, at most `ms`. */
  async hears(matches: (report: ZwaveReport) => boolean, ms: number): Promise<boolean> {
    const until = this.#clock.now() + ms;
    while (!this.heard(matches)) {
      const left = until - this.#clock.now();
      if (left <= 0) return false;
      await this.news(left);
    }
    return true;
  }
}
