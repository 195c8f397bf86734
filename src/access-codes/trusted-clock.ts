import type { Logger } from 'pino';
import type { Clock, Timer } from '../contract/index.ts';
import type { ClockTrust } from '../model/gateway.ts';
import type { Change, Store } from '../model/store.ts';
import type { Moment } from './wanted.ts';

/** Whoever knows whether the box's clock is set by the network. */
export interface TimeSource {
  /** True when the clock is set by NTP now; false also when nobody can say. Never rejects. */
  isSynchronised(): Promise<boolean>;
}

export interface TrustedClockOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  readonly source: TimeSource;
}

/** A jump by more than this puts the clock in doubt, in milliseconds. */
const toleranceMs = 300_000;

/** How often the mark is written down, in milliseconds. A guess: what a crash may cost of it. */
const markEveryMs = 600_000;

/** How often the network is asked about a clock in doubt, in milliseconds. A guess. */
const askEveryMs = 30_000;

const markFact = 'clock_high_water';

/** There while the clock is in doubt, with the reason: a restart alone makes no clock right. */
const doubtFact = 'clock_in_doubt';

/**
 * Whether the wall clock can be believed. A mark on disk says how late it has been; a clock behind it, or one that
 * jumps while the gateway runs, is in doubt until the network or an operator confirms it.
 */
export class TrustedClock implements ClockTrust {
  readonly #options: TrustedClockOptions;
  readonly #listeners = new Set<() => void>();
  #doubt: { readonly since: number; readonly reason: string } | undefined;
  /** Wall time minus monotonic time, when it was last believed. */
  #offset: number;
  #mark: number;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: TrustedClockOptions) {
    const { clock, store } = options;
    this.#options = options;
    this.#offset = clock.wallTime() - clock.now();
    this.#mark = Number(store.read.fact(markFact) ?? Number.NEGATIVE_INFINITY);
    const doubt = store.read.fact(doubtFact);
    if (doubt !== undefined) this.#fallIntoDoubt(doubt);
    else if (clock.wallTime() < this.#mark - toleranceMs) {
      this.#fallIntoDoubt(
        `The clock shows ${inWords(clock.wallTime())}, and the gateway has already seen ${inWords(this.#mark)}.`,
      );
    }
  }

  get confidence(): ClockTrust['confidence'] {
    this.#look();
    return this.#doubt ? { confirmed: false, ...this.#doubt } : { confirmed: true };
  }

  moment(): Moment {
    const at = this.#look();
    return { at, sure: this.#doubt === undefined };
  }

  start(): void {
    if (this.#doubt) void this.#turn();
    else this.#timer = this.#options.clock.setTimer(() => void this.#turn(), markEveryMs);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Called when the clock falls into doubt, and when it is believed again. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  async confirm(): Promise<void> {
    const { clock, log } = this.#options;
    this.#offset = clock.wallTime() - clock.now();
    const before = this.#doubt;
    this.#doubt = undefined;
    this.#mark = clock.wallTime();
    await this.#note(
      { kind: 'fact_put', name: markFact, value: String(Math.round(this.#mark)) },
      { kind: 'fact_removed', name: doubtFact },
    );
    if (!before) return;
    log.info({ time: inWords(clock.wallTime()) }, 'the clock is confirmed; schedules go on');
    this.#tell();
  }

  /** @returns what the clock shows, in milliseconds since the Unix epoch */
  #look(): number {
    const { clock } = this.#options;
    const at = clock.wallTime();
    if (this.#doubt) return at;
    const offset = at - clock.now();
    const jumped = offset - this.#offset;
    if (Math.abs(jumped) <= toleranceMs) {
      this.#offset = offset;
      return at;
    }
    this.#fallIntoDoubt(
      `The clock jumped by ${Math.round(jumped / 60_000)} minutes to ${inWords(at)} while the gateway ran.`,
    );
    this.#timer?.cancel();
    this.#timer = clock.setTimer(() => void this.#turn(), 0);
    return at;
  }

  #fallIntoDoubt(reason: string): void {
    const { clock, log } = this.#options;
    this.#doubt = { since: clock.wallTime(), reason };
    void this.#note({ kind: 'fact_put', name: doubtFact, value: reason });
    log.warn(
      { reason },
      'the clock is in doubt: codes are neither written nor removed by their times until NTP or an operator confirms it',
    );
  }

  async #turn(): Promise<void> {
    if (this.#closed) return;
    const { clock, source } = this.#options;
    const { sure, at } = this.moment();
    if (!sure) {
      this.#tell();
      if (await source.isSynchronised()) await this.confirm();
    } else if (at > this.#mark) {
      this.#mark = at;
      await this.#note({ kind: 'fact_put', name: markFact, value: String(Math.round(at)) });
    }
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(() => void this.#turn(), this.#doubt ? askEveryMs : markEveryMs);
  }

  async #note(...changes: readonly Change[]): Promise<void> {
    await this.#options.store.commit(changes).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'what is known of the clock could not be written down');
    });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const inWords = (at: number): string => new Date(at).toISOString();
