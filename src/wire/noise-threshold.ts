import { z } from 'zod';
import type { NoiseMinute } from '../model/gateway.ts';
import type { NoiseThresholdRecord } from '../model/records.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

export const noiseThresholdSchema = onceAsked(() =>
  z
    .object({
      noise_threshold_id: z.string(),
      device_id: z.string(),
      name: z.string(),
      starts_daily_at: z.string().describe('HH:mm:ss[Region/City]'),
      ends_daily_at: z.string().describe('HH:mm:ss[Region/City]'),
      noise_threshold_decibels: z.number(),
      sustained_seconds: z.number().describe('How long the level must be exceeded before an event says so.'),
      kept_by: z
        .enum(['gateway', 'device'])
        .describe(
          '`device`: the sensor was seen to hold this limit as well, for what it shows by itself. ' +
            'Hours, duration and events are the gateway’s in either case.',
        ),
    })
    .meta({ id: 'noise_threshold' }),
);

export type WireNoiseThreshold = z.output<ReturnType<typeof noiseThresholdSchema>>;

export function wireNoiseThreshold(threshold: NoiseThresholdRecord, isKeptByDevice: boolean): WireNoiseThreshold {
  return {
    noise_threshold_id: threshold.noiseThresholdId,
    device_id: threshold.deviceId,
    name: threshold.name,
    starts_daily_at: `${threshold.startsDailyAt}[${threshold.timeZone}]`,
    ends_daily_at: `${threshold.endsDailyAt}[${threshold.timeZone}]`,
    noise_threshold_decibels: threshold.decibels,
    sustained_seconds: threshold.sustainedMs / 1_000,
    kept_by: isKeptByDevice ? 'device' : 'gateway',
  };
}

/** Our own addition: one minute of a sensor. */
export const noiseLevelSchema = onceAsked(() =>
  z
    .object({
      starts_at: z.string(),
      average_decibels: z.number().describe('Energy average over what is known of the minute.'),
      highest_decibels: z.number().describe('The highest sample.'),
      known_seconds: z
        .number()
        .describe('How much of the minute is known. What is missing was not heard: it is not quiet.'),
    })
    .meta({ id: 'noise_level' }),
);

/** No sensor here is finer than a tenth of a decibel. */
const tenths = (value: number): number => Math.round(value * 10) / 10;

export const wireNoiseLevel = ({
  startsAt,
  level,
  highest,
  knownMs,
}: NoiseMinute): z.output<ReturnType<typeof noiseLevelSchema>> => ({
  starts_at: isoTime(startsAt),
  average_decibels: tenths(level),
  highest_decibels: tenths(highest),
  known_seconds: tenths(knownMs / 1_000),
});
