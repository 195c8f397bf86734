import { z } from 'zod';
import {
  type BleLink,
  type Clock,
  type CommandContext,
  Decibels,
  type DeviceReport,
  defineDriver,
  GatewayError,
  type GattSession,
  type Health,
  type OpenContext,
  type Timer,
} from '../../../src/contract/index.ts';
import { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import type { Claim, Plan, Traits } from '../../../src/driver-kit/evidence/claims.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { LIMIT_RANGE, names, paths, SENSOR_SERVICE, SETTING_SERVICE } from './catalogue.ts';
import {
  inSteps,
  isLevel,
  OmronFrameError,
  readBatteryLow,
  readBroadcastNoise,
  readLatest,
  readSoundSettings,
  withUpperLimit,
} from './codec.ts';

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
    const watch = new OmronWatch(link, chosen, ctx, ctx.closing);
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
class OmronWatch {
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

/** A GATT read answers its own question, and a write with response is acknowledged by the sensor. */
const traits: Traits = {
  answers: 'correlated',
  lateByMs: 0,
  oldByMs: 0,
  acknowledgedBy: 'device',
  tellsChanges: false,
  echoes: false,
};

/** A setting is there once it was written. Without an answer it is looked for again. Guesses. */
const plan: Plan = {
  firstAskMs: 3_000,
  betweenMs: 2_000,
  longestBetweenMs: 4_000,
  patienceMs: 3_000,
  travelMs: 0,
  halfWayMs: 0,
  witnessMs: 0,
  reasonMs: 0,
  knownForMs: 10_000,
  earlyUntil: Number.POSITIVE_INFINITY,
};

/** The truth is told this long before the deadline, so that it is not overtaken by the abort. A guess. */
const MARGIN_MS = 1_000;

export interface SensorAccess {
  readonly link: BleLink;
  readonly deviceName: string;
  readonly clock: Clock;
  readonly closing: AbortSignal;
}

/**
 * Writes the sensor's one upper limit, or switches it off, and reads it back.
 * @throws GatewayError `device_rejected` for a limit the sensor does not take, `state_not_reached` when it holds another
 * afterwards, and what the link throws
 */
export async function writeLimit(
  { link, deviceName, clock, closing }: SensorAccess,
  ctx: CommandContext,
  limit: number | undefined,
): Promise<void> {
  if (limit !== undefined && (limit < LIMIT_RANGE.lowest || limit > LIMIT_RANGE.highest))
    throw new GatewayError(
      'device_rejected',
      `${deviceName} takes limits from ${LIMIT_RANGE.lowest} to ${LIMIT_RANGE.highest} dB. Choose one of these.`,
      { delivery: 'not_sent' },
    );
  const wanted = placeOf(limit !== undefined, limit ?? 0);
  const book = new EvidenceBook({ clock, closing, lateByMs: 0 });
  const session = <T>(signal: AbortSignal, by: number, use: (gatt: GattSession) => Promise<T>) =>
    underSignals([signal, closing], (either) =>
      link.session({ priority: 'code', signal: either, by, services: [SETTING_SERVICE] }, use),
    );
  const look = async (gatt: GattSession): Promise<readonly Claim[]> => {
    const settings = await gatt.read(paths.soundSettings);
    const { upperLimitEnabled, upperLimit } = understood(deviceName, () => readSoundSettings(settings));
    return [{ about: 'limit', value: placeOf(upperLimitEnabled, upperLimit), at: clock.now() }];
  };
  const verdict = await book
    .judge({
      ...{ traits, plan, ctx, marginMs: MARGIN_MS, goal: { proof: [{ about: 'limit', value: wanted }] } },
      send: (observe, said) =>
        session(ctx.signal, ctx.sendBy, async (gatt) => {
          const before = await gatt.read(paths.soundSettings);
          const changed = understood(deviceName, () => withUpperLimit(before, limit));
          if (changed.equals(before)) throw new AsItWas();
          await gatt.command(observedPermit(await ctx.pointOfNoReturn(), observe), paths.soundSettings, changed);
          said({ said: 'acknowledged', at: clock.now() });
        }).then(() => book.reachable()),
      ask: (_about, signal) => session(signal, ctx.deadline - MARGIN_MS, look),
    })
    .catch((error: unknown) => {
      if (!(error instanceof AsItWas)) throw error;
      return undefined;
    });
  if (verdict === undefined || verdict.end === 'confirmed' || verdict.end === 'unconfirmed') return;
  throw verdict.end === 'not_reached'
    ? new GatewayError('state_not_reached', `${deviceName} was given a noise limit, and holds another when it is read.`)
    : new GatewayError(
        'outcome_unknown',
        `${deviceName} was given a noise limit, and could not be read afterwards: which one it holds is not known.`,
      );
}

/** Nothing has to be sent. */
class AsItWas extends Error {
  override readonly name = 'AsItWas';
}

const placeOf = (isEnabled: boolean, limit: number): string => (isEnabled ? inSteps(limit).toFixed(2) : 'off');

/** @throws GatewayError `misconfigured` for bytes that are no such sensor's */
export function understood<T>(deviceName: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof OmronFrameError)) throw cause;
    throw new GatewayError(
      'misconfigured',
      `${deviceName} answered with ${cause.message}: it is no OMRON 2JCIE-BL01. Check its address.`,
      { cause },
    );
  }
}
