import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { Gateway } from '../../model/gateway.ts';
import type { UserIdentity } from '../../model/grants.ts';
import { deviceSchema } from '../../wire/device.ts';
import { userIdentitySchema } from '../../wire/user-identity.ts';
import { pageByAge, pageParameters, paginationSchema } from '../page.ts';
import { moment, oneLine } from '../plain-parameters.ts';
import { changeRoute, type Route, readRoute } from '../route.ts';
import { devicesOf, findDevice } from './device-lookup.ts';

const key = oneLine.min(1).max(200);
const phone = oneLine.regex(/^\+?[0-9 ()./-]{3,40}$/, 'Give a phone number, such as +41 44 668 18 00');

/** What names a person, as creating takes it and as a grant takes it for a new one. */
export const person = {
  user_identity_key: key.nullish(),
  full_name: oneLine.min(1).max(200).nullish(),
  email_address: z.email('Give a mail address').max(320).nullish(),
  phone_number: phone.nullish(),
};

const accessSystems = z
  .array(z.string())
  .max(0, 'There are no access systems at this gateway: leave it out')
  .optional();

export const personOf = (params: {
  readonly user_identity_key?: string | null | undefined;
  readonly full_name?: string | null | undefined;
  readonly email_address?: string | null | undefined;
  readonly phone_number?: string | null | undefined;
}) => ({
  ...(params.user_identity_key != null && { key: params.user_identity_key }),
  ...(params.full_name != null && { fullName: params.full_name }),
  ...(params.email_address != null && { emailAddress: params.email_address }),
  ...(params.phone_number != null && { phoneNumber: params.phone_number }),
});

const oneIdentity = z
  .object({ user_identity_id: z.string().optional(), user_identity_key: z.string().optional() })
  .refine(
    ({ user_identity_id, user_identity_key }) => user_identity_id !== undefined || user_identity_key !== undefined,
    'Give user_identity_id or user_identity_key',
  );

const deviceOfIdentity = z.strictObject({ user_identity_id: z.string(), device_id: z.string() });

const nothing = { answer: () => ({}) };

const createUserIdentityRoute = changeRoute('create', {
  path: '/user_identities/create',
  summary: 'Make a person known, for access grants',
  scopes: ['codes'],
  whole: true,
  params: z.strictObject({ ...person, acs_system_ids: accessSystems }),
  answer: () => z.object({ user_identity: userIdentitySchema() }),
  change: async (params, _origin, { gateway, answers }) => {
    const identity = await gateway.userIdentities.create(personOf(params));
    return { answer: () => ({ user_identity: answers.grants.userIdentity(identity) }) };
  },
});

const getUserIdentityRoute = readRoute({
  path: '/user_identities/get',
  summary: 'Get a person by id or key',
  scopes: ['read', 'codes'],
  whole: true,
  params: oneIdentity,
  answer: () => z.object({ user_identity: userIdentitySchema() }),
  respond: (params, { gateway, answers }) => ({
    user_identity: answers.grants.userIdentity(findIdentity(gateway, params)),
  }),
});

const listUserIdentitiesRoute = readRoute({
  path: '/user_identities/list',
  summary: 'List people, oldest first',
  scopes: ['read', 'codes'],
  whole: true,
  params: z.object({
    user_identity_ids: z.array(z.string()).optional(),
    search: z.string().optional().describe('Part of a name, a mail address, a phone number, a key or an id.'),
    created_before: moment.optional(),
    credential_manager_acs_system_id: z.string().optional(),
    ...pageParameters,
  }),
  answer: () => z.object({ user_identities: z.array(userIdentitySchema()), pagination: paginationSchema() }),
  respond: (params, { gateway, answers, url }) => {
    const { items, pagination } = pageByAge(
      { route: '/user_identities/list', url, params },
      selected(gateway, params),
      ({ userIdentityId }) => userIdentityId,
    );
    return { user_identities: items.map((identity) => answers.grants.userIdentity(identity)), pagination };
  },
});

const updateUserIdentityRoute = changeRoute('update', {
  path: '/user_identities/update',
  summary: 'Change what is known of a person; null takes away',
  scopes: ['codes'],
  whole: true,
  params: z.strictObject({ user_identity_id: z.string(), ...person }),
  answer: () => z.object({}),
  change: async ({ user_identity_id, ...params }, _origin, { gateway }) => {
    await gateway.userIdentities.update(user_identity_id, {
      key: params.user_identity_key,
      fullName: params.full_name,
      emailAddress: params.email_address,
      phoneNumber: params.phone_number,
    });
    return nothing;
  },
});

const deleteUserIdentityRoute = changeRoute('delete', {
  path: '/user_identities/delete',
  summary: 'Forget a person who has no live access grant any more',
  scopes: ['codes'],
  whole: true,
  params: z.strictObject({ user_identity_id: z.string() }),
  answer: () => z.object({}),
  change: async ({ user_identity_id }, _origin, { gateway }) => {
    await gateway.userIdentities.delete(user_identity_id);
    return nothing;
  },
});

const grantAccessToDeviceRoute = changeRoute('update', {
  path: '/user_identities/grant_access_to_device',
  summary: 'Associate a door with a person; it opens nothing by itself',
  scopes: ['codes'],
  whole: true,
  params: deviceOfIdentity,
  answer: () => z.object({}),
  change: async ({ user_identity_id, device_id }, _origin, { gateway }) => {
    const { deviceId } = findDevice(gateway, { device_id });
    await gateway.userIdentities.grantAccessToDevice(user_identity_id, deviceId);
    return nothing;
  },
});

const revokeAccessToDeviceRoute = changeRoute('delete', {
  path: '/user_identities/revoke_access_to_device',
  summary: 'Take that association away',
  scopes: ['codes'],
  whole: true,
  params: deviceOfIdentity,
  answer: () => z.object({}),
  change: async ({ user_identity_id, device_id }, _origin, { gateway }) => {
    await gateway.userIdentities.revokeAccessToDevice(user_identity_id, device_id);
    return nothing;
  },
});

const listAccessibleDevicesRoute = readRoute({
  path: '/user_identities/list_accessible_devices',
  summary: 'List the doors of a person: associated, and those of live access grants',
  scopes: ['read', 'codes'],
  whole: true,
  params: z.object({ user_identity_id: z.string() }),
  answer: () => z.object({ devices: z.array(deviceSchema()), accessible_devices: z.array(deviceSchema()) }),
  respond: ({ user_identity_id }, { gateway, answers }) => {
    const ids = new Set(gateway.userIdentities.accessibleDevices(user_identity_id));
    const devices = devicesOf(gateway, true)
      .filter(({ deviceId }) => ids.has(deviceId))
      .map((device) => answers.device(device));
    return { devices, accessible_devices: devices };
  },
});

export function userIdentityRoutes(): Route[] {
  return [
    createUserIdentityRoute,
    getUserIdentityRoute,
    listUserIdentitiesRoute,
    updateUserIdentityRoute,
    deleteUserIdentityRoute,
    grantAccessToDeviceRoute,
    revokeAccessToDeviceRoute,
    listAccessibleDevicesRoute,
  ];
}

function findIdentity(
  { userIdentities }: Gateway,
  { user_identity_id, user_identity_key }: z.output<typeof oneIdentity>,
): UserIdentity {
  const found =
    user_identity_id === undefined
      ? userIdentities.withKey(user_identity_key ?? '')
      : userIdentities.get(user_identity_id);
  if (found) return found;
  throw new GatewayError(
    'user_identity_not_found',
    'There is no such person at this gateway: they were deleted, or never created here. See /user_identities/list.',
  );
}

function selected(
  { userIdentities }: Gateway,
  params: {
    readonly user_identity_ids?: readonly string[] | undefined;
    readonly search?: string | undefined;
    readonly created_before?: string | undefined;
    readonly credential_manager_acs_system_id?: string | undefined;
  },
): UserIdentity[] {
  const { user_identity_ids, search = '', created_before, credential_manager_acs_system_id } = params;
  if (credential_manager_acs_system_id !== undefined) return [];
  const ids = user_identity_ids && new Set(user_identity_ids);
  const text = search.toLowerCase();
  const before = created_before === undefined ? Number.POSITIVE_INFINITY : Date.parse(created_before);
  return userIdentities
    .list()
    .filter(({ userIdentityId, key: own, fullName, emailAddress, phoneNumber, createdAt }) => {
      const texts = [userIdentityId, own, fullName, emailAddress, phoneNumber];
      return (
        ids?.has(userIdentityId) !== false &&
        createdAt < before &&
        (text === '' || texts.some((one) => one?.toLowerCase().includes(text)))
      );
    });
}
