import { z } from 'zod';
import { withoutAdvice } from '../attempts/advice.ts';
import type { Dispatcher } from '../attempts/dispatcher.ts';
import type { Failure } from '../attempts/outcome.ts';
import {
  type Clock,
  Decibels,
  errorTypes,
  GatewayError,
  type GatewayErrorType,
  type NoiseMetric,
  type Timer,
} from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { Attempts } from '../model/gateway.ts';
import type { AttemptRecord, NoiseThresholdRecord } from '../model/records.ts';
import type { Store } from '../model/store.ts';
import type { DayRepository } from './day-repository.ts';
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
  readonly #day: DayRepository;
  readonly #listener: SensorListener;
  readonly #watches = new Map<string, Watched>();
  #last: { readonly level: number; readonly heard: Moment; accountedTo: number } | undefined;
  #timer: Timer | undefined;
  /** `Clock.now()` */
  #judgedAt = Number.NEGATIVE_INFINITY;
  /** The timer is for samples that wait to be judged. */
  #timerIsSoon = false;

  constructor(clock: Clock, sensor: Sensor, day: DayRepository, listener: SensorListener) {
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

/** How soon a sensor that could not be given its limit is asked again, unless it comes back before, in milliseconds. */
const askAgainMs = 3_600_000;

const heldLimit = z.object({ noiseThresholdId: z.string(), level: z.number() });
type HeldLimit = z.output<typeof heldLimit>;

export interface DeviceLimitsOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly registry: DeviceRegistry;
  readonly dispatcher: Dispatcher;
  readonly attempts: Attempts;
}

/**
 * Sensors with a limit of their own are given the lowest of their thresholds, for the light or flag they show by
 * themselves. It has no hours and no duration, and no sensor reports its own judgement here: episodes are always judged
 * by the gateway. A sensor that cannot be reached is given its limit when it comes back.
 */
export class DeviceLimits {
  readonly #options: DeviceLimitsOptions;
  readonly #atWork = new Set<string>();
  /** What a sensor said no to, so that it is not asked again for the same. */
  readonly #refused = new Map<string, string>();
  readonly #again = new Map<string, Timer>();

  constructor(options: DeviceLimitsOptions) {
    this.#options = options;
  }

  /** Whether the sensor itself was seen to hold this threshold's limit. */
  isHeld({ deviceId, noiseThresholdId, decibels }: NoiseThresholdRecord): boolean {
    const held = this.#held(deviceId);
    return held?.noiseThresholdId === noiseThresholdId && held.level === decibels;
  }

  /** Brings the sensor's limit and its thresholds together, if they differ and it can be asked. */
  consider(deviceId: string): void {
    const { registry, store } = this.#options;
    const snapshot = registry.get(deviceId);
    if (!snapshot?.capabilities.noise?.keepsLimit || snapshot.outOfService || snapshot.health.status !== 'online')
      return;
    const wanted = lowest(store.read.noiseThresholds(deviceId));
    const held = this.#held(deviceId);
    if (wanted ? this.isHeld(wanted) : !held) return;
    const key = wanted ? `${wanted.noiseThresholdId} ${wanted.decibels}` : 'none';
    if (this.#atWork.has(deviceId) || this.#refused.get(deviceId) === key) return;
    this.#again.get(deviceId)?.cancel();
    this.#atWork.add(deviceId);
    void this.#give(deviceId, wanted, wanted?.noiseThresholdId ?? held?.noiseThresholdId ?? '')
      .then((error) => {
        this.#atWork.delete(deviceId);
        if (error === undefined) {
          this.#refused.delete(deviceId);
          this.consider(deviceId);
        } else if (saidNo(error)) this.#refused.set(deviceId, key);
        else this.#considerLater(deviceId);
      })
      .catch(() => {
        this.#atWork.delete(deviceId);
        this.#considerLater(deviceId);
      });
  }

  close(): void {
    for (const timer of this.#again.values()) timer.cancel();
  }

  /** @returns the type of the error that the attempt ended with */
  async #give(
    deviceId: string,
    wanted: NoiseThresholdRecord | undefined,
    noiseThresholdId: string,
  ): Promise<string | undefined> {
    const { dispatcher, registry, clock, attempts } = this.#options;
    const { name, limits } = registry.require(deviceId).snapshot;
    const attempt: AttemptRecord = await dispatcher.accept(
      {
        actionType: 'UPDATE_NOISE_THRESHOLD',
        deviceId,
        subject: { kind: 'noise_threshold', noiseThresholdId },
        laneClass: 'reconcile',
        limits: limits.code,
        work: async (device, ctx) => {
          const noise = device.noise;
          if (!noise?.setThreshold || !noise.clearThreshold) throw keepsNone(name);
          if (wanted) await noise.setThreshold(ctx, { level: Decibels.parse(wanted.decibels) });
          else await noise.clearThreshold(ctx);
          return { noise_threshold_id: noiseThresholdId };
        },
        inWords: inLimitWords,
        alsoSettle: ({ status }) => {
          if (status === 'error') return [];
          const fact = nameOf(deviceId);
          if (!wanted) return [{ kind: 'fact_removed', name: fact }];
          const held: HeldLimit = { noiseThresholdId, level: wanted.decibels };
          return [{ kind: 'fact_put', name: fact, value: JSON.stringify(held) }];
        },
      },
      { actor: { kind: 'reconcile' }, receivedAt: clock.now() },
    );
    const { settlement } = await attempts.settled(attempt.actionAttemptId, new AbortController().signal);
    return settlement?.status === 'error' ? settlement.error.type : undefined;
  }

  #considerLater(deviceId: string): void {
    this.#again.set(
      deviceId,
      this.#options.clock.setTimer(() => this.consider(deviceId), askAgainMs),
    );
  }

  #held(deviceId: string): HeldLimit | undefined {
    const text = this.#options.store.read.fact(nameOf(deviceId));
    return text === undefined ? undefined : heldLimit.parse(JSON.parse(text));
  }
}

const nameOf = (deviceId: string): string => `noise_limit:${deviceId}`;

const lowest = (thresholds: readonly NoiseThresholdRecord[]): NoiseThresholdRecord | undefined =>
  thresholds.reduce<NoiseThresholdRecord | undefined>(
    (low, threshold) => (low && low.decibels <= threshold.decibels ? low : threshold),
    undefined,
  );

/** The sensor's own word, which asking again will not change. */
const saidNo = (type: string): boolean =>
  type in errorTypes && errorTypes[type as GatewayErrorType].delivery === 'refused' && type !== 'device_busy';

/** A failure, with what the gateway goes on doing: its own episodes do not depend on the sensor's limit. */
const inLimitWords = (failure: Failure): Failure => ({
  ...failure,
  message: `${withoutAdvice(failure.message)} ${
    saidNo(failure.type)
      ? 'The gateway does not ask it again for the same limit, and judges its levels by itself as before.'
      : 'The gateway asks it again within an hour, and judges its levels by itself meanwhile; nothing needs to be done.'
  }`,
});

const keepsNone = (name: string) =>
  new GatewayError('unsupported_action', `${name} keeps no limit of its own; the gateway judges its levels.`);
