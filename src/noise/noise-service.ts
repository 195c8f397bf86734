import type { Dispatcher } from '../attempts/dispatcher.ts';
import { Removals } from '../attempts/removals.ts';
import { type Clock, Decibels, GatewayError, type Unsubscribe } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { Attempts, NewNoiseThreshold, NoiseEpisode, NoiseThresholds, Origin } from '../gateway/ports.ts';
import type { AttemptRecord, NoiseThresholdRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { parseDailyWindow } from './daily-window.ts';
import { SensorWatch } from './sensor-watch.ts';

/** How long a level must stay above a threshold, in milliseconds: one slammed door is no party. */
const sustainedMs = 60_000;

export interface NoiseServiceOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly registry: DeviceRegistry;
  readonly dispatcher: Dispatcher;
  readonly attempts: Attempts;
  /** UUIDv7 */
  readonly newId: () => string;
}

/** Noise thresholds, judged by the gateway itself on the levels that sensors report. */
export class NoiseService implements NoiseThresholds {
  readonly #options: NoiseServiceOptions;
  readonly #sensors = new Map<string, SensorWatch>();
  readonly #listeners = new Set<(episode: NoiseEpisode) => void>();
  readonly #removals: Removals;
  readonly #unsubscribe: Unsubscribe;

  constructor(options: NoiseServiceOptions) {
    this.#options = options;
    this.#removals = new Removals(options.store, 'REMOVE_NOISE_THRESHOLD');
    this.#unsubscribe = options.registry.onReport(({ deviceId }, report) => {
      if (report.kind === 'noise') this.#sensor(deviceId)?.heard(report.level);
    });
  }

  /** Takes up the thresholds on disk. Call it once the devices are open. */
  start(): void {
    for (const threshold of this.#options.store.noiseThresholds()) this.#sensor(threshold.deviceId)?.put(threshold);
  }

  close(): void {
    this.#unsubscribe();
    for (const sensor of this.#sensors.values()) sensor.close();
  }

  async create(request: NewNoiseThreshold, origin: Origin) {
    const { registry, dispatcher, newId, clock } = this.#options;
    const { deviceId } = request;
    const device = registry.require(deviceId);
    const { name, timeZone, capabilities } = device.snapshot;
    if (!capabilities.noise) throw noSensor(name);
    const decibels = Decibels.safeParse(request.decibels);
    if (!decibels.success) {
      throw new GatewayError('invalid_input', 'noise_threshold_decibels: expected a level from 0 to 194 dB.');
    }
    const noiseThresholdId = newId();
    const threshold: NoiseThresholdRecord = {
      noiseThresholdId,
      deviceId,
      name: request.name ?? `${request.decibels} dB`,
      ...parseDailyWindow(request.startsDailyAt, request.endsDailyAt, timeZone),
      decibels: decibels.data,
      sustainedMs,
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
    this.#sensor(deviceId)?.put(threshold);
    return { attempt, threshold };
  }

  async remove(noiseThresholdId: string, origin: Origin): Promise<AttemptRecord> {
    const threshold = this.get(noiseThresholdId);
    const removal = this.#options.attempts.get(this.#removals.of(noiseThresholdId) ?? '');
    if (!threshold && removal) return this.#options.dispatcher.join(removal, origin);
    if (!threshold) {
      throw new GatewayError(
        'noise_threshold_not_found',
        `There is no noise threshold ${noiseThresholdId}; it may have been deleted.`,
      );
    }
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
    return attempt;
  }

  get(noiseThresholdId: string): NoiseThresholdRecord | undefined {
    return this.#options.store.noiseThreshold(noiseThresholdId);
  }

  list(deviceId?: string): NoiseThresholdRecord[] {
    return this.#options.store.noiseThresholds(deviceId);
  }

  exceeded(deviceId: string): readonly string[] {
    return this.#sensors.get(deviceId)?.exceeded ?? [];
  }

  onEpisode(listener: (episode: NoiseEpisode) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Undefined for a device that measures no noise, or not any more. */
  #sensor(deviceId: string): SensorWatch | undefined {
    const known = this.#sensors.get(deviceId);
    if (known) return known;
    const noise = this.#options.registry.get(deviceId)?.capabilities.noise;
    if (!noise) return undefined;
    const sensor = new SensorWatch(this.#options.clock, noise, (episode) => {
      for (const listener of this.#listeners) listener(episode);
    });
    this.#sensors.set(deviceId, sensor);
    return sensor;
  }
}

const noSensor = (name: string) =>
  new GatewayError('unsupported_action', `${name} does not measure noise, so it can have no noise threshold.`);
