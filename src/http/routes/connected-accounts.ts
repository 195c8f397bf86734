import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { DeviceSnapshot } from '../../model/device-snapshot.ts';
import type { Gateway } from '../../model/gateway.ts';
import { connectedAccountIdOf, connectedAccountSchema, wireConnectedAccount } from '../../wire/connected-account.ts';
import { deviceProviderSchema, wireDeviceProvider } from '../../wire/device-provider.ts';
import { pageOf, pageParameters, paginationSchema } from '../page.ts';
import { type Route, readRoute } from '../route.ts';

/** What Seam's applications ask for before they ask for devices: here links, and drivers. */
export function connectedAccountRoutes(): Route[] {
  return [
    readRoute({
      path: '/connected_accounts/get',
      summary: 'Get a connected account: a link of this gateway, with its devices',
      scopes: ['read'],
      params: z.object({ connected_account_id: z.string().optional(), email: z.string().optional() }),
      answer: () => z.object({ connected_account: connectedAccountSchema() }),
      respond: ({ connected_account_id: id }, { gateway }) => {
        const found = accountsOf(gateway).find((account) => account.connected_account_id === id);
        if (found === undefined)
          throw new GatewayError(
            'connected_account_not_found',
            'There is no such connected account at this gateway. List them with /connected_accounts/list.',
          );
        return { connected_account: found };
      },
    }),
    readRoute({
      path: '/connected_accounts/list',
      summary: 'List connected accounts: the links of this gateway that have devices',
      scopes: ['read'],
      params: z.object({
        search: z.string().optional().describe('Part of a name or an id.'),
        space_id: z.string().optional(),
        user_identifier_key: z.string().optional(),
        customer_key: z.string().optional(),
        custom_metadata_has: z.record(z.string(), z.union([z.string(), z.boolean()])).optional(),
        ...pageParameters,
      }),
      answer: () => z.object({ connected_accounts: z.array(connectedAccountSchema()), pagination: paginationSchema() }),
      respond: (params, { gateway, url }) => {
        const text = (params.search ?? '').toLowerCase();
        // Neither customers nor metadata of accounts are kept here: asked for, they find nothing.
        const isElsewhere =
          params.user_identifier_key !== undefined ||
          params.customer_key !== undefined ||
          Object.keys(params.custom_metadata_has ?? {}).length > 0;
        const found = isElsewhere
          ? []
          : accountsOf(gateway, params.space_id).filter(({ display_name, connected_account_id }) =>
              [display_name, connected_account_id].some((field) => field.toLowerCase().includes(text)),
            );
        const { items, pagination } = pageOf(
          { route: '/connected_accounts/list', url, params },
          (after = '', count) => found.filter(({ display_name }) => display_name > after).slice(0, count),
          ({ display_name }) => display_name,
        );
        return { connected_accounts: [...items], pagination };
      },
    }),
    readRoute({
      path: '/devices/list_device_providers',
      summary: 'List device providers: the drivers of this gateway that have devices',
      scopes: ['read'],
      params: z.object({ provider_category: z.string().optional() }),
      answer: () => z.object({ device_providers: z.array(deviceProviderSchema()) }),
      respond: ({ provider_category: category }, { gateway, url }) => ({
        device_providers: groupsOf(gateway.devices.list(), ({ driver }) => driver)
          .map(([driver, devices]) => wireDeviceProvider(driver, devices, new URL('/console/icon.svg', url).href))
          .filter(({ provider_categories: all }) => category === undefined || all.some((one) => one === category)),
      }),
    }),
  ];
}

/** The links that have devices, by their names: an order that stays, whichever of their devices come and go. */
export function accountsOf({ devices, identity, spaces }: Gateway, spaceId?: string) {
  const inside = spaceId === undefined ? undefined : new Set(spaces.get(spaceId)?.deviceIds);
  return groupsOf(devices.list(), ({ link }) => link)
    .filter(([, group]) => inside === undefined || group.some(({ deviceId }) => inside.has(deviceId)))
    .map(([link, group]) => wireConnectedAccount(link, group, identity.workspaceId))
    .sort((one, other) => (one.display_name < other.display_name ? -1 : 1));
}

/** The ids of the devices behind a link; none for an account that is not here. */
export const devicesOfAccount = ({ devices, identity }: Gateway, accountId: string): readonly string[] =>
  devices
    .list()
    .filter(({ link }) => connectedAccountIdOf(identity.workspaceId, link) === accountId)
    .map(({ deviceId }) => deviceId);

function groupsOf(
  devices: readonly DeviceSnapshot[],
  keyOf: (device: DeviceSnapshot) => string,
): [string, DeviceSnapshot[]][] {
  const groups = new Map<string, DeviceSnapshot[]>();
  for (const device of devices) groups.set(keyOf(device), [...(groups.get(keyOf(device)) ?? []), device]);
  return [...groups];
}
