import type { NoiseThresholdRecord } from '../store/records.ts';
import { windowTest } from './daily-window.ts';
import type { AverageLevel } from './level-window.ts';

/** How far below its limit a level must fall before an episode can end, in dB: the least change that is clearly heard. */
export const hysteresisDb = 3;

/** How long a sensor may be silent during an episode before the episode ends for want of news, in milliseconds (a guess). */
const silenceEndsMs = 15 * 60_000;

export interface Moment {
  /** `Clock.now()` */
  readonly now: number;
  /** Milliseconds since the Unix epoch. */
  readonly wallTime: number;
}

export type EpisodeChange =
  | { readonly phase: 'began'; readonly since: number; readonly level: number; readonly peak: number }
  | {
      readonly phase: 'ended';
      readonly since: number;
      readonly until: number;
      readonly level: number;
      readonly peak: number;
    };

type State =
  | { readonly name: 'quiet' }
  /** Above the limit, not yet for long enough. */
  | { readonly name: 'rising'; readonly since: Moment; readonly peak: number }
  /** `fell` is when the level went clearly below the limit, while it stays there. */
  | {
      readonly name: 'episode';
      readonly since: Moment;
      readonly peak: number;
      readonly level: number;
      readonly lastKnown: Moment;
      readonly fell: Moment | undefined;
    };

/**
 * One threshold's judgement: an episode begins when the average has been above the limit for the sustained time
 * without a break, and ends when it has been clearly below for as long, or when the daily window closes.
 */
export class ThresholdWatch {
  readonly threshold: NoiseThresholdRecord;
  readonly #isInWindow: (epochMs: number) => boolean;
  #state: State = { name: 'quiet' };

  constructor(threshold: NoiseThresholdRecord) {
    this.threshold = threshold;
    this.#isInWindow = windowTest(threshold);
  }

  /** True while time alone can change the judgement: ask again soon. */
  get restless(): boolean {
    return this.#state.name !== 'quiet';
  }

  get exceeded(): boolean {
    return this.#state.name === 'episode';
  }

  /** @param average what is known of the last seconds; undefined when that is too little to judge by */
  judge(moment: Moment, average: AverageLevel | undefined): EpisodeChange | undefined {
    const inWindow = this.#isInWindow(moment.wallTime);
    return this.#state.name === 'episode'
      ? this.#during(this.#state, moment, average, inWindow)
      : this.#before(moment, average, inWindow);
  }

  #before(moment: Moment, average: AverageLevel | undefined, inWindow: boolean): EpisodeChange | undefined {
    const { decibels, sustainedMs } = this.threshold;
    if (!inWindow || !average || average.level <= decibels) {
      this.#state = { name: 'quiet' };
      return undefined;
    }
    const rising = this.#state.name === 'rising' ? this.#state : { since: moment, peak: average.highest };
    const peak = Math.max(rising.peak, average.highest);
    if (moment.now - rising.since.now < sustainedMs) {
      this.#state = { name: 'rising', since: rising.since, peak };
      return undefined;
    }
    const { level } = average;
    this.#state = { name: 'episode', since: rising.since, peak, level, lastKnown: moment, fell: undefined };
    return { phase: 'began', since: rising.since.wallTime, level, peak };
  }

  #during(
    state: Extract<State, { name: 'episode' }>,
    moment: Moment,
    average: AverageLevel | undefined,
    inWindow: boolean,
  ): EpisodeChange | undefined {
    const { decibels, sustainedMs } = this.threshold;
    if (!inWindow) return this.#end(state, state.fell ?? moment);
    if (!average) {
      return moment.now - state.lastKnown.now >= silenceEndsMs ? this.#end(state, state.lastKnown) : undefined;
    }
    const fell = average.level < decibels - hysteresisDb ? (state.fell ?? moment) : undefined;
    const next = {
      ...state,
      peak: Math.max(state.peak, average.highest),
      level: fell ? state.level : average.level,
      lastKnown: moment,
      fell,
    };
    this.#state = next;
    return fell && moment.now - fell.now >= sustainedMs ? this.#end(next, fell) : undefined;
  }

  #end({ since, peak, level }: Extract<State, { name: 'episode' }>, until: Moment): EpisodeChange {
    this.#state = { name: 'quiet' };
    return { phase: 'ended', since: since.wallTime, until: until.wallTime, level, peak };
  }
}
