import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { DeviceSnapshot } from '../../model/device-snapshot.ts';
import type { DeviceUpdate } from '../../model/gateway.ts';
import { actionAttemptSchema } from '../../wire/action-attempt.ts';
import { deviceSchema } from '../../wire/device.ts';
import { deviceFilters, selectDevices } from '../device-selection.ts';
import { pageOfDevices, pageParameters, paginationSchema } from '../page.ts';
import { oneLine } from '../plain-parameters.ts';
import { type Caller, changeRoute, commandRoute, type Route, readRoute } from '../route.ts';
import { syncParameter } from './action-attempts.ts';
import { devicesOf, findDevice, oneDevice } from './device-lookup.ts';

const displayName = oneLine.trim().min(1).max(100);

/** The limits are Seam's (`/devices/update`). A key's members are reached with dots in a query, so it has none. */
const customMetadata = z
  .record(
    z
      .string()
      .min(1)
      .max(40)
      .regex(/^[^.]+$/, 'A key has no period'),
    z.union([z.string().max(500), z.boolean()], 'Give text, at most 500 characters, true, false or null').nullable(),
  )
  .optional()
  .describe('Merged into what is there. Null or an empty text removes a key. At most 50 pairs.');

const changedDevice = z.strictObject({
  device_id: z.string(),
  name: displayName.nullable().optional().describe('Null: as configured.'),
  properties: z.strictObject({ name: displayName.optional() }).optional().describe('As older clients send a name.'),
  custom_metadata: customMetadata,
  is_managed: z
    .boolean()
    .optional()
    .describe('False sets the device aside: it is listed under /devices/unmanaged alone, and commands are refused.'),
  backup_access_code_pool_enabled: z
    .boolean()
    .optional()
    .describe('Whether backup codes are kept on the lock: as many as configured, else one. False takes them off it.'),
});

const changedUnmanagedDevice = z.strictObject({
  device_id: z.string(),
  custom_metadata: customMetadata,
  is_managed: z.literal(true).optional(),
});

const nothing = { answer: () => ({}) };

export function deviceRoutes(): Route[] {
  return [
    ...lookups('/devices', true),
    changeRoute('update', {
      path: '/devices/update',
      summary: 'Change what a device is called, its custom metadata, or whether it is managed',
      scopes: ['control'],
      params: changedDevice,
      answer: () => z.object({}),
      change: async (params, _origin, { gateway }) => {
        const { deviceId, capabilities, name: called } = findDevice(gateway, { device_id: params.device_id });
        const { device_id: _, properties, name = properties?.name, ...rest } = params;
        if (rest.backup_access_code_pool_enabled !== undefined) assertTakesCodes(capabilities, called);
        await gateway.administration.update(deviceId, updateOf({ name, ...rest }));
        return nothing;
      },
    }),
    ...lookups('/devices/unmanaged', false),
    changeRoute('update', {
      path: '/devices/unmanaged/update',
      summary: 'Manage a device again that was set aside, or change its custom metadata',
      scopes: ['control'],
      params: changedUnmanagedDevice,
      answer: () => z.object({}),
      change: async ({ device_id, ...update }, _origin, { gateway }) => {
        const { deviceId } = findDevice(gateway, { device_id }, false);
        await gateway.administration.update(deviceId, updateOf(update));
        return nothing;
      },
    }),
    ...serviceRoutes(),
  ];
}

function lookups(base: string, isManaged: boolean): Route[] {
  const kind = isManaged ? '' : ' that was set aside';
  return [
    readRoute({
      path: `${base}/get`,
      summary: `Get a device${kind}`,
      scopes: ['read'],
      params: oneDevice,
      answer: () => z.object({ device: deviceSchema() }),
      respond: (params, { gateway, answers }) => ({ device: answers.device(findDevice(gateway, params, isManaged)) }),
    }),
    readRoute({
      path: `${base}/list`,
      summary: isManaged ? 'List devices' : 'List devices that were set aside',
      scopes: ['read'],
      params: z.object({ ...deviceFilters, ...pageParameters }),
      answer: () => z.object({ devices: z.array(deviceSchema()), pagination: paginationSchema() }),
      respond: (params, { gateway, answers, url }) => {
        const selected = selectDevices(devicesOf(gateway, isManaged), params, gateway);
        const { items, pagination } = pageOfDevices(
          { route: `${base}/list`, url, params },
          selected,
          gateway.devices.list(),
        );
        return { devices: items.map((device) => answers.device(device)), pagination };
      },
    }),
  ];
}

/** Our own: a door that must not be commanded while somebody works on it, say. */
function serviceRoutes(): Route[] {
  const answer = () => z.object({ device: deviceSchema() });
  const shown = (deviceId: string, { gateway, answers }: Caller) => ({
    answer: () => ({ device: answers.device(findDevice(gateway, { device_id: deviceId })) }),
  });
  return [
    changeRoute('create', {
      path: '/devices/take_out_of_service',
      summary: 'Refuse all commands to a device until it is put back; its state is still read',
      scopes: ['control'],
      params: z.strictObject({
        device_id: z.string(),
        reason: oneLine.trim().min(1).max(200).optional().describe('For people: it is shown with the device.'),
      }),
      answer,
      change: async ({ device_id, reason }, origin, caller) => {
        const { gateway } = caller;
        const { deviceId } = findDevice(gateway, { device_id });
        await gateway.administration.takeOutOfService(deviceId, reason, origin);
        return shown(deviceId, caller);
      },
    }),
    changeRoute('create', {
      path: '/devices/put_into_service',
      summary: 'Take commands to a device again',
      scopes: ['control'],
      params: z.strictObject({ device_id: z.string() }),
      answer,
      change: async ({ device_id }, origin, caller) => {
        const { gateway } = caller;
        const { deviceId } = findDevice(gateway, { device_id });
        await gateway.administration.putIntoService(deviceId, origin);
        return shown(deviceId, caller);
      },
    }),
  ];
}

function assertTakesCodes({ accessCodes }: DeviceSnapshot['capabilities'], name: string): void {
  if (accessCodes === undefined)
    throw new GatewayError('unsupported_action', `${name} takes no access codes, so no backup ones can be kept on it.`);
}

function updateOf(params: {
  readonly name?: string | null | undefined;
  readonly custom_metadata?: DeviceUpdate['customMetadata'] | undefined;
  readonly is_managed?: boolean | undefined;
  readonly backup_access_code_pool_enabled?: boolean | undefined;
}): DeviceUpdate {
  const { name, custom_metadata, is_managed, backup_access_code_pool_enabled: backupPool } = params;
  return {
    ...(name === undefined ? {} : { name }),
    ...(custom_metadata === undefined ? {} : { customMetadata: custom_metadata }),
    ...(is_managed === undefined ? {} : { isManaged: is_managed }),
    ...(backupPool === undefined ? {} : { backupPool }),
  };
}

/** Seam's bounds; locks count whole seconds. */
const autoLock = z
  .strictObject({
    device_id: z.string(),
    auto_lock_enabled: z.boolean(),
    auto_lock_delay_seconds: z
      .number()
      .int('Give whole seconds')
      .min(1)
      .max(60)
      .optional()
      .describe('Needed to enable it. Many locks keep only some of these: the refusal says which.'),
    ...syncParameter,
  })
  .refine(
    (params) => !params.auto_lock_enabled || params.auto_lock_delay_seconds !== undefined,
    'auto_lock_delay_seconds is needed where auto_lock_enabled is true',
  );

export function lockRoutes(): Route[] {
  const door = (path: string, summary: string, command: 'lock' | 'unlock'): Route =>
    commandRoute('create', {
      path,
      summary,
      scopes: ['control'],
      params: z.strictObject({ device_id: z.string(), ...syncParameter }),
      answer: () => z.object({ action_attempt: actionAttemptSchema() }),
      accept: ({ device_id }, origin, { gateway }) =>
        gateway.doors[command](findDevice(gateway, { device_id }).deviceId, origin),
      respond: (attempt, caller) => ({ action_attempt: caller.answers.attempt(attempt, caller) }),
    });
  return [
    door('/locks/lock_door', 'Lock a door', 'lock'),
    door('/locks/unlock_door', 'Unlock a door', 'unlock'),
    commandRoute('create', {
      path: '/locks/configure_auto_lock',
      summary: 'Tell a lock whether, and how long after an unlocking, to lock itself',
      scopes: ['control'],
      params: autoLock,
      answer: () => z.object({ action_attempt: actionAttemptSchema() }),
      accept: async ({ device_id, auto_lock_enabled: enabled, auto_lock_delay_seconds }, origin, { gateway }) =>
        gateway.doors.configureAutoLock(
          findDevice(gateway, { device_id }).deviceId,
          { enabled, delaySeconds: enabled ? auto_lock_delay_seconds : undefined },
          origin,
        ),
      respond: (attempt, caller) => ({ action_attempt: caller.answers.attempt(attempt, caller) }),
    }),
    readRoute({
      path: '/locks/get',
      summary: 'Get a lock',
      scopes: ['read'],
      params: oneDevice,
      answer: () => z.object({ lock: deviceSchema(), device: deviceSchema() }),
      respond: (params, { gateway, answers }) => {
        const found = findDevice(gateway, params);
        if (found.capabilities.lock === undefined)
          throw new GatewayError('device_not_found', `${found.name} is not a lock. List the locks with /locks/list.`);
        const device = answers.device(found);
        return { lock: device, device };
      },
    }),
    readRoute({
      path: '/locks/list',
      summary: 'List locks',
      scopes: ['read'],
      params: z.object({ ...deviceFilters, ...pageParameters }),
      answer: () =>
        z.object({
          locks: z.array(deviceSchema()),
          devices: z.array(deviceSchema()),
          pagination: paginationSchema(),
        }),
      respond: (params, { gateway, answers, url }) => {
        const selected = selectDevices(devicesOf(gateway, true), params, gateway).filter(
          ({ capabilities }) => capabilities.lock !== undefined,
        );
        const { items, pagination } = pageOfDevices(
          { route: '/locks/list', url, params },
          selected,
          gateway.devices.list(),
        );
        const locks = items.map((device) => answers.device(device));
        return { locks, devices: locks, pagination };
      },
    }),
  ];
}

/** Seam's own bounds. */
const length = z.number().int().min(4).max(20);

const reported = z
  .strictObject({
    device_id: z.string(),
    supported_code_lengths: z.array(length).nonempty().optional(),
    min_code_length: length.optional(),
    max_code_length: length.optional(),
  })
  .refine(
    ({ supported_code_lengths: lengths, min_code_length: min, max_code_length: max }) =>
      (lengths === undefined) !== (min === undefined && max === undefined),
    'Give supported_code_lengths, or min_code_length and max_code_length',
  )
  .refine(
    ({ min_code_length: min = 4, max_code_length: max = 20 }) => min <= max,
    'min_code_length, max_code_length: the first is greater than the second',
  );

export function deviceConstraintRoutes(): Route[] {
  return [
    changeRoute('create', {
      path: '/access_codes/report_device_constraints',
      summary: 'Say how many digits a lock takes, where it was found to take fewer lengths than it says',
      scopes: ['control'],
      params: reported,
      answer: () => z.object({}),
      change: async (params, _origin, { gateway }) => {
        const { deviceId } = findDevice(gateway, { device_id: params.device_id });
        const { min_code_length: min = 4, max_code_length: max = 20 } = params;
        const between = Array.from({ length: max - min + 1 }, (_, at) => min + at);
        await gateway.administration.update(deviceId, { codeLengths: params.supported_code_lengths ?? between });
        return { answer: () => ({}) };
      },
    }),
  ];
}
