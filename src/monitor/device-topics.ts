import { type Clock, type Timer, tellsOfBolt } from '../contract/index.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { Gateway } from '../model/gateway.ts';
import { isoTime } from '../wire/iso-time.ts';
import type { Outbox, RetainedTopic } from './outbox.ts';
import { type TopicTree, topicRules } from './topics.ts';

/** What a device has shown to have since the gateway started: from then on it is told, unknown or not. */
export interface Shown {
  readonly battery: boolean;
  readonly door: boolean;
}

/** How one device is, as two retained topics. */
export class DeviceTopics {
  readonly state: RetainedTopic;
  readonly availability: RetainedTopic;
  readonly #gateway: Pick<Gateway, 'devices' | 'noise'>;
  readonly #clock: Clock;
  readonly #deviceId: string;
  #shown: Shown = { battery: false, door: false };
  #body = '';
  #text: string | undefined;

  constructor(deviceId: string, gateway: Gateway, tree: TopicTree) {
    this.#gateway = gateway;
    this.#clock = gateway.clock;
    this.#deviceId = deviceId;
    this.state = {
      topic: tree.deviceState(deviceId),
      rule: topicRules.deviceState,
      render: () => this.#renderState(),
    };
    this.availability = {
      topic: tree.availability(deviceId),
      rule: topicRules.availability,
      render: () => (this.snapshot?.health.status === 'online' ? 'online' : 'offline'),
    };
  }

  get snapshot(): DeviceSnapshot | undefined {
    return this.#gateway.devices.get(this.#deviceId);
  }

  /** What the device has shown to have, as of `snapshot`. The same object while nothing is new. */
  shown(snapshot: DeviceSnapshot): Shown {
    const battery = this.#shown.battery || snapshot.battery !== undefined;
    const door = this.#shown.door || snapshot.door !== 'unknown';
    if (battery !== this.#shown.battery || door !== this.#shown.door) this.#shown = { battery, door };
    return this.#shown;
  }

  /** The same text, with the time of the change, until something changed. */
  #renderState(): string | undefined {
    const { snapshot } = this;
    if (snapshot === undefined) return undefined;
    const exceeded = snapshot.capabilities.noise ? this.#gateway.noise.exceeded(this.#deviceId) : [];
    const limits = snapshot.capabilities.noise ? this.#gateway.noise.list(this.#deviceId) : [];
    const byId = Object.fromEntries(limits.map(({ noiseThresholdId, decibels }) => [noiseThresholdId, decibels]));
    const body = JSON.stringify(deviceState(snapshot, this.shown(snapshot), exceeded, byId)).slice(0, -1);
    if (body !== this.#body) {
      this.#body = body;
      this.#text = `${body}${body === '{' ? '' : ','}"ts":"${isoTime(this.#clock.wallTime())}"}`;
    }
    return this.#text;
  }
}

/**
 * A device's state without its time. What it never had is left out; what is not known is `unknown`, never null.
 * `locked` is a claim about the bolt: what sees no bolt does not make it.
 */
export function deviceState(
  device: DeviceSnapshot,
  shown: Shown,
  exceeded: readonly string[],
  /** In dB, by id. */
  limits: Readonly<Record<string, number>> = {},
): Readonly<Record<string, unknown>> {
  const { lock, noise } = device.capabilities;
  const { lockState } = device;
  const boltSeen = tellsOfBolt(lock?.observes) && (lockState === 'locked' || lockState === 'unlocked');
  return {
    // A device that could not be opened yet has told nothing, not even what it is.
    ...(lock === undefined && noise !== undefined
      ? {}
      : { locked: boltSeen ? lockState === 'locked' : 'unknown', state: lockState }),
    ...(shown.battery
      ? { battery: device.battery?.level ?? 'unknown', battery_low: device.battery?.low ?? 'unknown' }
      : {}),
    ...(lock === undefined ? {} : { changed_by: device.changedBy ?? 'unknown' }),
    ...(lock === undefined || lock.observes === 'bolt' ? {} : { observes: lock.observes }),
    ...(shown.door ? { door: device.door } : {}),
    ...(noise === undefined
      ? {}
      : { noise_exceeded: exceeded.length > 0, exceeded_noise_threshold_ids: exceeded, noise_thresholds: limits }),
    ...(device.outOfService ? { out_of_service: true } : {}),
  };
}

/** A level is told at most this often per sensor, in milliseconds; the latest wins. */
const LEVEL_EVERY_MS = 1_000;

type Level = NonNullable<DeviceSnapshot['noise']>;

interface Sensor {
  /** `Clock.now()` */
  toldAt: number;
  waiting: { readonly timer: Timer; level: Level } | undefined;
}

/** The levels of noise sensors. */
export class NoiseTopics {
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #tree: TopicTree;
  readonly #sensors = new Map<string, Sensor>();

  constructor(clock: Clock, outbox: Outbox, tree: TopicTree) {
    this.#clock = clock;
    this.#outbox = outbox;
    this.#tree = tree;
  }

  level(deviceId: string, level: Level): void {
    const now = this.#clock.now();
    const sensor = this.#sensors.get(deviceId);
    if (sensor === undefined || now - sensor.toldAt >= LEVEL_EVERY_MS) {
      this.#tell(deviceId, level);
    } else if (sensor.waiting) {
      sensor.waiting.level = level;
    } else {
      const timer = this.#clock.setTimer(
        () => this.#tell(deviceId, sensor.waiting?.level ?? level),
        sensor.toldAt + LEVEL_EVERY_MS - now,
      );
      sensor.waiting = { timer, level };
    }
  }

  close(): void {
    for (const { waiting } of this.#sensors.values()) waiting?.timer.cancel();
  }

  #tell(deviceId: string, { level, metric, at }: Level): void {
    this.#sensors.get(deviceId)?.waiting?.timer.cancel();
    this.#sensors.set(deviceId, { toldAt: this.#clock.now(), waiting: undefined });
    const topic = this.#tree.noiseLevel(deviceId);
    this.#outbox.happened(`level ${deviceId}`, () =>
      this.#outbox.say(
        topic,
        topicRules.noiseLevel,
        JSON.stringify({ level_db: tenths(level), metric, ts: isoTime(at) }),
      ),
    );
  }
}

/** No sensor here is finer than a tenth of a decibel. */
const tenths = (decibels: number): number => Math.round(decibels * 10) / 10;
