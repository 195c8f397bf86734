import { vi } from 'vitest';

/** Milliseconds of the library's per turn; a turn takes a little over a real one. */
const STEP_MS = 5;
/** The machine's own, which is taken before it is replaced. */
const realTimeout = globalThis.setTimeout;

/**
 * Time for a library that knows no clock but the process's, and for all else in this process. It moves several times as
 * fast as the real one, only while this process does, and stands while bytes are under way through another, or while the
 * disk is read or written, modules that are loaded included: on a busy machine everything takes longer, and nothing times
 * out.
 */
export class LibraryTime {
  readonly #isUnderWay: () => boolean;
  readonly #run: Promise<void>;
  #going = true;

  /** @param isUnderWay whether another process has something that it will hand on */
  constructor(isUnderWay: () => boolean) {
    this.#isUnderWay = isUnderWay;
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
      now: Date.now(),
    });
    this.#run = this.#steps();
  }

  /** Resolves when `ms` of it have gone by. */
  passes(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  async end(): Promise<void> {
    this.#going = false;
    await this.#run;
    vi.useRealTimers();
  }

  async #steps(): Promise<void> {
    while (this.#going) {
      await new Promise((resolve) => realTimeout(resolve, 1));
      if (!this.#isUnderWay() && !isDiskAsked()) await vi.advanceTimersByTimeAsync(STEP_MS);
    }
  }
}

/** What Node.js calls a question to the disk that was not answered yet. */
const isDiskAsked = (): boolean => process.getActiveResourcesInfo().some((what) => what.startsWith('FSReq'));
