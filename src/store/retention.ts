import type { Clock, Timer } from '../contract/index.ts';

/** How often old rows are looked for, and how soon after a start, in milliseconds. Guesses. */
const everyMs = 3_600_000;
const firstMs = 60_000;

/** Between two small batches, or while others commit, in milliseconds. A guess. */
const pauseMs = 100;

const dayMs = 86_400_000;

/** Idempotency records are kept that long. */
const idempotencyMs = dayMs;

/** What is older may go, in milliseconds since the Unix epoch. */
export interface Bounds {
  /** Ended attempts. */
  readonly attemptsBefore: number;
  readonly eventsBefore: number;
  readonly idempotencyBefore: number;
  /** So many of the newest events may stay. */
  readonly events: number;
}

export interface RetentionOptions {
  readonly clock: Clock;
  /** How long ended attempts are kept. */
  readonly days: number;
  /** How long events are kept. */
  readonly eventDays: number;
  /** How many events are kept at most. */
  readonly events: number;
  readonly isIdle: () => boolean;
  /** By a clock that jumped ahead everything would be old. */
  readonly isClockSure: () => boolean;
  /** Deletes a few rows outside the bounds; false when there are none. */
  readonly pruneSome: (bounds: Bounds) => Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

/** Deletes what is older than it has to be, a little at a time, while nobody waits for the disk. */
export class Retention {
  readonly #options: RetentionOptions;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#after(firstMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #after(ms: number): void {
    if (!this.#stopped) this.#timer = this.#options.clock.setTimer(() => void this.#turn(), ms);
  }

  async #turn(): Promise<void> {
    const { clock, days, eventDays, events, isIdle, isClockSure, pruneSome, onError } = this.#options;
    if (!isClockSure()) {
      this.#after(everyMs);
      return;
    }
    const now = clock.wallTime();
    try {
      const bounds = {
        attemptsBefore: now - days * dayMs,
        eventsBefore: now - eventDays * dayMs,
        idempotencyBefore: now - idempotencyMs,
        events,
      };
      const more = !isIdle() || (await pruneSome(bounds));
      this.#after(more ? pauseMs : everyMs);
    } catch (error) {
      onError(error);
      this.#after(everyMs);
    }
  }
}
