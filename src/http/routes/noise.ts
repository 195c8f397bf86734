import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { Gateway } from '../../gateway/ports.ts';
import { actionAttemptSchema } from '../../wire/action-attempt.ts';
import type { Answers } from '../../wire/answers.ts';
import { deviceSchema } from '../../wire/device.ts';
import { noiseThresholdSchema, wireNoiseThreshold } from '../../wire/noise-threshold.ts';
import { deviceFilters, selectDevices } from '../device-selection.ts';
import { commandRoute, type Route, readRoute } from '../route.ts';
import { findDevice } from './devices.ts';
import { syncParameter } from './sync-parameter.ts';

const timeOfDay = z
  .string()
  .describe('HH:mm:ss, with an IANA zone in brackets if it is not the device’s own: 22:00:00[Europe/Zurich].');

const newThreshold = z
  .strictObject({
    device_id: z.string(),
    name: z.string().min(1).max(200).optional(),
    starts_daily_at: timeOfDay,
    ends_daily_at: timeOfDay,
    noise_threshold_decibels: z.number().optional(),
    noise_threshold_nrs: z.number().optional(),
    ...syncParameter,
  })
  .refine(
    (params) => (params.noise_threshold_decibels === undefined) !== (params.noise_threshold_nrs === undefined),
    'Give exactly one of noise_threshold_decibels and noise_threshold_nrs',
  )
  .refine(({ noise_threshold_nrs }) => noise_threshold_nrs === undefined, {
    path: ['noise_threshold_nrs'],
    message: 'Sensors here measure decibels and no risk score: give noise_threshold_decibels',
  });

const noSuchThreshold = () =>
  new GatewayError('noise_threshold_not_found', 'There is no such noise threshold at this gateway.');

export function noiseRoutes(gateway: Gateway, answers: Answers): Route[] {
  const { noise } = gateway;
  return [
    readRoute({
      path: '/noise_sensors/list',
      summary: 'List noise sensors',
      scopes: ['read'],
      params: z.object({ ...deviceFilters, limit: z.number().int().min(1).optional() }),
      answer: z.object({ noise_sensors: z.array(deviceSchema), devices: z.array(deviceSchema) }),
      respond: (params) => {
        const sensors = selectDevices(gateway.devices.list(), params, gateway.identity.workspaceId)
          .filter((device) => device.capabilities.noise !== undefined)
          .slice(0, params.limit)
          .map((device) => answers.device(device));
        return { noise_sensors: sensors, devices: sensors };
      },
    }),
    commandRoute('create', {
      path: '/noise_sensors/noise_thresholds/create',
      summary: 'Watch a noise sensor for a level within daily hours',
      scopes: ['control'],
      params: newThreshold,
      answer: z.object({ noise_threshold: noiseThresholdSchema.nullable(), action_attempt: actionAttemptSchema }),
      accept: async (params, origin) => {
        const { device_id, name, starts_daily_at, ends_daily_at, noise_threshold_decibels } = params;
        const request = {
          deviceId: device_id,
          ...(name === undefined ? {} : { name }),
          startsDailyAt: starts_daily_at,
          endsDailyAt: ends_daily_at,
          decibels: noise_threshold_decibels ?? Number.NaN,
        };
        return (await noise.create(request, origin)).attempt;
      },
      respond: (attempt, caller) => ({
        // Null only when an old request is repeated after its threshold was removed.
        noise_threshold: answers.noiseThresholdOf(attempt),
        action_attempt: answers.attempt(attempt, caller),
      }),
    }),
    readRoute({
      path: '/noise_sensors/noise_thresholds/get',
      summary: 'Get a noise threshold',
      scopes: ['read'],
      params: z.object({ noise_threshold_id: z.string() }),
      answer: z.object({ noise_threshold: noiseThresholdSchema }),
      respond: ({ noise_threshold_id }) => {
        const threshold = noise.get(noise_threshold_id);
        if (threshold === undefined) throw noSuchThreshold();
        return { noise_threshold: wireNoiseThreshold(threshold) };
      },
    }),
    readRoute({
      path: '/noise_sensors/noise_thresholds/list',
      summary: 'List the noise thresholds of a sensor',
      scopes: ['read'],
      params: z.object({ device_id: z.string() }),
      answer: z.object({ noise_thresholds: z.array(noiseThresholdSchema) }),
      respond: ({ device_id }) => ({
        noise_thresholds: noise.list(findDevice(gateway, { device_id }).deviceId).map(wireNoiseThreshold),
      }),
    }),
    commandRoute('delete', {
      path: '/noise_sensors/noise_thresholds/delete',
      summary: 'Stop watching for a noise threshold',
      scopes: ['control'],
      params: z.strictObject({
        noise_threshold_id: z.string(),
        device_id: z.string().optional(),
        ...syncParameter,
      }),
      answer: z.object({ action_attempt: actionAttemptSchema }),
      accept: async ({ noise_threshold_id, device_id }, origin) => {
        const threshold = noise.get(noise_threshold_id);
        if (threshold === undefined || (device_id !== undefined && threshold.deviceId !== device_id))
          throw noSuchThreshold();
        return noise.remove(noise_threshold_id, origin);
      },
      respond: (attempt, caller) => ({ action_attempt: answers.attempt(attempt, caller) }),
    }),
  ];
}
