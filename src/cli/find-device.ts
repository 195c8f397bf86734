import type { ApiConnection } from './api-connection.ts';
import { CommandError } from './exit.ts';
import { type DeviceAnswer, devicesPage } from './wire.ts';

export async function allDevices(api: ApiConnection): Promise<DeviceAnswer[]> {
  const devices: DeviceAnswer[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.get('/devices/list', cursor === undefined ? {} : { page_cursor: cursor }, devicesPage);
    devices.push(...page.devices);
    cursor = page.pagination.next_page_cursor ?? undefined;
  } while (cursor !== undefined);
  return devices;
}

/**
 * The device that is meant: by device_id, by slug, or by name, in that order, and only then without regard to case.
 * @throws CommandError when there is none, or more than one
 */
export async function findDevice(api: ApiConnection, wanted: string): Promise<DeviceAnswer> {
  const devices = await allDevices(api);
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  const ways: readonly ((device: DeviceAnswer) => boolean)[] = [
    (device) => same(device.device_id, wanted),
    (device) => slugOf(device) === wanted,
    (device) => device.display_name === wanted,
    (device) => same(slugOf(device), wanted) || same(device.display_name, wanted),
  ];
  for (const way of ways) {
    const [found, another] = devices.filter(way);
    if (found === undefined) continue;
    if (another === undefined) return found;
    throw new CommandError(
      'notFound',
      `"${wanted}" may be ${nameOf(found)} or ${nameOf(another)}. Give the device_id, ${found.device_id} or ${another.device_id}.`,
    );
  }
  throw new CommandError(
    'notFound',
    `There is no device "${wanted}". ${devices.length === 0 ? 'None is configured.' : `There are: ${devices.map(slugOf).join(', ')}.`}`,
  );
}

export const slugOf = (device: DeviceAnswer): string => device.properties.strikeplate_metadata.slug;

const nameOf = (device: DeviceAnswer) => `${device.display_name} (${slugOf(device)})`;
