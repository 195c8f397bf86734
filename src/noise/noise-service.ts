import type { Logger } from 'pino';
import type { Dispatcher } from '../attempts/dispatcher.ts';
import { Removals } from '../attempts/removals.ts';
import { type Clock, Decibels, GatewayError, type NoiseMetric, type Unsubscribe } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { NoiseRules } from '../model/device-snapshot.ts';
import type { EventRecorder } from '../model/event-recorder.ts';
import type { EventDraft } from '../model/event-types.ts';
import type {
  Attempts,
  NewNoiseThreshold,
  NoiseEpisode,
  NoiseMinute,
  NoiseThresholdChange,
  NoiseThresholds,
  Origin,
} from '../model/gateway.ts';
import type { AttemptRecord, NoiseThresholdRecord } from '../model/records.ts';
import type { Store } from '../model/store.ts';
import { parseDailyWindow } from './daily-window.ts';
import { DayRepository } from './day-repository.ts';
import { historyHours, hourMs } from './level-history.ts';
import { DeviceLimits, SensorWatch } from './sensor-watch.ts';
import type { EpisodeChange } from './threshold-watch.ts';
import { EpisodeRepository } from './threshold-watch.ts';

/** How levels are judged where neither configuration nor threshold says: one slammed door is no party. */
const usualRules: NoiseRules = { averageMs: 10_000, sustainedMs: 60_000 };

/** The longest time that a level may have to last before an episode begins, in milliseconds. */
export const longestSustainedMs = 15 * 60_000;

/** So many days levels can be kept: by the minute it is one. */
export const longestNoiseDays = historyHours / 24;

export interface NoiseServiceOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly registry: DeviceRegistry;
  readonly dispatcher: Dispatcher;
  readonly attempts: Attempts;
  readonly events: EventRecorder;
  readonly log: Logger;
  /** Levels that are older are not answered any more; as long as they are kept unless told. */
  readonly levelDays?: number | undefined;
  /** UUIDv7 */
  readonly newId: () => string;
}

/** Noise thresholds, judged by the gateway itself on the levels that sensors report. */
export class NoiseService implements NoiseThresholds {
  readonly #options: NoiseServiceOptions;
  readonly #sensors = new Map<string, SensorWatch>();
  readonly #listeners = new Set<(episode: NoiseEpisode) => void>();
  readonly #removals: Removals;
  readonly #episodes: EpisodeRepository;
  readonly #limits: DeviceLimits;
  readonly #unsubscribe: Unsubscribe;
  /** One change after the other: each begins from what the one before left on disk. */
  #last: Promise<unknown> = Promise.resolve();
  #started = false;

  constructor(options: NoiseServiceOptions) {
    this.#options = options;
    this.#removals = new Removals(options.store.read, 'REMOVE_NOISE_THRESHOLD');
    this.#episodes = new EpisodeRepository(options);
    this.#limits = new DeviceLimits(options);
    this.#unsubscribe = options.registry.onReport(({ deviceId }, report) => {
      if (report.kind === 'noise') this.#sensor(deviceId)?.heard(report.level);
      else if (report.kind === 'health' && this.#started) this.#limits.consider(deviceId);
    });
  }

  /** Takes up the thresholds on disk. Call it once the devices are open; one that opens later is taken up then. */
  start(): void {
    this.#started = true;
    for (const { deviceId } of this.#options.registry.list()) {
      this.#sensor(deviceId);
      this.#limits.consider(deviceId);
    }
  }

  /** After a change of the configuration: what was known of how these devices measure does not hold any more. */
  async forget(deviceIds: Iterable<string>): Promise<void> {
    const gone = [...deviceIds].flatMap((deviceId) => {
      const sensor = this.#sensors.get(deviceId);
      this.#sensors.delete(deviceId);
      return sensor ?? [];
    });
    await Promise.all(gone.map((sensor) => sensor.close()));
  }

  /** Resolves once the levels so far are on disk. */
  async close(): Promise<void> {
    this.#unsubscribe();
    this.#limits.close();
    await Promise.all([...this.#sensors.values()].map((sensor) => sensor.close()));
    this.#episodes.close();
  }

  async create(request: NewNoiseThreshold, origin: Origin) {
    const { registry, dispatcher, newId, clock } = this.#options;
    const { deviceId } = request;
    const device = registry.require(deviceId);
    const { name, timeZone, capabilities, noiseRules = usualRules } = device.snapshot;
    if (!capabilities.noise) throw device.capabilitiesKnown ? noSensor(name) : notOpen(name);
    const noiseThresholdId = newId();
    const threshold: NoiseThresholdRecord = {
      noiseThresholdId,
      deviceId,
      name: request.name ?? usualName(request.decibels),
      ...parseDailyWindow(request.startsDailyAt, request.endsDailyAt, timeZone),
      decibels: parseLevel(request.decibels),
      sustainedMs: parseSustained(request.sustainedMs ?? noiseRules.sustainedMs),
      createdAt: clock.wallTime(),
    };
    const attempt = await dispatcher.acceptDone(
      {
        actionType: 'CREATE_NOISE_THRESHOLD',
        deviceId,
        subject: { kind: 'noise_threshold', noiseThresholdId },
        alsoAccept: () => [{ kind: 'noise_threshold_put', threshold }],
      },
      { noise_threshold_id: noiseThresholdId },
      origin,
    );
    this.#put(threshold);
    return { attempt, threshold };
  }

  update(noiseThresholdId: string, change: NoiseThresholdChange, origin: Origin): Promise<AttemptRecord> {
    return this.#inTurn(() => this.#update(noiseThresholdId, change, origin));
  }

  remove(noiseThresholdId: string, origin: Origin): Promise<AttemptRecord> {
    return this.#inTurn(() => this.#remove(noiseThresholdId, origin));
  }

  async #update(noiseThresholdId: string, change: NoiseThresholdChange, origin: Origin): Promise<AttemptRecord> {
    const before = this.#require(noiseThresholdId);
    const { startsDailyAt, endsDailyAt } = change;
    if ((startsDailyAt === undefined) !== (endsDailyAt === undefined)) {
      throw new GatewayError('invalid_input', 'starts_daily_at, ends_daily_at: give both or neither.');
    }
    const unnamed = before.name === usualName(before.decibels) && change.decibels !== undefined;
    const threshold: NoiseThresholdRecord = {
      ...before,
      name: change.name ?? (unnamed ? usualName(change.decibels) : before.name),
      ...(startsDailyAt !== undefined &&
        endsDailyAt !== undefined &&
        parseDailyWindow(startsDailyAt, endsDailyAt, before.timeZone)),
      decibels: change.decibels === undefined ? before.decibels : parseLevel(change.decibels),
      sustainedMs: change.sustainedMs === undefined ? before.sustainedMs : parseSustained(change.sustainedMs),
    };
    const attempt = await this.#options.dispatcher.acceptDone(
      {
        actionType: 'UPDATE_NOISE_THRESHOLD',
        deviceId: threshold.deviceId,
        subject: { kind: 'noise_threshold', noiseThresholdId },
        alsoAccept: () => [{ kind: 'noise_threshold_put', threshold }],
      },
      { noise_threshold_id: noiseThresholdId },
      origin,
    );
    this.#put(threshold);
    return attempt;
  }

  async #remove(noiseThresholdId: string, origin: Origin): Promise<AttemptRecord> {
    const removal = this.#options.attempts.get(this.#removals.of(noiseThresholdId) ?? '');
    if (removal && !this.get(noiseThresholdId)) return this.#options.dispatcher.join(removal, origin);
    const threshold = this.#require(noiseThresholdId);
    const attempt = await this.#options.dispatcher.acceptDone(
      {
        actionType: 'REMOVE_NOISE_THRESHOLD',
        deviceId: threshold.deviceId,
        subject: { kind: 'noise_threshold', noiseThresholdId },
        alsoAccept: () => [{ kind: 'noise_threshold_removed', noiseThresholdId }],
      },
      {},
      origin,
    );
    this.#removals.add(noiseThresholdId, attempt.actionAttemptId);
    this.#sensor(threshold.deviceId)?.remove(noiseThresholdId);
    this.#limits.consider(threshold.deviceId);
    return attempt;
  }

  get(noiseThresholdId: string): NoiseThresholdRecord | undefined {
    return this.#options.store.read.noiseThreshold(noiseThresholdId);
  }

  list(deviceId?: string): NoiseThresholdRecord[] {
    return this.#options.store.read.noiseThresholds(deviceId);
  }

  exceeded(deviceId: string): readonly string[] {
    return this.#sensors.get(deviceId)?.exceeded ?? [];
  }

  isKeptByDevice(threshold: NoiseThresholdRecord): boolean {
    return this.#limits.isHeld(threshold);
  }

  minutes(deviceId: string, from: number, until: number): readonly NoiseMinute[] {
    return this.#sensor(deviceId)?.minutes(this.#within(from), until) ?? [];
  }

  hours(deviceId: string, from: number, until: number): readonly NoiseMinute[] {
    return this.#sensor(deviceId)?.hours(this.#within(from), until) ?? [];
  }

  /**
   * Takes levels that are older off the disk, also those of sensors that are no more.
   * @param before milliseconds since the Unix epoch
   * @returns whether there may be more
   */
  async forgetOlder(before: number): Promise<boolean> {
    const { store } = this.#options;
    const changes = DayRepository.older(store, before);
    if (changes.length > 0) await store.commit(changes);
    return false;
  }

  #within(from: number): number {
    const { clock, levelDays = longestNoiseDays } = this.#options;
    return Math.max(from, clock.wallTime() - levelDays * 24 * hourMs);
  }

  onEpisode(listener: (episode: NoiseEpisode) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** @throws GatewayError `noise_threshold_not_found` */
  #require(noiseThresholdId: string): NoiseThresholdRecord {
    const threshold = this.get(noiseThresholdId);
    if (threshold) return threshold;
    throw new GatewayError(
      'noise_threshold_not_found',
      'This gateway has no noise threshold with that noise_threshold_id; it may have been deleted.',
    );
  }

  #put(threshold: NoiseThresholdRecord): void {
    this.#sensor(threshold.deviceId)?.put(threshold);
    this.#limits.consider(threshold.deviceId);
  }

  /** Undefined for a device that measures no noise, or was not open yet. */
  #sensor(deviceId: string): SensorWatch | undefined {
    const known = this.#sensors.get(deviceId);
    if (known) return known;
    const { registry, clock, store } = this.#options;
    const snapshot = registry.get(deviceId);
    const noise = snapshot?.capabilities.noise;
    if (!noise) return undefined;
    const { averageMs } = snapshot.noiseRules ?? usualRules;
    const sensor = new SensorWatch(clock, { ...noise, averageMs }, new DayRepository(deviceId, this.#options), {
      changed: (threshold, change) => this.#told(threshold, change, noise.metric),
      goesOn: (threshold, episode) => this.#episodes.goesOn(threshold, episode),
    });
    this.#sensors.set(deviceId, sensor);
    for (const threshold of store.read.noiseThresholds(deviceId)) sensor.put(threshold, this.#episodes.left(threshold));
    return sensor;
  }

  #told(threshold: NoiseThresholdRecord, change: EpisodeChange, metric: NoiseMetric): void {
    const { phase, since, level, peak } = change;
    const until = change.phase === 'ended' ? change.until : undefined;
    const episode: NoiseEpisode = { phase, threshold, since, until, level, peak, metric };
    const event = this.#options.events.record(eventOf(episode));
    if (phase === 'began') {
      const lastKnown = this.#options.clock.wallTime();
      this.#episodes.began(threshold, { since, lastKnown, level, peak }, [event]);
    } else this.#episodes.ended(threshold, [event]);
    for (const listener of this.#listeners) listener(episode);
  }
}

const usualName = (decibels: number): string => `${decibels} dB`;

function parseLevel(level: number): Decibels {
  const decibels = Decibels.safeParse(level);
  if (decibels.success) return decibels.data;
  throw new GatewayError('invalid_input', 'noise_threshold_decibels: expected a level from 0 to 194 dB.');
}

function parseSustained(ms: number): number {
  if (ms >= 1_000 && ms <= longestSustainedMs) return ms;
  throw new GatewayError('invalid_input', 'sustained_seconds: expected from 1 s to 900 s (15 minutes).');
}

const noSensor = (name: string) =>
  new GatewayError('unsupported_action', `${name} does not measure noise, so it can have no noise threshold.`);

const notOpen = (name: string) =>
  new GatewayError(
    'unsupported_action',
    `${name} could not be opened since the gateway started, so it is not known what it measures. Look at its health.`,
  );

/** What an episode's beginning and end are called for those who follow events. Levels are in dB, to a tenth. */
function eventOf({ phase, threshold, since, until, level, peak, metric }: NoiseEpisode): EventDraft {
  const { deviceId, noiseThresholdId, name, decibels } = threshold;
  const details = {
    noise_threshold_name: name,
    noise_level_decibels: tenths(level),
    noise_threshold_decibels: decibels,
    peak_decibels: tenths(peak),
    metric,
    started_at: isoTime(since),
  };
  const about = { deviceId, noiseThresholdId };
  return phase === 'began'
    ? { ...about, eventType: 'noise_sensor.noise_threshold_triggered', occurredAt: since, details }
    : {
        ...about,
        eventType: 'strikeplate.noise_sensor.noise_threshold_ended',
        occurredAt: until ?? since,
        details: { ...details, ended_at: isoTime(until ?? since) },
      };
}

/** No sensor here is finer than a tenth of a decibel. */
const tenths = (decibels: number): number => Math.round(decibels * 10) / 10;

const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();
