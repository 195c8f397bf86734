import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { Gateway } from '../../model/gateway.ts';
import type { SpaceRecord } from '../../model/grant-records.ts';
import { spaceSchema } from '../../wire/space.ts';
import { pageByAge, pageParameters, paginationSchema } from '../page.ts';
import { oneLine } from '../plain-parameters.ts';
import { type Caller, changeRoute, type Route, readRoute } from '../route.ts';
import { devicesOfAccount } from './connected-accounts.ts';
import { findDevice } from './device-lookup.ts';
import { batchSchema, relatedTo, relationParameters } from './related.ts';

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/, 'Give a time of day, such as 15:00');

const described = {
  name: oneLine.trim().min(1).max(200),
  space_key: oneLine.min(1).max(200).optional(),
  device_ids: z.array(z.string()).max(1_000).optional(),
  acs_entrance_ids: z
    .array(z.string())
    .max(1_000)
    .optional()
    .describe('Doors as well: here an entrance has the id of its device.'),
  customer_data: z
    .strictObject({
      address: oneLine.max(500).nullable().optional(),
      default_checkin_time: timeOfDay.nullable().optional(),
      default_checkout_time: timeOfDay.nullable().optional(),
      time_zone: oneLine.max(100).nullable().optional(),
    })
    .optional(),
};

const oneSpace = z
  .object({ space_id: z.string().optional(), space_key: z.string().optional() })
  .refine(({ space_id, space_key }) => space_id !== undefined || space_key !== undefined, 'Give space_id or space_key');

const doors = z.strictObject({ space_id: z.string(), device_ids: z.array(z.string()).min(1).max(1_000) });

const nothing = { answer: () => ({}) };

const shown = (space: SpaceRecord, { answers }: Caller) => ({
  answer: () => ({ space: answers.grants.space(space) }),
});

const createSpaceRoute = changeRoute('create', {
  path: '/spaces/create',
  summary: 'Put doors together that are given together',
  scopes: ['control'],
  whole: true,
  params: z.strictObject({
    ...described,
    customer_key: oneLine.min(1).max(200).optional(),
    connected_account_ids: z.array(z.string()).optional().describe('Accepted; devices belong to this gateway.'),
    parent_space_id: z.string().optional(),
    parent_space_key: z.string().optional(),
  }),
  answer: () => z.object({ space: spaceSchema() }),
  change: async (params, _origin, caller) => {
    const { gateway } = caller;
    return shown(await gateway.spaces.create({ name: params.name, ...newSpace(gateway, params) }), caller);
  },
});

const getSpaceRoute = readRoute({
  path: '/spaces/get',
  summary: 'Get a space by id or key',
  scopes: ['read'],
  params: oneSpace,
  answer: () => z.object({ space: spaceSchema() }),
  respond: (params, { gateway, answers }) => ({ space: answers.grants.space(findSpace(gateway, params)) }),
});

const listSpacesRoute = readRoute({
  path: '/spaces/list',
  summary: 'List spaces, oldest first',
  scopes: ['read'],
  params: z.object({
    customer_key: z.string().optional(),
    search: z.string().optional().describe('Part of a name, a key or an id.'),
    connected_account_id: z.string().optional(),
    space_key: z.string().optional(),
    parent_space_id: z.string().optional(),
    parent_space_key: z.string().optional(),
    ...pageParameters,
  }),
  answer: () => z.object({ spaces: z.array(spaceSchema()), pagination: paginationSchema() }),
  respond: (params, { gateway, answers, url }) => {
    const found = selected(gateway, params);
    const { items, pagination } = pageByAge({ route: '/spaces/list', url, params }, found, ({ spaceId }) => spaceId);
    return { spaces: items.map((space) => answers.grants.space(space)), pagination };
  },
});

const updateSpaceRoute = changeRoute('update', {
  path: '/spaces/update',
  summary: 'Change a space; its live access grants follow its doors',
  scopes: ['control'],
  whole: true,
  params: z
    .strictObject({
      ...described,
      name: described.name.optional(),
      space_id: z.string().optional(),
      parent_space_id: z.string().optional(),
      parent_space_key: z.string().optional(),
    })
    .refine(
      ({ space_id, space_key }) => space_id !== undefined || space_key !== undefined,
      'Give space_id, or space_key',
    ),
  answer: () => z.object({ space: spaceSchema() }),
  change: async ({ space_id, ...params }, _origin, caller) => {
    const { gateway } = caller;
    const { spaceId } = findSpace(gateway, { space_id, space_key: params.space_key });
    const { name } = params;
    const patch = { ...newSpace(gateway, params), ...(name !== undefined && { name }) };
    return shown(await gateway.spaces.update(spaceId, patch), caller);
  },
});

const deleteSpaceRoute = changeRoute('delete', {
  path: '/spaces/delete',
  summary: 'Delete a space that no live access grant needs',
  scopes: ['control'],
  whole: true,
  params: z.strictObject({ space_id: z.string() }),
  answer: () => z.object({}),
  change: async ({ space_id }, _origin, { gateway }) => {
    await gateway.spaces.delete(space_id);
    return nothing;
  },
});

const addDevicesToSpaceRoute = changeRoute('update', {
  path: '/spaces/add_devices',
  summary: 'Add doors to a space; its live access grants are given them',
  scopes: ['control'],
  whole: true,
  params: doors,
  answer: () => z.object({}),
  change: async ({ space_id, device_ids }, _origin, { gateway }) => {
    await gateway.spaces.addDevices(space_id, knownDoors(gateway, device_ids));
    return nothing;
  },
});

const removeDevicesFromSpaceRoute = changeRoute('delete', {
  path: '/spaces/remove_devices',
  summary: 'Take doors out of a space; its live access grants lose them',
  scopes: ['control'],
  whole: true,
  params: doors,
  answer: () => z.object({}),
  change: async ({ space_id, device_ids }, _origin, { gateway }) => {
    await gateway.spaces.removeDevices(space_id, device_ids);
    return nothing;
  },
});

const getRelatedSpacesRoute = readRoute({
  path: '/spaces/get_related',
  summary: 'Get spaces with what belongs to them',
  scopes: ['read'],
  params: z.object({
    space_ids: z.array(z.string()).optional(),
    space_keys: z.array(z.string()).optional(),
    ...relationParameters,
  }),
  answer: () => z.object({ batch: batchSchema() }),
  respond: ({ space_ids = [], space_keys = [], ...choice }, caller) => {
    const { gateway, answers } = caller;
    const found = [
      ...space_ids.map((space_id) => findSpace(gateway, { space_id })),
      ...space_keys.map((space_key) => findSpace(gateway, { space_key })),
    ];
    const kinds = ['spaces', 'devices', 'access_methods', 'connected_accounts'] as const;
    return { batch: relatedTo(gateway, answers, { spaces: found }, kinds, choice, caller) };
  },
});

export function spaceRoutes(): Route[] {
  return [
    createSpaceRoute,
    getSpaceRoute,
    listSpacesRoute,
    updateSpaceRoute,
    deleteSpaceRoute,
    addDevicesToSpaceRoute,
    removeDevicesFromSpaceRoute,
    getRelatedSpacesRoute,
  ];
}

/** @throws GatewayError `space_not_found` */
export function findSpace(
  { spaces }: Gateway,
  { space_id, space_key }: { readonly space_id?: string | undefined; readonly space_key?: string | undefined },
): SpaceRecord {
  const found = space_id === undefined ? spaces.withKey(space_key ?? '') : spaces.get(space_id);
  if (found) return found;
  throw new GatewayError(
    'space_not_found',
    'There is no such space at this gateway: it was deleted, or never created here. List them with /spaces/list.',
  );
}

/** @throws GatewayError `device_not_found`, with nothing done */
export const knownDoors = (gateway: Gateway, deviceIds: readonly string[]): string[] =>
  deviceIds.map((device_id) => findDevice(gateway, { device_id }).deviceId);

function newSpace(
  gateway: Gateway,
  params: {
    readonly space_key?: string | undefined;
    readonly device_ids?: readonly string[] | undefined;
    readonly acs_entrance_ids?: readonly string[] | undefined;
    readonly customer_key?: string | undefined;
    readonly customer_data?: Readonly<Record<string, string | null | undefined>> | undefined;
    readonly parent_space_id?: string | undefined;
    readonly parent_space_key?: string | undefined;
  },
) {
  const { space_key, device_ids, acs_entrance_ids, customer_key, customer_data, parent_space_id, parent_space_key } =
    params;
  const hasParent = parent_space_id !== undefined || parent_space_key !== undefined;
  const parent = hasParent ? findSpace(gateway, { space_id: parent_space_id, space_key: parent_space_key }) : undefined;
  const hasDoors = device_ids !== undefined || acs_entrance_ids !== undefined;
  const given = Object.entries(customer_data ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return {
    ...(space_key !== undefined && { key: space_key }),
    ...(hasDoors && { deviceIds: knownDoors(gateway, [...(device_ids ?? []), ...(acs_entrance_ids ?? [])]) }),
    ...(parent && { parentSpaceId: parent.spaceId }),
    ...(customer_key !== undefined && { customerKey: customer_key }),
    ...(customer_data !== undefined && { customerData: Object.fromEntries(given) }),
  };
}

function selected(
  gateway: Gateway,
  params: {
    readonly customer_key?: string | undefined;
    readonly search?: string | undefined;
    readonly connected_account_id?: string | undefined;
    readonly space_key?: string | undefined;
    readonly parent_space_id?: string | undefined;
    readonly parent_space_key?: string | undefined;
  },
): SpaceRecord[] {
  const { customer_key, search = '', space_key, parent_space_id, parent_space_key, connected_account_id } = params;
  const ofAccount =
    connected_account_id === undefined ? undefined : new Set(devicesOfAccount(gateway, connected_account_id));
  const text = search.toLowerCase();
  const parentId = parent_space_key === undefined ? parent_space_id : gateway.spaces.withKey(parent_space_key)?.spaceId;
  const ofParent = parent_space_id !== undefined || parent_space_key !== undefined;
  return gateway.spaces
    .list()
    .filter(
      ({ spaceId, key, name, customerKey, parentSpaceId, deviceIds }) =>
        (ofAccount === undefined || deviceIds.some((id) => ofAccount.has(id))) &&
        (customer_key ?? customerKey) === customerKey &&
        (space_key ?? key) === key &&
        (!ofParent || (parentId !== undefined && parentSpaceId === parentId)) &&
        (text === '' || [spaceId, key, name].some((one) => one?.toLowerCase().includes(text))),
    );
}
