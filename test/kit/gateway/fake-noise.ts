import { GatewayError, type Unsubscribe } from '../../../src/contract/index.ts';
import type {
  NewNoiseThreshold,
  NoiseMinute,
  NoiseThresholdChange,
  NoiseThresholds,
  Origin,
} from '../../../src/model/gateway.ts';
import type { AttemptRecord, NoiseThresholdRecord } from '../../../src/model/records.ts';
import type { FakeHost } from './fake-access-codes.ts';

const notFound = () => new GatewayError('noise_threshold_not_found', 'There is no such object.');

/** Thresholds that nobody judges, and behave as the port says. */
export class FakeNoise implements NoiseThresholds {
  /** What every sensor heard. */
  heard: readonly NoiseMinute[] = [];
  readonly #host: FakeHost;
  readonly #thresholds = new Map<string, NoiseThresholdRecord>();

  constructor(host: FakeHost) {
    this.#host = host;
  }

  create: NoiseThresholds['create'] = (request, origin) => this.#createThreshold(request, origin);
  update: NoiseThresholds['update'] = (id, change, origin) => this.#updateThreshold(id, change, origin);
  remove: NoiseThresholds['remove'] = (id, origin) => this.#removeThreshold(id, origin);

  get(id: string): NoiseThresholdRecord | undefined {
    return this.#thresholds.get(id);
  }

  list(deviceId?: string): NoiseThresholdRecord[] {
    return [...this.#thresholds.values()].filter(
      (threshold) => (deviceId ?? threshold.deviceId) === threshold.deviceId,
    );
  }

  exceeded(): readonly string[] {
    return [];
  }

  isKeptByDevice(): boolean {
    return false;
  }

  minutes(_deviceId: string, from: number, until: number): readonly NoiseMinute[] {
    return this.heard.filter(({ startsAt }) => startsAt >= from && startsAt < until);
  }

  hours(deviceId: string, from: number, until: number): readonly NoiseMinute[] {
    return this.minutes(deviceId, from, until);
  }

  onEpisode(): Unsubscribe {
    return () => undefined;
  }

  /** What an attempt's end means for its threshold. */
  ended({ actionType, subject, settlement }: AttemptRecord): void {
    if (settlement?.status !== 'success' || subject?.kind !== 'noise_threshold') return;
    if (actionType === 'REMOVE_NOISE_THRESHOLD') this.#thresholds.delete(subject.noiseThresholdId);
  }

  async #createThreshold(request: NewNoiseThreshold, origin: Origin): ReturnType<NoiseThresholds['create']> {
    const device = this.#host.device(request.deviceId);
    if (device.capabilities.noise === undefined)
      throw new GatewayError('unsupported_action', `${device.name} measures no noise.`);
    const [startsDailyAt = '', zone] = request.startsDailyAt.replace(']', '').split('[');
    const threshold: NoiseThresholdRecord = {
      noiseThresholdId: `threshold-${this.#thresholds.size + 1}`,
      deviceId: device.deviceId,
      name: request.name ?? 'Noise',
      startsDailyAt,
      endsDailyAt: request.endsDailyAt.split('[')[0] ?? '',
      timeZone: zone ?? device.timeZone,
      decibels: request.decibels,
      sustainedMs: request.sustainedMs ?? 60_000,
      createdAt: this.#host.clock.wallTime(),
    };
    const subject = { kind: 'noise_threshold', noiseThresholdId: threshold.noiseThresholdId } as const;
    const attempt = await this.#host.accept('CREATE_NOISE_THRESHOLD', device.deviceId, subject, origin, () =>
      this.#thresholds.set(threshold.noiseThresholdId, threshold),
    );
    return { attempt, threshold };
  }

  async #updateThreshold(id: string, change: NoiseThresholdChange, origin: Origin): Promise<AttemptRecord> {
    const before = this.#thresholds.get(id);
    if (before === undefined) throw notFound();
    const { name, decibels, sustainedMs } = change;
    const threshold: NoiseThresholdRecord = {
      ...before,
      name: name ?? before.name,
      decibels: decibels ?? before.decibels,
      sustainedMs: sustainedMs ?? before.sustainedMs,
      startsDailyAt: change.startsDailyAt?.split('[')[0] ?? before.startsDailyAt,
      endsDailyAt: change.endsDailyAt?.split('[')[0] ?? before.endsDailyAt,
    };
    const subject = { kind: 'noise_threshold', noiseThresholdId: id } as const;
    return this.#host.accept('UPDATE_NOISE_THRESHOLD', before.deviceId, subject, origin, () =>
      this.#thresholds.set(id, threshold),
    );
  }

  async #removeThreshold(id: string, origin: Origin): Promise<AttemptRecord> {
    const threshold = this.#thresholds.get(id);
    if (threshold === undefined) throw notFound();
    const subject = { kind: 'noise_threshold', noiseThresholdId: id } as const;
    return this.#host.accept('REMOVE_NOISE_THRESHOLD', threshold.deviceId, subject, origin);
  }
}
