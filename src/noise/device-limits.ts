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
  type Timer,
} from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { Attempts } from '../model/gateway.ts';
import type { AttemptRecord, NoiseThresholdRecord } from '../model/records.ts';
import type { Store } from '../model/store.ts';

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
