import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { Gateway } from '../../model/gateway.ts';
import type { AccessMethodRecord } from '../../model/grant-records.ts';
import { accessMethodSchema } from '../../wire/access-method.ts';
import { actionAttemptSchema } from '../../wire/action-attempt.ts';
import { isoTime } from '../../wire/iso-time.ts';
import { InvalidInput } from '../invalid-input.ts';
import { changeRoute, commandRoute, type Route, readRoute } from '../route.ts';
import { findGrant } from './access-grants.ts';
import { syncParameter } from './action-attempts.ts';
import { findDevice } from './device-lookup.ts';
import { batchSchema, relatedTo, relationParameters } from './related.ts';

const nothing = { answer: () => ({}) };

const getAccessMethodRoute = readRoute({
  path: '/access_methods/get',
  summary: 'Get an access method: one PIN and the doors that it opens',
  scopes: ['read', 'codes'],
  params: z.object({ access_method_id: z.string() }),
  answer: () => z.object({ access_method: accessMethodSchema() }),
  respond: ({ access_method_id }, caller) => ({
    access_method: caller.answers.grants.method(findMethod(caller.gateway, access_method_id), caller),
  }),
});

const listAccessMethodsRoute = readRoute({
  path: '/access_methods/list',
  summary: 'List access methods, oldest first',
  scopes: ['read', 'codes'],
  params: z
    .object({
      access_grant_id: z.string().optional(),
      access_grant_key: z.string().optional(),
      device_id: z.string().optional(),
      acs_entrance_id: z.string().optional(),
      space_id: z.string().optional(),
      access_code_id: z.string().optional(),
    })
    .refine(
      (params) => Object.values(params).some((value) => value !== undefined),
      'Give access_grant_id, access_grant_key, device_id, space_id or access_code_id',
    ),
  answer: () => z.object({ access_methods: z.array(accessMethodSchema()) }),
  respond: (params, caller) => ({
    access_methods: selected(caller.gateway, params).map((method) => caller.answers.grants.method(method, caller)),
  }),
});

const deleteAccessMethodRoute = changeRoute('delete', {
  path: '/access_methods/delete',
  summary: 'Take one PIN away, or all of a grant or a reservation; the grant stays',
  scopes: ['codes'],
  params: z
    .strictObject({
      access_method_id: z.string().optional(),
      access_grant_id: z.string().optional(),
      reservation_key: z.string().optional(),
    })
    .refine(
      (params) => Object.values(params).filter((value) => value !== undefined).length === 1,
      'Give one of access_method_id, access_grant_id and reservation_key',
    ),
  answer: () => z.object({}),
  change: async ({ access_method_id, access_grant_id, reservation_key }, _origin, { gateway }) => {
    const { accessGrants } = gateway;
    const grants =
      access_grant_id !== undefined
        ? [findGrant(gateway, { access_grant_id })]
        : [...accessGrants.list()].filter(({ reservationKey }) => {
            return reservation_key !== undefined && reservationKey === reservation_key;
          });
    const ids =
      access_method_id === undefined
        ? grants.flatMap((grant) => accessGrants.methodsOf(grant.accessGrantId).map(idOf))
        : [access_method_id];
    for (const id of ids) await accessGrants.deleteMethod(id);
    return nothing;
  },
});

const getRelatedAccessMethodsRoute = readRoute({
  path: '/access_methods/get_related',
  summary: 'Get access methods with the grants, spaces and doors that belong to them',
  scopes: ['read', 'codes'],
  params: z.object({ access_method_ids: z.array(z.string()), ...relationParameters }),
  answer: () => z.object({ batch: batchSchema() }),
  respond: ({ access_method_ids, ...choice }, caller) => {
    const { gateway, answers } = caller;
    const methods = access_method_ids.map((id) => findMethod(gateway, id));
    const kinds = ['spaces', 'devices', 'access_grants', 'access_methods'] as const;
    return { batch: relatedTo(gateway, answers, { methods }, kinds, choice, caller) };
  },
});

const unlockDoorAccessMethodRoute = commandRoute('create', {
  path: '/access_methods/unlock_door',
  summary: 'Unlock a door of an access method, while its grant lasts',
  scopes: ['control'],
  params: z.strictObject({
    access_method_id: z.string(),
    acs_entrance_id: z.string().describe('Here the id of the door’s device.'),
    ...syncParameter,
  }),
  answer: () => z.object({ action_attempt: actionAttemptSchema() }),
  accept: async ({ access_method_id, acs_entrance_id }, origin, { gateway }) => {
    const method = findMethod(gateway, access_method_id);
    const { deviceId, name } = findDevice(gateway, { device_id: acs_entrance_id });
    if (!method.doors.some((door) => door.deviceId === deviceId)) {
      throw new InvalidInput(`acs_entrance_id: ${name} is no door of this access method. See strikeplate_doors.`);
    }
    assertNow(gateway, method);
    return gateway.doors.unlock(deviceId, origin);
  },
  respond: (attempt, caller) => ({ action_attempt: caller.answers.attempt(attempt, caller) }),
});

export function accessMethodRoutes(): Route[] {
  return [
    getAccessMethodRoute,
    listAccessMethodsRoute,
    deleteAccessMethodRoute,
    getRelatedAccessMethodsRoute,
    unlockDoorAccessMethodRoute,
  ];
}

/** @throws InvalidInput when the grant's time has not come, or is over */
function assertNow({ accessGrants, clock }: Gateway, { accessGrantId, removal }: AccessMethodRecord): void {
  const grant = accessGrants.get(accessGrantId);
  const now = clock.wallTime();
  if (!grant || grant.removal || removal) throw new InvalidInput('access_method_id: it is being deleted.');
  if (now < grant.startsAt) {
    throw new InvalidInput(
      `access_method_id: its grant begins at ${isoTime(grant.startsAt)}; until then it opens nothing.`,
    );
  }
  if (grant.endsAt !== undefined && now >= grant.endsAt) {
    throw new InvalidInput(`access_method_id: its grant ended at ${isoTime(grant.endsAt)}.`);
  }
}

const idOf = ({ accessMethodId }: AccessMethodRecord): string => accessMethodId;

/** @throws GatewayError `access_method_not_found` */
function findMethod({ accessGrants }: Gateway, accessMethodId: string): AccessMethodRecord {
  const found = accessGrants.method(accessMethodId);
  if (found) return found;
  throw new GatewayError(
    'access_method_not_found',
    'There is no such access method at this gateway: it was deleted, or never created here. See /access_methods/list.',
  );
}

function selected(
  gateway: Gateway,
  params: {
    readonly access_grant_id?: string | undefined;
    readonly access_grant_key?: string | undefined;
    readonly device_id?: string | undefined;
    readonly acs_entrance_id?: string | undefined;
    readonly space_id?: string | undefined;
    readonly access_code_id?: string | undefined;
  },
): AccessMethodRecord[] {
  const { accessGrants } = gateway;
  const { access_grant_id, access_grant_key, space_id, access_code_id } = params;
  const device_id = params.device_id ?? params.acs_entrance_id;
  const ofOne = access_grant_id !== undefined || access_grant_key !== undefined;
  const grants = ofOne ? [findGrant(gateway, params)] : [...accessGrants.list({ spaceId: space_id })];
  return grants
    .filter(({ spaceIds }) => space_id === undefined || spaceIds.includes(space_id))
    .flatMap(({ accessGrantId }) => accessGrants.methodsOf(accessGrantId))
    .filter(
      ({ doors }) =>
        (device_id === undefined || doors.some(({ deviceId }) => deviceId === device_id)) &&
        (access_code_id === undefined || doors.some(({ accessCodeId }) => accessCodeId === access_code_id)),
    );
}
