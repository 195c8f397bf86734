import type { Logger } from 'pino';
import type { Clock, Timer } from '../contract/index.ts';

/** How often what is old is looked for, and how soon after a start, in milliseconds. Guesses. */
const everyMs = 3_600_000;
const firstMs = 60_000;

/** Between two batches of the same kind, in milliseconds. A guess. */
const pauseMs = 1_000;

const dayMs = 86_400_000;

/** What goes for its age. */
export interface AgingKind {
  /** In words. */
  readonly name: string;
  readonly days: number;
  /**
   * Deletes some that are older.
   * @param before milliseconds since the Unix epoch
   * @returns whether there may be more
   */
  readonly forgetSome: (before: number) => Promise<boolean>;
}

export interface KeptByAgeOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** By a clock that jumped ahead everything would be old. */
  readonly isClockSure: () => boolean;
  readonly kinds: readonly AgingKind[];
}

/** Forgets what the store does not by itself: people, and what sensors heard. */
export class KeptByAge {
  readonly #options: KeptByAgeOptions;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: KeptByAgeOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.kinds.length > 0) this.#after(firstMs);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #after(ms: number): void {
    if (!this.#closed) this.#timer = this.#options.clock.setTimer(() => void this.#turn(), ms);
  }

  async #turn(): Promise<void> {
    const { clock, log, isClockSure, kinds } = this.#options;
    let more = false;
    if (isClockSure())
      for (const { name, days, forgetSome } of kinds)
        try {
          more = (await forgetSome(clock.wallTime() - days * dayMs)) || more;
        } catch (error) {
          log.warn(
            { err: error, kind: name },
            'what is older than it has to be could not be deleted; it is tried again',
          );
        }
    this.#after(more ? pauseMs : everyMs);
  }
}
