import { z } from 'zod';
import type { NoiseThresholdRecord } from '../store/records.ts';

export const noiseThresholdSchema = z
  .object({
    noise_threshold_id: z.string(),
    device_id: z.string(),
    name: z.string(),
    starts_daily_at: z.string().describe('HH:mm:ss[Region/City]'),
    ends_daily_at: z.string().describe('HH:mm:ss[Region/City]'),
    noise_threshold_decibels: z.number(),
  })
  .meta({ id: 'noise_threshold' });

export type WireNoiseThreshold = z.output<typeof noiseThresholdSchema>;

export function wireNoiseThreshold(threshold: NoiseThresholdRecord): WireNoiseThreshold {
  return {
    noise_threshold_id: threshold.noiseThresholdId,
    device_id: threshold.deviceId,
    name: threshold.name,
    starts_daily_at: `${threshold.startsDailyAt}[${threshold.timeZone}]`,
    ends_daily_at: `${threshold.endsDailyAt}[${threshold.timeZone}]`,
    noise_threshold_decibels: threshold.decibels,
  };
}
