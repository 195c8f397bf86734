import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { Gateway, NewNoiseThreshold, NoiseThresholdChange } from '../../model/gateway.ts';
import type { NoiseThresholdRecord } from '../../model/records.ts';
import { actionAttemptSchema } from '../../wire/action-attempt.ts';
import { deviceSchema } from '../../wire/device.ts';
import { noiseLevelSchema, noiseThresholdSchema, wireNoiseLevel } from '../../wire/noise-threshold.ts';
import { deviceFilters, selectDevices } from '../device-selection.ts';
import { pageOfDevices, pageParameters, paginationSchema } from '../page.ts';
import { moment, oneLine } from '../plain-parameters.ts';
import { commandRoute, type Route, readRoute } from '../route.ts';
import { syncParameter } from './action-attempts.ts';
import { devicesOf, findDevice } from './device-lookup.ts';

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

const newThreshold = z
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

const changedThreshold = z
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

function newThresholdFrom(params: z.output<typeof newThreshold>): NewNoiseThreshold {
  return {
    deviceId: params.device_id,
    ...(params.name === undefined ? {} : { name: params.name }),
    startsDailyAt: params.starts_daily_at,
    endsDailyAt: params.ends_daily_at,
    decibels: params.noise_threshold_decibels ?? Number.NaN,
    ...(params.sustained_seconds === undefined ? {} : { sustainedMs: params.sustained_seconds * 1_000 }),
  };
}

function thresholdChangeFrom(params: z.output<typeof changedThreshold>): NoiseThresholdChange {
  const { starts_daily_at, ends_daily_at, noise_threshold_decibels } = params;
  return {
    ...(params.name === undefined ? {} : { name: params.name }),
    ...(starts_daily_at === undefined ? {} : { startsDailyAt: starts_daily_at }),
    ...(ends_daily_at === undefined ? {} : { endsDailyAt: ends_daily_at }),
    ...(noise_threshold_decibels === undefined ? {} : { decibels: noise_threshold_decibels }),
    ...(params.sustained_seconds === undefined ? {} : { sustainedMs: params.sustained_seconds * 1_000 }),
  };
}

const dayMs = 86_400_000;

const noSuchThreshold = () =>
  new GatewayError(
    'noise_threshold_not_found',
    'There is no such noise threshold at this gateway. List them with /noise_sensors/noise_thresholds/list.',
  );

const find = ({ noise }: Gateway, id: string, deviceId: string | undefined): NoiseThresholdRecord => {
  const threshold = noise.get(id);
  if (threshold === undefined || (deviceId ?? threshold.deviceId) !== threshold.deviceId) throw noSuchThreshold();
  return threshold;
};

const listNoiseSensorsRoute = readRoute({
  path: '/noise_sensors/list',
  summary: 'List noise sensors',
  scopes: ['read'],
  params: z.object({ ...deviceFilters, ...pageParameters }),
  answer: () =>
    z.object({
      noise_sensors: z.array(deviceSchema()),
      devices: z.array(deviceSchema()),
      pagination: paginationSchema(),
    }),
  respond: (params, { gateway, answers, url }) => {
    const selected = selectDevices(devicesOf(gateway, true), params, gateway).filter(
      ({ capabilities }) => capabilities.noise !== undefined,
    );
    const { items, pagination } = pageOfDevices(
      { route: '/noise_sensors/list', url, params },
      selected,
      gateway.devices.list(),
    );
    const sensors = items.map((device) => answers.device(device));
    return { noise_sensors: sensors, devices: sensors, pagination };
  },
});

const createNoiseThresholdRoute = commandRoute('create', {
  path: '/noise_sensors/noise_thresholds/create',
  summary: 'Watch a noise sensor for a level within daily hours',
  scopes: ['control'],
  params: newThreshold,
  answer: () => z.object({ noise_threshold: noiseThresholdSchema().nullable(), action_attempt: actionAttemptSchema() }),
  accept: async (params, origin, { gateway }) => {
    findDevice(gateway, { device_id: params.device_id });
    return (await gateway.noise.create(newThresholdFrom(params), origin)).attempt;
  },
  respond: (attempt, caller) => ({
    // Null only when an old request is repeated after its threshold was removed.
    noise_threshold: caller.answers.noiseThresholdOf(attempt),
    action_attempt: caller.answers.attempt(attempt, caller),
  }),
});

const getNoiseThresholdRoute = readRoute({
  path: '/noise_sensors/noise_thresholds/get',
  summary: 'Get a noise threshold',
  scopes: ['read'],
  params: z.object({ noise_threshold_id: z.string() }),
  answer: () => z.object({ noise_threshold: noiseThresholdSchema() }),
  respond: ({ noise_threshold_id }, { gateway, answers }) => ({
    noise_threshold: answers.noiseThreshold(find(gateway, noise_threshold_id, undefined)),
  }),
});

const listNoiseThresholdsRoute = readRoute({
  path: '/noise_sensors/noise_thresholds/list',
  summary: 'List the noise thresholds of a sensor',
  scopes: ['read'],
  params: z.object({ device_id: z.string() }),
  answer: () => z.object({ noise_thresholds: z.array(noiseThresholdSchema()) }),
  respond: ({ device_id }, { gateway, answers }) => ({
    noise_thresholds: gateway.noise
      .list(findDevice(gateway, { device_id }).deviceId)
      .map((threshold) => answers.noiseThreshold(threshold)),
  }),
});

const updateNoiseThresholdRoute = commandRoute('update', {
  path: '/noise_sensors/noise_thresholds/update',
  summary: 'Change a noise threshold',
  scopes: ['control'],
  params: changedThreshold,
  answer: () => z.object({ action_attempt: actionAttemptSchema() }),
  accept: async (params, origin, { gateway }) => {
    const { noiseThresholdId } = find(gateway, params.noise_threshold_id, params.device_id);
    return gateway.noise.update(noiseThresholdId, thresholdChangeFrom(params), origin);
  },
  respond: (attempt, caller) => ({ action_attempt: caller.answers.attempt(attempt, caller) }),
});

const listNoiseLevelsRoute = readRoute({
  path: '/noise_sensors/levels/list',
  summary: 'List what a noise sensor heard: the last day by the minute, or the last week by the hour',
  scopes: ['read'],
  params: z.object({
    device_id: z.string(),
    from: moment.optional().describe('Minutes that begin then or later; a day ago unless told.'),
    to: moment.optional().describe('Minutes that begin before then; now unless told.'),
    interval_seconds: z
      .number()
      .refine((seconds) => seconds === 60 || seconds === 3_600, 'expected 60 or 3600')
      .optional()
      .describe('60 unless told. 3600: by the hour, and from a week ago unless told.'),
  }),
  answer: () =>
    z.object({
      noise_levels: z.array(noiseLevelSchema()),
      metric: z.string(),
      interval_seconds: z.union([z.literal(60), z.literal(3_600)]),
    }),
  respond: ({ device_id, from, to, interval_seconds: interval = 60 }, { gateway }) => {
    const { deviceId, name, capabilities } = findDevice(gateway, { device_id });
    if (capabilities.noise === undefined)
      throw new GatewayError('unsupported_action', `${name} does not measure noise. See /noise_sensors/list.`);
    const until = to === undefined ? gateway.clock.wallTime() + 1 : Date.parse(to);
    const isByHour = interval === 3_600;
    const since = from === undefined ? until - (isByHour ? 7 * dayMs : dayMs) : Date.parse(from);
    const levels = gateway.noise[isByHour ? 'hours' : 'minutes'](deviceId, since, until);
    return {
      noise_levels: levels.map(wireNoiseLevel),
      metric: capabilities.noise.metric,
      interval_seconds: isByHour ? (3_600 as const) : (60 as const),
    };
  },
});

const deleteNoiseThresholdRoute = commandRoute('delete', {
  path: '/noise_sensors/noise_thresholds/delete',
  summary: 'Stop watching for a noise threshold',
  scopes: ['control'],
  params: z.strictObject({
    noise_threshold_id: z.string(),
    device_id: z.string().optional(),
    ...syncParameter,
  }),
  answer: () => z.object({ action_attempt: actionAttemptSchema() }),
  accept: async ({ noise_threshold_id, device_id }, origin, { gateway: { noise } }) => {
    // One that is gone may be a repetition, which answers with the removal it had.
    const threshold = noise.get(noise_threshold_id);
    if (threshold !== undefined && (device_id ?? threshold.deviceId) !== threshold.deviceId) throw noSuchThreshold();
    return noise.remove(noise_threshold_id, origin);
  },
  respond: (attempt, caller) => ({ action_attempt: caller.answers.attempt(attempt, caller) }),
});

export function noiseRoutes(): Route[] {
  return [
    listNoiseSensorsRoute,
    createNoiseThresholdRoute,
    getNoiseThresholdRoute,
    listNoiseThresholdsRoute,
    updateNoiseThresholdRoute,
    listNoiseLevelsRoute,
    deleteNoiseThresholdRoute,
  ];
}
