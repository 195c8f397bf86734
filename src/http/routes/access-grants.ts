import { z } from 'zod';
import { GatewayError, Secret } from '../../contract/index.ts';
import type { Gateway } from '../../model/gateway.ts';
import type { AccessGrantRecord } from '../../model/grant-records.ts';
import { accessGrantSchema } from '../../wire/access-grant.ts';
import { hoursOf, maxUsesParameter, scheduleSchema } from '../../wire/hours.ts';
import { pageByAge, pageParameters, paginationSchema } from '../page.ts';
import { moment, oneLine } from '../plain-parameters.ts';
import { type Caller, changeRoute, type Route, readRoute } from '../route.ts';
import { batchSchema, relatedTo, relationParameters } from './related.ts';
import { findSpace, knownDoors } from './spaces.ts';
import { person, personOf } from './user-identities.ts';

const key = oneLine.min(1).max(200);

const requestedMethods = z
  .array(
    z.strictObject({
      mode: z.enum(['code', 'card', 'mobile_key', 'cloud_key']),
      code: z
        .string()
        .regex(/^\d{1,32}$/, 'A code has digits only, as many as the locks take')
        .optional()
        .describe('Chosen by the gateway when left out.'),
      instant_key_max_use_count: z.number().int().min(1).optional(),
    }),
  )
  .min(1)
  .max(10);

const doors = {
  device_ids: z.array(z.string()).max(1_000).optional(),
  acs_entrance_ids: z
    .array(z.string())
    .max(1_000)
    .optional()
    .describe('Doors as well: here an entrance has the id of its device.'),
};

/** Unknown parameters are refused, above all a mistyped `ends_at`: the code would stay on the doors for ever. */
const newGrant = z
  .strictObject({
    user_identity_id: z.string().optional(),
    user_identity: z.strictObject(person).optional().describe('A new person, or the one who has the key already.'),
    ...doors,
    space_ids: z.array(z.string()).max(200).optional(),
    space_keys: z.array(z.string()).max(200).optional(),
    location_ids: z.array(z.string()).max(200).optional().describe('The older name of `space_ids`.'),
    requested_access_methods: requestedMethods,
    access_grant_key: key.optional().describe('Yours. Repeated with it, the answer is the same.'),
    reservation_key: key.optional(),
    name: oneLine.max(200).nullish(),
    starts_at: moment.optional().describe('From now on unless told.'),
    ends_at: moment.nullish().describe('Null or left out: open.'),
    strikeplate_schedule: scheduleSchema.optional(),
    max_uses: maxUsesParameter.optional().describe('Our own: how often each door lets each PIN in.'),
    customization_profile_id: z.string().optional().describe('Accepted; nothing here has a look of its own.'),
  })
  .refine(
    ({ user_identity_id, user_identity }) => (user_identity_id === undefined) !== (user_identity === undefined),
    'Give user_identity_id, or user_identity, and not both',
  )
  .refine(
    (params) =>
      [params.device_ids, params.acs_entrance_ids, params.space_ids, params.space_keys, params.location_ids].some(
        (ids) => ids !== undefined && ids.length > 0,
      ),
    'Give device_ids, space_ids or space_keys: a grant is for doors',
  );

const oneGrant = z
  .object({ access_grant_id: z.string().optional(), access_grant_key: z.string().optional() })
  .refine(
    ({ access_grant_id, access_grant_key }) => access_grant_id !== undefined || access_grant_key !== undefined,
    'Give access_grant_id or access_grant_key',
  );

const filters = {
  access_grant_ids: z.array(z.string()).optional(),
  user_identity_id: z.string().optional(),
  device_id: z.string().optional(),
  acs_entrance_id: z.string().optional(),
  space_id: z.string().optional(),
  location_id: z.string().optional(),
  access_code_id: z.string().optional(),
  access_grant_key: z.string().nullish(),
  reservation_key: z.string().optional(),
  customer_key: z.string().optional(),
  acs_system_id: z.string().optional(),
};

const nothing = { answer: () => ({}) };

const shown = (grant: AccessGrantRecord, caller: Caller) => ({
  answer: () => {
    const { gateway, answers } = caller;
    const now = gateway.accessGrants.get(grant.accessGrantId) ?? grant;
    return { access_grant: answers.grants.grant(now, caller) };
  },
});

const createAccessGrantRoute = changeRoute('create', {
  path: '/access_grants/create',
  summary: 'Let somebody in: doors, a time, and a PIN that the gateway brings to every lock',
  scopes: ['codes'],
  params: newGrant,
  answer: () => z.object({ access_grant: accessGrantSchema() }),
  change: async (params, _origin, caller) => {
    const { gateway } = caller;
    const { accessGrants } = gateway;
    const { user_identity_id, user_identity, requested_access_methods } = params;
    const grant = await accessGrants.create({
      user: user_identity_id === undefined ? personOf(user_identity ?? {}) : { userIdentityId: user_identity_id },
      deviceIds: knownDoors(gateway, [...(params.device_ids ?? []), ...(params.acs_entrance_ids ?? [])]),
      spaceIds: [
        ...[...(params.space_ids ?? []), ...(params.location_ids ?? [])].map((space_id) =>
          findSpace(gateway, { space_id }),
        ),
        ...(params.space_keys ?? []).map((space_key) => findSpace(gateway, { space_key })),
      ].map(({ spaceId }) => spaceId),
      requests: pins(requested_access_methods),
      ...(params.access_grant_key !== undefined && { key: params.access_grant_key }),
      ...(params.reservation_key !== undefined && { reservationKey: params.reservation_key }),
      ...(params.name != null && { name: params.name }),
      ...(params.starts_at !== undefined && { startsAt: Date.parse(params.starts_at) }),
      ...(params.ends_at != null && { endsAt: Date.parse(params.ends_at) }),
      ...(params.strikeplate_schedule && { hours: hoursOf(params.strikeplate_schedule) }),
      ...(params.max_uses !== undefined && { maxUses: params.max_uses }),
    });
    return shown(grant, caller);
  },
});

const getAccessGrantRoute = readRoute({
  path: '/access_grants/get',
  summary: 'Get an access grant by id or key',
  scopes: ['read', 'codes'],
  params: oneGrant,
  answer: () => z.object({ access_grant: accessGrantSchema() }),
  respond: (params, caller) => ({
    access_grant: caller.answers.grants.grant(findGrant(caller.gateway, params), caller),
  }),
});

const listAccessGrantsRoute = readRoute({
  path: '/access_grants/list',
  summary: 'List access grants, oldest first',
  scopes: ['read', 'codes'],
  params: z.object({ ...filters, ...pageParameters }),
  answer: () => z.object({ access_grants: z.array(accessGrantSchema()), pagination: paginationSchema() }),
  respond: (params, caller) => {
    const { gateway, answers } = caller;
    const { items, pagination } = pageByAge(
      { route: '/access_grants/list', url: caller.url, params },
      selected(gateway, params),
      ({ accessGrantId }) => accessGrantId,
    );
    return { access_grants: items.map((grant) => answers.grants.grant(grant, caller)), pagination };
  },
});

const updateAccessGrantRoute = changeRoute('update', {
  path: '/access_grants/update',
  summary: 'Change the name or the times of an access grant',
  scopes: ['codes'],
  params: z
    .strictObject({
      access_grant_id: z.string().optional(),
      access_grant_key: z.string().optional(),
      name: oneLine.max(200).nullable().optional(),
      starts_at: moment.optional(),
      ends_at: moment.nullable().optional().describe('Null: open.'),
      strikeplate_schedule: scheduleSchema.nullable().optional().describe('Our own; null: at any hour.'),
    })
    .refine(
      ({ access_grant_id, access_grant_key }) => access_grant_id !== undefined || access_grant_key !== undefined,
      'Give access_grant_id or access_grant_key',
    ),
  answer: () => z.object({ access_grant: accessGrantSchema() }),
  change: async (params, _origin, caller) => {
    const { access_grant_id, access_grant_key, name, starts_at, ends_at, strikeplate_schedule: hours } = params;
    const { gateway } = caller;
    const grant = findGrant(gateway, { access_grant_id, access_grant_key });
    await gateway.accessGrants.update(grant.accessGrantId, {
      name,
      startsAt: starts_at === undefined ? undefined : Date.parse(starts_at),
      endsAt: ends_at === undefined || ends_at === null ? ends_at : Date.parse(ends_at),
      hours: hours && hoursOf(hours),
    });
    return shown(grant, caller);
  },
});

const deleteAccessGrantRoute = changeRoute('delete', {
  path: '/access_grants/delete',
  summary: 'Take an access grant back: its codes go from every lock',
  scopes: ['codes'],
  params: z.strictObject({ access_grant_id: z.string() }),
  answer: () => z.object({}),
  change: async ({ access_grant_id }, _origin, { gateway }) => {
    await gateway.accessGrants.delete(access_grant_id);
    return nothing;
  },
});

const getRelatedAccessGrantsRoute = readRoute({
  path: '/access_grants/get_related',
  summary: 'Get access grants with the people, spaces, doors and PINs that belong to them',
  scopes: ['read', 'codes'],
  params: z.object({
    access_grant_ids: z.array(z.string()).optional(),
    access_grant_keys: z.array(z.string()).optional(),
    ...relationParameters,
  }),
  answer: () => z.object({ batch: batchSchema() }),
  respond: ({ access_grant_ids = [], access_grant_keys = [], ...choice }, caller) => {
    const { gateway, answers } = caller;
    const grants = [
      ...access_grant_ids.map((access_grant_id) => findGrant(gateway, { access_grant_id })),
      ...access_grant_keys.map((access_grant_key) => findGrant(gateway, { access_grant_key })),
    ];
    const kinds = ['spaces', 'devices', 'user_identities', 'access_methods', 'connected_accounts'] as const;
    return { batch: relatedTo(gateway, answers, { grants }, kinds, choice, caller) };
  },
});

const requestAccessMethodsRoute = changeRoute('create', {
  path: '/access_grants/request_access_methods',
  summary: 'Ask for one more PIN',
  scopes: ['codes'],
  params: z.strictObject({ access_grant_id: z.string(), requested_access_methods: requestedMethods }),
  answer: () => z.object({ access_grant: accessGrantSchema() }),
  change: async ({ access_grant_id, requested_access_methods }, _origin, caller) =>
    shown(await caller.gateway.accessGrants.requestMethods(access_grant_id, pins(requested_access_methods)), caller),
});

export function accessGrantRoutes(): Route[] {
  return [
    createAccessGrantRoute,
    getAccessGrantRoute,
    listAccessGrantsRoute,
    updateAccessGrantRoute,
    deleteAccessGrantRoute,
    getRelatedAccessGrantsRoute,
    requestAccessMethodsRoute,
  ];
}

/** @throws GatewayError `unsupported_action` for anything but a PIN, before anything is done */
function pins(requested: z.output<typeof requestedMethods>): { readonly code?: Secret }[] {
  const other = requested.find(({ mode }) => mode !== 'code');
  if (other) {
    throw new GatewayError(
      'unsupported_action',
      `requested_access_methods: ${other.mode} is not possible at this gateway, whose doors have keypads and no readers ` +
        'or phones. Ask for the mode code; nothing was done.',
    );
  }
  return requested.map(({ code }) => (code === undefined ? {} : { code: new Secret(code) }));
}

/** @throws GatewayError `access_grant_not_found` */
export function findGrant(
  { accessGrants }: Gateway,
  params: { readonly access_grant_id?: string | undefined; readonly access_grant_key?: string | undefined },
): AccessGrantRecord {
  const { access_grant_id, access_grant_key } = params;
  const found =
    access_grant_id === undefined ? accessGrants.withKey(access_grant_key ?? '') : accessGrants.get(access_grant_id);
  if (found) return found;
  throw new GatewayError(
    'access_grant_not_found',
    'There is no such access grant at this gateway: it was deleted, or never created here. See /access_grants/list.',
  );
}

const filterSchema = z.object(filters);

function* selected({ accessGrants, accessCodes }: Gateway, params: z.output<typeof filterSchema>) {
  const { access_grant_ids, access_code_id, user_identity_id, reservation_key } = params;
  const device_id = params.device_id ?? params.acs_entrance_id;
  const space_id = params.space_id ?? params.location_id;
  if (params.customer_key !== undefined || params.acs_system_id !== undefined) return;
  const ids = access_grant_ids && new Set(access_grant_ids);
  const grantOfCode = access_code_id === undefined ? undefined : accessCodes.get(access_code_id)?.grant?.accessGrantId;
  const of = { userIdentityId: user_identity_id, spaceId: space_id, deviceId: device_id };
  for (const grant of accessGrants.list(of)) {
    const { accessGrantId, key: own, reservationKey } = grant;
    if (ids?.has(accessGrantId) === false) continue;
    if (access_code_id !== undefined && grantOfCode !== accessGrantId) continue;
    if (params.access_grant_key != null && params.access_grant_key !== own) continue;
    if (reservation_key !== undefined && reservation_key !== reservationKey) continue;
    yield grant;
  }
}
