import { v5 } from 'uuid';
import { z } from 'zod';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import { deviceProblemSchema } from './device-problems.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

/** What stands for an account of Seam's here: a link, and the devices behind it. */
export const connectedAccountSchema = onceAsked(() =>
  z
    .object({
      connected_account_id: z.string(),
      account_type: z.string().describe('The kind of link: `mqtt`, `serial`, `ble`, `zwave`.'),
      account_type_display_name: z.string(),
      display_name: z.string(),
      created_at: z.string(),
      automatically_manage_new_devices: z.boolean(),
      accepted_capabilities: z.array(z.enum(['lock', 'noise_sensor'])),
      custom_metadata: z.record(z.string(), z.union([z.string(), z.boolean()])),
      errors: z.array(
        deviceProblemSchema().extend({ error_code: z.string(), is_connected_account_error: z.literal(true) }),
      ),
      warnings: z.array(deviceProblemSchema().extend({ warning_code: z.string() })),
    })
    .meta({ id: 'connected_account' }),
);

export type WireConnectedAccount = z.output<ReturnType<typeof connectedAccountSchema>>;

const kinds: Readonly<Record<string, string>> = {
  mqtt: 'MQTT broker',
  serial: 'Serial line',
  ble: 'Bluetooth adapter',
  zwave: 'Z-Wave stick',
};

/** @param link with its kind: `mqtt/main`. Slugs of devices have no slash, so that their ids are others. */
export const connectedAccountIdOf = (workspaceId: string, link: string): string => v5(link, workspaceId);

/** @param devices those behind one link: one at least */
export function wireConnectedAccount(
  link: string,
  devices: readonly DeviceSnapshot[],
  workspaceId: string,
): WireConnectedAccount {
  const [kind = '', ...name] = link.split('/');
  const kindInWords = kinds[kind] ?? kind;
  return {
    connected_account_id: connectedAccountIdOf(workspaceId, link),
    account_type: kind,
    account_type_display_name: kindInWords,
    display_name: `${kindInWords} ${name.join('/')}`,
    created_at: isoTime(Math.min(...devices.map(({ createdAt }) => createdAt))),
    // Devices are in the configuration or they are not.
    automatically_manage_new_devices: true,
    accepted_capabilities: [
      ...(devices.some(({ capabilities }) => capabilities.lock) ? ['lock' as const] : []),
      ...(devices.some(({ capabilities }) => capabilities.noise) ? ['noise_sensor' as const] : []),
    ],
    custom_metadata: {},
    errors: accountErrors(devices),
    warnings: [],
  };
}

/** A link that is down keeps all of its devices away; so does a bridge behind it. */
export function accountErrors(devices: readonly DeviceSnapshot[]): WireConnectedAccount['errors'] {
  const downs = devices.flatMap(({ health, healthSince }) =>
    health.status === 'offline' && (health.reason === 'link_down' || health.reason === 'bridge_down')
      ? [{ health, healthSince }]
      : [],
  );
  const [first] = downs;
  if (!first || downs.length < devices.length) return [];
  return [
    {
      error_code: first.health.reason === 'bridge_down' ? 'bridge_disconnected' : 'account_disconnected',
      message: first.health.hint,
      is_connected_account_error: true,
      created_at: isoTime(Math.min(...downs.map(({ healthSince }) => healthSince))),
    },
  ];
}
