import { z } from 'zod';
import type { NewNoiseThreshold, NoiseThresholdChange } from '../../model/gateway.ts';
import { oneLine } from '../plain-parameters.ts';
import { syncParameter } from './sync-parameter.ts';

const timeOfDay = z
  .string()
  .describe('HH:mm:ss, with an IANA zone in brackets if it is not the device’s own: 22:00:00[Europe/Zurich].');

const sustainedSeconds = z
  .number()
  .min(1)
  .max(900)
  .optional()
  .describe('Our own: how long the level must be exceeded before an event says so; as configured unless given.');

const noRiskScore = {
  path: ['noise_threshold_nrs'],
  message: 'Sensors here measure decibels and no risk score: give noise_threshold_decibels',
};

const name = oneLine.min(1).max(200).optional();

export const newThreshold = z
  .strictObject({
    device_id: z.string(),
    name,
    starts_daily_at: timeOfDay,
    ends_daily_at: timeOfDay,
    noise_threshold_decibels: z.number().optional(),
    noise_threshold_nrs: z.number().optional(),
    sustained_seconds: sustainedSeconds,
    ...syncParameter,
  })
  .refine(
    (params) => (params.noise_threshold_decibels === undefined) !== (params.noise_threshold_nrs === undefined),
    'Give exactly one of noise_threshold_decibels and noise_threshold_nrs',
  )
  .refine(({ noise_threshold_nrs }) => noise_threshold_nrs === undefined, noRiskScore);

export const changedThreshold = z
  .strictObject({
    device_id: z.string().optional(),
    noise_threshold_id: z.string(),
    name,
    starts_daily_at: timeOfDay.optional(),
    ends_daily_at: timeOfDay.optional(),
    noise_threshold_decibels: z.number().optional(),
    noise_threshold_nrs: z.number().optional(),
    sustained_seconds: sustainedSeconds,
    ...syncParameter,
  })
  .refine(
    (params) => (params.starts_daily_at === undefined) === (params.ends_daily_at === undefined),
    'Give both of starts_daily_at and ends_daily_at, or neither',
  )
  .refine(({ noise_threshold_nrs }) => noise_threshold_nrs === undefined, noRiskScore);

export function newThresholdFrom(params: z.output<typeof newThreshold>): NewNoiseThreshold {
  return {
    deviceId: params.device_id,
    ...(params.name === undefined ? {} : { name: params.name }),
    startsDailyAt: params.starts_daily_at,
    endsDailyAt: params.ends_daily_at,
    decibels: params.noise_threshold_decibels ?? Number.NaN,
    ...(params.sustained_seconds === undefined ? {} : { sustainedMs: params.sustained_seconds * 1_000 }),
  };
}

export function thresholdChangeFrom(params: z.output<typeof changedThreshold>): NoiseThresholdChange {
  const { starts_daily_at, ends_daily_at, noise_threshold_decibels } = params;
  return {
    ...(params.name === undefined ? {} : { name: params.name }),
    ...(starts_daily_at === undefined ? {} : { startsDailyAt: starts_daily_at }),
    ...(ends_daily_at === undefined ? {} : { endsDailyAt: ends_daily_at }),
    ...(noise_threshold_decibels === undefined ? {} : { decibels: noise_threshold_decibels }),
    ...(params.sustained_seconds === undefined ? {} : { sustainedMs: params.sustained_seconds * 1_000 }),
  };
}
