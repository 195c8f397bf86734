import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { DeviceSnapshot } from '../../devices/device-snapshot.ts';
import type { Gateway } from '../../gateway/ports.ts';
import type { Answers } from '../../wire/answers.ts';
import { deviceSchema } from '../../wire/device.ts';
import { deviceFilters, selectDevices } from '../device-selection.ts';
import { pageOf, pageParameters, paginationSchema } from '../page.ts';
import { type Route, readRoute } from '../route.ts';

export const oneDevice = z
  .object({ device_id: z.string().optional(), name: z.string().optional() })
  .refine((params) => params.device_id !== undefined || params.name !== undefined, 'Give device_id or name');

/** @throws GatewayError `device_not_found` */
export function findDevice(
  gateway: Gateway,
  wanted: { readonly device_id?: string | undefined; readonly name?: string | undefined },
): DeviceSnapshot {
  const device =
    wanted.device_id === undefined
      ? gateway.devices.list().find(({ name }) => name === wanted.name)
      : gateway.devices.get(wanted.device_id);
  if (device === undefined)
    throw new GatewayError(
      'device_not_found',
      'There is no such device at this gateway. List them with /devices/list; ids come from its configuration.',
    );
  return device;
}

export function deviceRoutes(gateway: Gateway, answers: Answers): Route[] {
  return [
    readRoute({
      path: '/devices/get',
      summary: 'Get a device',
      scopes: ['read'],
      params: oneDevice,
      answer: z.object({ device: deviceSchema }),
      respond: (params) => ({ device: answers.device(findDevice(gateway, params)) }),
    }),
    readRoute({
      path: '/devices/list',
      summary: 'List devices',
      scopes: ['read'],
      params: z.object({ ...deviceFilters, ...pageParameters }),
      answer: z.object({ devices: z.array(deviceSchema), pagination: paginationSchema }),
      respond: (params, caller) => {
        const selected = selectDevices(gateway.devices.list(), params, gateway.identity.workspaceId);
        const { items, pagination } = pageOf(
          { route: '/devices/list', url: caller.url, params },
          (after, count) => {
            const from = after === undefined ? 0 : selected.findIndex(({ deviceId }) => deviceId === after) + 1;
            return selected.slice(from, from + count);
          },
          ({ deviceId }) => deviceId,
        );
        return { devices: items.map((device) => answers.device(device)), pagination };
      },
    }),
  ];
}
