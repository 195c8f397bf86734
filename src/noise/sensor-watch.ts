import type { Clock, NoiseMetric, Timer } from '../contract/index.ts';
import type { NoiseThresholdRecord } from '../model/records.ts';
import type { DayKeeper } from './day-keeper.ts';
import { LevelHistory, type LevelMinute } from './level-history.ts';
import { LevelWindow } from './level-window.ts';
import { type EpisodeChange, type Moment, type OpenEpisode, ThresholdWatch } from './threshold-watch.ts';

/** How many of the sensor's usual intervals may pass before its last sample says nothing any more. */
const standsForIntervals = 2.5;

/** How often a threshold is judged while time alone can change the judgement, in milliseconds. */
const judgeEveryMs = 1_000;

/** Samples that come faster are judged together, in milliseconds: judging asks every threshold. */
const judgeAtMostEveryMs = 100;

/** How often an episode under way is brought up to date on disk, in milliseconds: a power cut blurs its end by so much. */
const keepEveryMs = 60_000;

export interface Sensor {
  readonly metric: NoiseMetric;
  readonly expectedIntervalMs: number;
  /** Over what a level is averaged before it is compared, in milliseconds. */
  readonly averageMs: number;
}

export interface SensorListener {
  changed(threshold: NoiseThresholdRecord, change: EpisodeChange): void;
  /** Now and then while an episode is on. */
  goesOn(threshold: NoiseThresholdRecord, episode: OpenEpisode): void;
}

interface Watched {
  readonly watch: ThresholdWatch;
  /** `Clock.now()` */
  keptAt: number;
}

/** One sensor's levels and the thresholds that judge them. */
export class SensorWatch {
  readonly metric: NoiseMetric;
  readonly #clock: Clock;
  readonly #spanMs: number;
  readonly #standsForMs: number;
  readonly #levels: LevelWindow;
  readonly #history = { day: LevelHistory.ofDay(), week: LevelHistory.ofWeek() };
  readonly #day: DayKeeper;
  readonly #listener: SensorListener;
  readonly #watches = new Map<string, Watched>();
  #last: { readonly level: number; readonly heard: Moment; accountedTo: number } | undefined;
  #timer: Timer | undefined;
  /** `Clock.now()` */
  #judgedAt = Number.NEGATIVE_INFINITY;
  /** The timer is for samples that wait to be judged. */
  #timerIsSoon = false;

  constructor(clock: Clock, sensor: Sensor, day: DayKeeper, listener: SensorListener) {
    this.#clock = clock;
    this.metric = sensor.metric;
    // A slow sensor is averaged over at least two of its samples.
    this.#spanMs = Math.max(sensor.averageMs, 2 * sensor.expectedIntervalMs);
    this.#standsForMs = standsForIntervals * sensor.expectedIntervalMs;
    this.#levels = new LevelWindow(this.#spanMs, this.#standsForMs);
    this.#day = day;
    this.#listener = listener;
    for (const minute of day.left(clock.wallTime())) this.#history.day.restore(minute);
    for (const hour of day.leftOfWeek(clock.wallTime())) this.#history.week.restore(hour);
  }

  /** A new threshold, or another rule for a known one. @param left what an earlier run left under way */
  put(threshold: NoiseThresholdRecord, left?: OpenEpisode): void {
    const known = this.#watches.get(threshold.noiseThresholdId);
    if (known) known.watch.change(threshold);
    else {
      const watch = new ThresholdWatch(threshold, left, this.#moment());
      this.#watches.set(threshold.noiseThresholdId, { watch, keptAt: this.#clock.now() });
    }
    this.#judge();
  }

  remove(noiseThresholdId: string): void {
    const watch = this.#watches.get(noiseThresholdId)?.watch;
    this.#watches.delete(noiseThresholdId);
    const change = watch?.stop(this.#moment());
    if (watch && change) this.#listener.changed(watch.threshold, change);
  }

  heard(level: number): void {
    this.#account();
    const heard = this.#moment();
    this.#last = { level, heard, accountedTo: heard.now };
    this.#levels.add(heard.now, level);
    this.#day.minuteReached(heard.wallTime, this.#history);
    const wait = this.#judgedAt + judgeAtMostEveryMs - heard.now;
    if (wait <= 0) this.#judge();
    else if (!this.#timerIsSoon) {
      this.#timer?.cancel();
      this.#timer = this.#clock.setTimer(() => this.#judge(), wait);
      this.#timerIsSoon = true;
    }
  }

  get exceeded(): string[] {
    return [...this.#watches].filter(([, { watch }]) => watch.exceeded).map(([id]) => id);
  }

  /** @param from milliseconds since the Unix epoch */
  minutes(from: number, until: number): LevelMinute[] {
    this.#account();
    return this.#history.day.between(from, until);
  }

  /** The same of the last week, hour by hour. */
  hours(from: number, until: number): LevelMinute[] {
    this.#account();
    return this.#history.week.between(from, until);
  }

  /** Resolves once what is known is on disk. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#account();
    for (const { watch } of this.#watches.values()) {
      const { episode, threshold } = watch;
      if (episode) this.#listener.goesOn(threshold, episode);
    }
    this.#watches.clear();
    await this.#day.keep(this.#clock.wallTime(), this.#history);
  }

  #moment(): Moment {
    return { now: this.#clock.now(), wallTime: this.#clock.wallTime() };
  }

  /** Writes the time that the last sample has stood for since into the day. */
  #account(): void {
    const last = this.#last;
    if (!last) return;
    const until = Math.min(this.#clock.now(), last.heard.now + this.#standsForMs);
    if (until <= last.accountedTo) return;
    this.#history.day.stood(
      last.heard.wallTime + (last.accountedTo - last.heard.now),
      until - last.accountedTo,
      last.level,
    );
    this.#history.week.stood(
      last.heard.wallTime + (last.accountedTo - last.heard.now),
      until - last.accountedTo,
      last.level,
    );
    last.accountedTo = until;
  }

  #judge(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerIsSoon = false;
    const moment = this.#moment();
    this.#judgedAt = moment.now;
    const average = this.#levels.average(moment.now);
    // Half of the span must be known: less is a guess.
    const known = average && average.knownMs >= this.#spanMs / 2 ? average : undefined;
    let restless = false;
    for (const watched of this.#watches.values()) {
      const { watch } = watched;
      const change = watch.judge(moment, known);
      restless ||= watch.restless;
      const { episode, threshold } = watch;
      if (change) {
        watched.keptAt = moment.now;
        this.#listener.changed(threshold, change);
      } else if (episode && moment.now - watched.keptAt >= keepEveryMs) {
        watched.keptAt = moment.now;
        this.#listener.goesOn(threshold, episode);
      }
    }
    if (restless) this.#timer = this.#clock.setTimer(() => this.#judge(), judgeEveryMs);
  }
}
