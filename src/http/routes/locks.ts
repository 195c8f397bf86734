import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import { actionAttemptSchema } from '../../wire/action-attempt.ts';
import { deviceSchema } from '../../wire/device.ts';
import { deviceFilters, selectDevices } from '../device-selection.ts';
import { pageOfDevices, pageParameters, paginationSchema } from '../page.ts';
import { commandRoute, type Route, readRoute } from '../route.ts';
import { devicesOf, findDevice, oneDevice } from './device-lookup.ts';
import { syncParameter } from './sync-parameter.ts';

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
      answer: z.object({ action_attempt: actionAttemptSchema }),
      accept: async ({ device_id }, origin, { gateway }) =>
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
      answer: z.object({ action_attempt: actionAttemptSchema }),
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
      answer: z.object({ lock: deviceSchema, device: deviceSchema }),
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
      answer: z.object({
        locks: z.array(deviceSchema),
        devices: z.array(deviceSchema),
        pagination: paginationSchema,
      }),
      respond: (params, { gateway, answers, url }) => {
        const selected = selectDevices(devicesOf(gateway, true), params, gateway).filter(
          ({ capabilities }) => capabilities.lock !== undefined,
        );
        const { items, pagination } = pageOfDevices({ route: '/locks/list', url, params }, selected);
        const locks = items.map((device) => answers.device(device));
        return { locks, devices: locks, pagination };
      },
    }),
  ];
}
