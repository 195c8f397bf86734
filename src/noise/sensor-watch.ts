import type { Clock, NoiseMetric, Timer } from '../contract/index.ts';
import type { NoiseEpisode } from '../gateway/ports.ts';
import type { NoiseThresholdRecord } from '../store/records.ts';
import { LevelWindow } from './level-window.ts';
import { ThresholdWatch } from './threshold-watch.ts';

/** Over what a level is averaged before it is compared, in milliseconds: long enough that one bang is not a party. */
const averageOverMs = 10_000;

/** How many of the sensor's usual intervals may pass before its last sample says nothing any more. */
const standsForIntervals = 2.5;

/** How often a threshold is judged while time alone can change the judgement, in milliseconds. */
const judgeEveryMs = 1_000;

/** One sensor's levels and the thresholds that judge them. */
export class SensorWatch {
  readonly #clock: Clock;
  readonly #metric: NoiseMetric;
  readonly #spanMs: number;
  readonly #levels: LevelWindow;
  readonly #tell: (episode: NoiseEpisode) => void;
  readonly #watches = new Map<string, ThresholdWatch>();
  #timer: Timer | undefined;

  constructor(
    clock: Clock,
    sensor: { readonly metric: NoiseMetric; readonly expectedIntervalMs: number },
    tell: (episode: NoiseEpisode) => void,
  ) {
    this.#clock = clock;
    this.#metric = sensor.metric;
    // A slow sensor is averaged over at least two of its samples.
    this.#spanMs = Math.max(averageOverMs, 2 * sensor.expectedIntervalMs);
    this.#levels = new LevelWindow(this.#spanMs, standsForIntervals * sensor.expectedIntervalMs);
    this.#tell = tell;
  }

  put(threshold: NoiseThresholdRecord): void {
    this.#watches.set(threshold.noiseThresholdId, new ThresholdWatch(threshold));
    this.#judge();
  }

  remove(noiseThresholdId: string): void {
    this.#watches.delete(noiseThresholdId);
  }

  heard(level: number): void {
    this.#levels.add(this.#clock.now(), level);
    this.#judge();
  }

  get exceeded(): string[] {
    return [...this.#watches].filter(([, watch]) => watch.exceeded).map(([id]) => id);
  }

  close(): void {
    this.#timer?.cancel();
    this.#watches.clear();
  }

  #judge(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const moment = { now: this.#clock.now(), wallTime: this.#clock.wallTime() };
    const average = this.#levels.average(moment.now);
    // Half of the span must be known: less is a guess.
    const known = average && average.knownMs >= this.#spanMs / 2 ? average : undefined;
    let restless = false;
    for (const watch of this.#watches.values()) {
      const change = watch.judge(moment, known);
      restless ||= watch.restless;
      if (!change) continue;
      const { threshold } = watch;
      const until = change.phase === 'ended' ? change.until : undefined;
      const { phase, since, level, peak } = change;
      this.#tell({ phase, threshold, since, until, level, peak, metric: this.#metric });
    }
    if (restless) this.#timer = this.#clock.setTimer(() => this.#judge(), judgeEveryMs);
  }
}
