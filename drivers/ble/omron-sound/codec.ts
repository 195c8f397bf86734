import { COMPANY } from './catalogue.ts';

/** Bytes that are none of the sensor's: too short, or meant for somebody else. */
export class OmronFrameError extends Error {
  override readonly name = 'OmronFrameError';
}

export interface LatestData {
  /** dB */
  readonly noise: number;
  readonly batteryMillivolts: number;
}

const LATEST_LENGTH = 19;
const FLAGS_LENGTH = 9;
const SETTINGS_LENGTH = 15;
const UPPER_LIMIT_BIT = 1 << 4;

/** Row, temperature, humidity, light, UV and pressure come before the noise. */
export function readLatest(bytes: Buffer): LatestData {
  if (bytes.length < LATEST_LENGTH) throw new OmronFrameError(`latest data of ${bytes.length} bytes`);
  return { noise: bytes.readInt16LE(11) / 100, batteryMillivolts: bytes.readUInt16LE(17) };
}

/** The last byte of the event flags: bit 0, the battery is low. */
export function readBatteryLow(bytes: Buffer): boolean {
  if (bytes.length < FLAGS_LENGTH) throw new OmronFrameError(`event flags of ${bytes.length} bytes`);
  return (bytes.readUInt8(8) & 1) === 1;
}

export interface SoundSettings {
  readonly upperLimitEnabled: boolean;
  /** dB */
  readonly upperLimit: number;
}

export function readSoundSettings(bytes: Buffer): SoundSettings {
  if (bytes.length < SETTINGS_LENGTH) throw new OmronFrameError(`sound settings of ${bytes.length} bytes`);
  return {
    upperLimitEnabled: (bytes.readUInt8(0) & UPPER_LIMIT_BIT) !== 0,
    upperLimit: bytes.readInt16LE(9) / 100,
  };
}

/** The same settings with another upper limit, or with none; everything else stays as somebody set it. */
export function withUpperLimit(bytes: Buffer, limit: number | undefined): Buffer {
  readSoundSettings(bytes);
  const changed = Buffer.from(bytes);
  const enabled = bytes.readUInt8(0);
  changed.writeUInt8(limit === undefined ? enabled & ~UPPER_LIMIT_BIT : enabled | UPPER_LIMIT_BIT, 0);
  if (limit !== undefined) changed.writeInt16LE(Math.round(limit * 100), 9);
  return changed;
}

/**
 * The noise in a general broadcast: sequence, temperature, humidity, light, UV, pressure, noise. The order was inferred
 * from a damaged table and agrees with the latest data's.
 * @param manufacturerData with the two bytes of the company first
 * @returns dB, or undefined for a broadcast of another kind
 */
export function readBroadcastNoise(manufacturerData: Buffer | undefined): number | undefined {
  if (manufacturerData === undefined || manufacturerData.length < 22) return undefined;
  return manufacturerData.readUInt16LE(0) === COMPANY ? manufacturerData.readInt16LE(13) / 100 : undefined;
}

/** What the sensor is built to hear, in dB, with room on both sides: 37 to 89. Anything else is no level. */
const HEARD = { from: 20, to: 130 } as const;

/** Whether a number is a level: before its first measurement, and at a fault, the sensor gives others. */
export const isLevel = (noise: number): boolean => noise >= HEARD.from && noise <= HEARD.to;

/** As it is written: the sensor counts in steps of 0.01 dB. */
export const inSteps = (limit: number): number => Math.round(limit * 100) / 100;
