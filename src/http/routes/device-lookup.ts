import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { DeviceSnapshot } from '../../model/device-snapshot.ts';
import type { Gateway } from '../../model/gateway.ts';

export const oneDevice = z
  .object({ device_id: z.string().optional(), name: z.string().optional() })
  .refine((params) => params.device_id !== undefined || params.name !== undefined, 'Give device_id or name');

interface Wanted {
  readonly device_id?: string | undefined;
  readonly name?: string | undefined;
}

/** Those that are managed here, or those that somebody set aside (`is_managed: false`). */
export const devicesOf = (gateway: Gateway, isManaged: boolean): readonly DeviceSnapshot[] =>
  gateway.devices.list().filter(({ settings }) => settings.isManaged === isManaged);

/** @throws GatewayError `device_not_found`, also for one that is not managed here, unless those are asked for */
export function findDevice(gateway: Gateway, wanted: Wanted, isManaged = true): DeviceSnapshot {
  const device =
    wanted.device_id === undefined
      ? devicesOf(gateway, isManaged).find(({ name }) => name === wanted.name)
      : gateway.devices.get(wanted.device_id);
  if (device === undefined)
    throw new GatewayError(
      'device_not_found',
      'There is no such device at this gateway. List them with /devices/list; ids come from its configuration.',
    );
  if (device.settings.isManaged === isManaged) return device;
  throw new GatewayError(
    'device_not_found',
    isManaged
      ? `${device.name} is unmanaged. Manage it again with /devices/unmanaged/update, is_managed: true.`
      : `${device.name} is managed. See /devices/get.`,
  );
}
