import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock, Timer } from '../contract/index.ts';
import type { NoiseThresholdRecord } from '../model/records.ts';
import type { Change, Store } from '../model/store.ts';
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

/** An episode under way. */
export interface OpenEpisode {
  readonly since: number;
  /** Until when it was surely heard. */
  readonly lastKnown: number;
  /** The average that crossed the limit last, and the highest sample so far, in dB. */
  readonly level: number;
  readonly peak: number;
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
      /** Milliseconds since the Unix epoch. */
      readonly since: number;
      readonly peak: number;
      readonly level: number;
      readonly lastKnown: Moment;
      readonly fell: Moment | undefined;
    };

type Episode = Extract<State, { name: 'episode' }>;

/**
 * One threshold's judgement: an episode begins when the average has been above the limit for the sustained time
 * without a break, and ends when it has been clearly below for as long, or when the daily window closes.
 */
export class ThresholdWatch {
  #threshold: NoiseThresholdRecord;
  #isInWindow: (epochMs: number) => boolean;
  #state: State = { name: 'quiet' };

  /** @param left what an earlier run left under way: it goes on, and is not told again */
  constructor(threshold: NoiseThresholdRecord, left: OpenEpisode | undefined, moment: Moment) {
    this.#threshold = threshold;
    this.#isInWindow = windowTest(threshold);
    if (!left) return;
    // A clock that went back over the restart says nothing of how long that took.
    const ago = Math.max(0, moment.wallTime - left.lastKnown);
    const lastKnown = { now: moment.now - ago, wallTime: left.lastKnown };
    this.#state = { name: 'episode', ...left, lastKnown, fell: undefined };
  }

  get threshold(): NoiseThresholdRecord {
    return this.#threshold;
  }

  /** True while time alone can change the judgement: ask again soon. */
  get restless(): boolean {
    return this.#state.name !== 'quiet';
  }

  get exceeded(): boolean {
    return this.#state.name === 'episode';
  }

  get episode(): OpenEpisode | undefined {
    if (this.#state.name !== 'episode') return undefined;
    const { since, lastKnown, level, peak } = this.#state;
    return { since, lastKnown: lastKnown.wallTime, level, peak };
  }

  /** Another rule from now on. An episode goes on and is judged by it; what was only rising begins anew. */
  change(threshold: NoiseThresholdRecord): void {
    this.#threshold = threshold;
    this.#isInWindow = windowTest(threshold);
    if (this.#state.name === 'rising') this.#state = { name: 'quiet' };
  }

  /** Ends an episode because its threshold goes. */
  stop(moment: Moment): EpisodeChange | undefined {
    return this.#state.name === 'episode' ? this.#end(this.#state, this.#state.fell ?? moment) : undefined;
  }

  /** @param average what is known of the last seconds; undefined when that is too little to judge by */
  judge(moment: Moment, average: AverageLevel | undefined): EpisodeChange | undefined {
    const inWindow = this.#isInWindow(moment.wallTime);
    return this.#state.name === 'episode'
      ? this.#during(this.#state, moment, average, inWindow)
      : this.#before(moment, average, inWindow);
  }

  #before(moment: Moment, average: AverageLevel | undefined, inWindow: boolean): EpisodeChange | undefined {
    const { decibels, sustainedMs } = this.#threshold;
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
    const since = rising.since.wallTime;
    this.#state = { name: 'episode', since, peak, level, lastKnown: moment, fell: undefined };
    return { phase: 'began', since, level, peak };
  }

  #during(
    state: Episode,
    moment: Moment,
    average: AverageLevel | undefined,
    inWindow: boolean,
  ): EpisodeChange | undefined {
    const { decibels, sustainedMs } = this.#threshold;
    const silent = !average && moment.now - state.lastKnown.now >= silenceEndsMs;
    if (silent || !inWindow) return this.#end(state, state.fell ?? (average ? moment : state.lastKnown));
    if (!average) return undefined;
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

  #end({ since, peak, level }: Episode, until: Moment): EpisodeChange {
    this.#state = { name: 'quiet' };
    // A clock that was set back meanwhile must not end an episode before it began.
    return { phase: 'ended', since, until: Math.max(since, until.wallTime), level, peak };
  }
}

/** An episode as it is kept over a restart. Times are milliseconds since the Unix epoch, levels dB. */
const keptEpisode = z.object({ since: z.number(), lastKnown: z.number(), level: z.number(), peak: z.number() });

export type KeptEpisode = z.output<typeof keptEpisode>;

/** How soon an episode that found no room on disk is written again, in milliseconds (a guess). */
const writeAgainMs = 5_000;

/** What of an episode goes to disk, and when: with its events, so that no restart tells one twice. */
export class EpisodeRepository {
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #log: Logger;
  /** The first one is on its way. */
  readonly #waiting: (readonly Change[])[] = [];
  #again: Timer | undefined;

  constructor({ clock, store, log }: { readonly clock: Clock; readonly store: Store; readonly log: Logger }) {
    this.#clock = clock;
    this.#store = store;
    this.#log = log;
  }

  /** The episode that an earlier run left under way. */
  left({ noiseThresholdId }: NoiseThresholdRecord): KeptEpisode | undefined {
    const text = this.#store.read.fact(nameOf(noiseThresholdId));
    return text === undefined ? undefined : keptEpisode.parse(JSON.parse(text));
  }

  /** @param also committed together with it: the event that tells of its beginning */
  began(threshold: NoiseThresholdRecord, episode: KeptEpisode, also: readonly Change[]): void {
    this.#write([put(threshold, episode), ...also]);
  }

  /** It is still on: how loud it was, and until when it was surely heard. Losing one of these does no harm. */
  goesOn(threshold: NoiseThresholdRecord, episode: KeptEpisode): void {
    if (this.#waiting.length === 0) this.#write([put(threshold, episode)]);
  }

  ended({ noiseThresholdId }: NoiseThresholdRecord, also: readonly Change[]): void {
    this.#write([{ kind: 'fact_removed', name: nameOf(noiseThresholdId) }, ...also]);
  }

  close(): void {
    this.#again?.cancel();
  }

  /** In order, whatever the disk does meanwhile. */
  #write(changes: readonly Change[]): void {
    this.#waiting.push(changes);
    if (this.#waiting.length === 1) void this.#writeFirst();
  }

  async #writeFirst(): Promise<void> {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      try {
        await this.#store.commit(next);
        this.#waiting.shift();
      } catch (error) {
        this.#log.warn({ err: error }, 'a noise episode could not be written; trying again');
        this.#again = this.#clock.setTimer(() => void this.#writeFirst(), writeAgainMs);
        return;
      }
    }
  }
}

const nameOf = (noiseThresholdId: string): string => `noise_episode:${noiseThresholdId}`;

const put = ({ noiseThresholdId }: NoiseThresholdRecord, { since, lastKnown, level, peak }: KeptEpisode): Change => ({
  kind: 'fact_put',
  name: nameOf(noiseThresholdId),
  value: JSON.stringify({ since, lastKnown, level, peak }),
});
