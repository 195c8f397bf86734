import { z } from 'zod';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { Gateway } from '../model/gateway.ts';
import { connectedAccountIdOf } from '../wire/connected-account.ts';
import { moment } from './plain-parameters.ts';

/** Seam's filters for lists of devices. Those that nothing here can match (customers) give an empty list. */
export const deviceFilters = {
  device_ids: z.array(z.string()).optional(),
  device_type: z.string().optional(),
  device_types: z.array(z.string()).optional(),
  manufacturer: z.string().optional(),
  connected_account_id: z.string().optional(),
  connected_account_ids: z.array(z.string()).optional(),
  connect_webview_id: z.string().optional(),
  search: z.string().optional().describe('Part of a name, a type, a maker or an id.'),
  custom_metadata_has: z.record(z.string(), z.union([z.string(), z.boolean()])).optional(),
  created_before: moment.optional(),
  space_id: z.string().optional(),
  unstable_location_id: z.string().nullish(),
  customer_key: z.string().optional(),
  customer_ids: z.array(z.string()).optional(),
  user_identifier_key: z.string().optional(),
};

const filters = z.object(deviceFilters);
export type DeviceFilters = z.output<typeof filters>;

/** A filter that is set but empty, such as `device_ids=`, selects nothing: it asks for none of the devices. */
export function selectDevices(
  devices: readonly DeviceSnapshot[],
  wanted: DeviceFilters,
  { identity: { workspaceId }, spaces }: Pick<Gateway, 'identity' | 'spaces'>,
): readonly DeviceSnapshot[] {
  if (
    wanted.customer_key !== undefined ||
    wanted.customer_ids !== undefined ||
    wanted.user_identifier_key !== undefined ||
    wanted.connect_webview_id !== undefined
  )
    return [];
  const tests = testsFor(wanted);
  const { connected_account_id: account, connected_account_ids: accounts } = wanted;
  if (account !== undefined || accounts !== undefined)
    tests.push(({ link }) => {
      const id = connectedAccountIdOf(workspaceId, link);
      return (account ?? id) === id && accounts?.includes(id) !== false;
    });
  const spaceId = wanted.space_id ?? wanted.unstable_location_id ?? undefined;
  if (spaceId !== undefined) {
    const inside = new Set(spaces.get(spaceId)?.deviceIds);
    tests.push(({ deviceId }) => inside.has(deviceId));
  }
  return tests.length === 0 ? devices : devices.filter((device) => tests.every((test) => test(device)));
}

function testsFor(wanted: DeviceFilters): ((device: DeviceSnapshot) => boolean)[] {
  const tests: ((device: DeviceSnapshot) => boolean)[] = [];
  const { device_ids, device_type, device_types, manufacturer, search, created_before } = wanted;
  if (device_ids !== undefined) {
    const ids = new Set(device_ids);
    tests.push(({ deviceId }) => ids.has(deviceId));
  }
  if (device_type !== undefined) tests.push((device) => device.deviceType === device_type);
  if (device_types !== undefined) tests.push((device) => device_types.includes(device.deviceType));
  if (manufacturer !== undefined) {
    // Clients have a list of makers as words: `yale`, `controlbyweb`, `dormakaba_oracode`.
    const word = wordOf(manufacturer);
    tests.push((device) => wordOf(device.manufacturer) === word);
  }
  // A query has only texts: true there is the same as true in a body.
  for (const [key, value] of Object.entries(wanted.custom_metadata_has ?? {}))
    tests.push(({ settings: { customMetadata } }) => String(customMetadata[key]) === String(value));
  if (created_before !== undefined) {
    const before = Date.parse(created_before);
    tests.push(({ createdAt }) => createdAt < before);
  }
  if (search !== undefined && search !== '') {
    const text = search.toLowerCase();
    tests.push((device) =>
      [device.name, device.slug, device.deviceId, device.deviceType, device.manufacturer, device.model].some((field) =>
        field.toLowerCase().includes(text),
      ),
    );
  }
  return tests;
}

const wordOf = (maker: string): string => maker.toLowerCase().replace(/[^a-z0-9]+/g, '_');
