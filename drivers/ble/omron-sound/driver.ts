import { z } from 'zod';
import {
  type BleLink,
  Decibels,
  type DeviceReport,
  defineDriver,
  GatewayError,
  type Health,
  type OpenContext,
  type Timer,
} from '../../../src/contract/index.ts';
import { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import { names, paths, SENSOR_SERVICE } from './catalogue.ts';
import { isLevel, readBatteryLow, readBroadcastNoise, readLatest } from './codec.ts';
import { type SensorAccess, understood, writeLimit } from './threshold.ts';

export const settings = z.strictObject({
  levels: z
    .enum(['read', 'broadcast'])
    .default('read')
    .describe(
      'How levels are had: read over a connection, or heard in the sensor’s broadcasts, which it sends in its mode ' +
        '"IM". Broadcasts cost no connection; their layout is unverified on hardware.',
    ),
  interval_s: z
    .int()
    .min(5)
    .max(600)
    .default(15)
    .describe('Seconds between two levels. A read occupies the adapter for about half a second.'),
});

type OmronSettings = z.output<typeof settings>;

export const omronSound = defineDriver({
  id: 'ble/omron-sound',
  title: 'OMRON 2JCIE-BL01 environment sensor: sound',
  link: 'ble',
  settings,
  describe: () => ({ deviceType: 'ble_noise_sensor', manufacturer: 'OMRON', model: '2JCIE-BL01' }),
  recognise: ({ localName, manufacturerData }) => {
    if (!names.has(localName ?? '')) return undefined;
    const broadcasts = readBroadcastNoise(manufacturerData) !== undefined;
    return {
      what: 'OMRON 2JCIE-BL01 environment sensor',
      ...(broadcasts && { note: 'broadcasts its data' }),
      settings: broadcasts ? { levels: 'broadcast' } : {},
    };
  },
  open: async (link, chosen, ctx) => {
    const watch = new Watch(link, chosen, ctx, ctx.closing);
    const sensor: SensorAccess = { link, deviceName: ctx.name, clock: ctx.clock, closing: ctx.closing };
    return {
      noise: {
        metric: 'dB',
        // A read that fails is made good by the next.
        expectedIntervalMs: 2 * chosen.interval_s * 1_000,
        setThreshold: (command, { level }) => writeLimit(sensor, command, level),
        clearThreshold: (command) => writeLimit(sensor, command, undefined),
      },
      close: async () => watch.close(),
    };
  },
});

/** So many levels must be missing before the sensor counts as offline. A guess. */
const MISSING = 3;

/** Takes the sensor's levels, one way or the other, and tells how it is. */
class Watch {
  readonly #link: BleLink;
  readonly #settings: OmronSettings;
  readonly #ctx: OpenContext;
  readonly #closing: AbortSignal;
  readonly #unsubscribe: readonly (() => void)[];
  readonly #intervalMs: number;
  readonly #book: EvidenceBook;
  #timer: Timer | undefined;
  #missing = 0;
  /** Heard since the last new level: the sensor is there, and has measured nothing. */
  #repeats = 0;
  #told = '';

  constructor(link: BleLink, settings: OmronSettings, ctx: OpenContext, closing: AbortSignal) {
    this.#link = link;
    this.#settings = settings;
    this.#ctx = ctx;
    this.#closing = closing;
    this.#book = new EvidenceBook({ clock: ctx.clock, closing, lateByMs: 0 });
    this.#intervalMs = settings.interval_s * 1_000;
    this.#unsubscribe = [
      link.onStateChange(() => this.#onLinkState()),
      ...(settings.levels === 'broadcast'
        ? [
            link.onAdvertisement(({ manufacturerData }) =>
              this.#heard(readBroadcastNoise(manufacturerData), manufacturerData),
            ),
          ]
        : []),
    ];
    this.#next(ctx.random() * this.#intervalMs);
    this.#onLinkState();
  }

  close(): void {
    this.#timer?.cancel();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #next(ms: number): void {
    this.#timer?.cancel();
    if (!this.#closing.aborted) this.#timer = this.#ctx.clock.setTimer(() => void this.#take(), ms);
  }

  #onLinkState(): void {
    const { state } = this.#link;
    if (state.status === 'down') this.#health({ status: 'offline', reason: 'link_down', hint: state.hint });
    else if (this.#told.includes('link_down')) this.#next(0);
  }

  async #take(): Promise<void> {
    const { clock } = this.#ctx;
    const began = clock.now();
    this.#missing += 1;
    try {
      if (this.#settings.levels === 'read') await this.#read();
    } catch (error) {
      this.#failed(error);
    }
    if (this.#missing > MISSING && this.#link.state.status === 'up') this.#silent();
    this.#next(Math.max(0, this.#intervalMs - (clock.now() - began)));
  }

  async #read(): Promise<void> {
    const { name } = this.#ctx;
    const session = { priority: 'poll', signal: this.#closing, services: [SENSOR_SERVICE] } as const;
    await this.#link.session(session, async (gatt) => {
      const latest = await gatt.read(paths.latest);
      this.#heard(understood(name, () => readLatest(latest)).noise, latest);
      const flags = await gatt.read(paths.flags);
      this.#report({ kind: 'battery', level: undefined, low: understood(name, () => readBatteryLow(flags)) });
    });
  }

  /** @param message what the level stands in: the sensor numbers its measurements, and tells each as often as it is heard */
  #heard(noise: number | undefined, message: Buffer | undefined): void {
    if (noise === undefined || message === undefined || this.#closing.aborted) return;
    const claim = { about: 'measurement', value: message.toString('hex'), at: this.#ctx.clock.now() };
    const isNew = this.#book.isNewSample(claim, Number.POSITIVE_INFINITY);
    this.#book.told(claim);
    if (!isNew) {
      this.#repeats += 1;
      return;
    }
    const level = Decibels.safeParse(noise);
    if (!level.success || !isLevel(noise)) return;
    this.#missing = 0;
    this.#repeats = 0;
    this.#health({ status: 'online' });
    this.#report({ kind: 'noise', level: level.data, metric: 'dB' });
  }

  #silent(): void {
    this.#health(
      this.#repeats > 0
        ? {
            status: 'offline',
            reason: 'not_answering',
            hint:
              'The sensor tells the same measurement again and again. Set its measurement interval to that of the ' +
              'gateway (interval_s) or less; if it is so, take its battery out for a moment.',
          }
        : {
            status: 'offline',
            reason: 'out_of_range',
            hint: 'The sensor is not heard over Bluetooth. Check its battery, and that the gateway is near enough.',
          },
    );
  }

  #failed(error: unknown): void {
    if (!(error instanceof GatewayError)) return;
    this.#ctx.log.debug({ why: error.message }, 'the sensor could not be read');
    if (error.type === 'misconfigured')
      this.#health({ status: 'misconfigured', reason: 'unsupported_device', hint: error.message });
  }

  #health(health: Health): void {
    const text = JSON.stringify(health);
    if (text === this.#told) return;
    this.#told = text;
    this.#report({ kind: 'health', health });
  }

  #report(report: DeviceReport): void {
    if (!this.#closing.aborted) this.#ctx.report(report);
  }
}
