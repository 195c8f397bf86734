import type { Clock, Timer } from '../contract/index.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import { isoTime } from '../wire/iso-time.ts';
import type { Outbox } from './outbox.ts';
import { type TopicTree, topicRules } from './topics.ts';

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
