import { z } from 'zod';
import type { Gateway } from '../../model/gateway.ts';
import type { AccessCodeRecord } from '../../model/records.ts';
import { accessCodeSchema } from '../../wire/access-code.ts';
import { actionAttemptSchema } from '../../wire/action-attempt.ts';
import { paginationSchema } from '../page.ts';
import { changeRoute, commandRoute, type Route, readRoute } from '../route.ts';
import { codeListParameters, findCode, noSuchCode, oneAccessCode, pageOfCodes } from './access-code-lookup.ts';
import { changedAccessCode, newAccessCode, patchOf, wishOf } from './access-code-parameters.ts';
import { findDevice } from './device-lookup.ts';
import { syncParameter } from './sync-parameter.ts';

const listParameters = z
  .object({
    access_code_ids: z.array(z.string()).optional(),
    access_grant_id: z.string().optional(),
    access_grant_key: z.string().optional(),
    access_method_id: z.string().optional(),
    customer_key: z.string().optional().describe('There are no customers here: set, it finds nothing.'),
    ...codeListParameters,
  })
  .refine(
    (params) =>
      [
        params.device_id,
        params.access_code_ids,
        params.access_grant_id,
        params.access_grant_key,
        params.access_method_id,
        params.customer_key,
      ].some((value) => value !== undefined),
    'Give device_id, access_code_ids, access_grant_id, access_grant_key or access_method_id',
  );

const createAccessCodeRoute = commandRoute('create', {
  path: '/access_codes/create',
  summary: 'Put an access code on a lock',
  scopes: ['codes'],
  params: newAccessCode,
  answer: z.object({ access_code: accessCodeSchema.nullable(), action_attempt: actionAttemptSchema }),
  accept: async ({ device_id, ...params }, origin, { gateway }) => {
    const { deviceId } = findDevice(gateway, { device_id });
    return (await gateway.accessCodes.create({ ...wishOf(params), deviceId }, origin)).attempt;
  },
  respond: (attempt, caller) => ({
    // Null only when an old request is repeated after its code was removed.
    access_code: caller.answers.accessCodeOf(attempt, caller),
    action_attempt: caller.answers.attempt(attempt, caller),
  }),
});

const getAccessCodeRoute = readRoute({
  path: '/access_codes/get',
  summary: 'Get an access code by its id, or by its device and digits',
  scopes: ['read', 'codes'],
  params: oneAccessCode,
  answer: z.object({ access_code: accessCodeSchema }),
  respond: (params, caller) => ({
    access_code: caller.answers.accessCode(findCode(caller.gateway.accessCodes, params, caller), caller),
  }),
});

const listAccessCodesRoute = readRoute({
  path: '/access_codes/list',
  summary: 'List access codes, oldest first',
  scopes: ['read', 'codes'],
  params: listParameters,
  answer: z.object({ access_codes: z.array(accessCodeSchema), pagination: paginationSchema }),
  respond: (params, caller) => {
    const { gateway, answers } = caller;
    const { accessCodes } = gateway;
    const source = {
      get: (id: string) => accessCodes.get(id),
      reveal: (code: AccessCodeRecord) => accessCodes.reveal(code),
      list: (deviceId?: string) => codesOf(gateway, params, deviceId),
    };
    const { items, pagination } = pageOfCodes(gateway, source, '/access_codes/list', caller.url, params);
    return { access_codes: items.map((code) => answers.accessCode(code, caller)), pagination };
  },
});

const updateAccessCodeRoute = commandRoute('update', {
  path: '/access_codes/update',
  summary: 'Change an access code: its name, its digits, its times',
  scopes: ['codes'],
  params: changedAccessCode,
  answer: z.object({ access_code: accessCodeSchema.nullable(), action_attempt: actionAttemptSchema }),
  accept: async ({ access_code_id, device_id, ...params }, origin, { gateway: { accessCodes } }) => {
    const code = accessCodes.get(access_code_id);
    if (code === undefined || (device_id ?? code.deviceId) !== code.deviceId) throw noSuchCode();
    return accessCodes.update(access_code_id, patchOf(params), origin);
  },
  respond: (attempt, caller) => ({
    access_code: caller.answers.accessCodeOf(attempt, caller),
    action_attempt: caller.answers.attempt(attempt, caller),
  }),
});

const deleteAccessCodeRoute = commandRoute('delete', {
  path: '/access_codes/delete',
  summary: 'Take an access code off its lock',
  scopes: ['codes'],
  params: z.strictObject({ access_code_id: z.string(), device_id: z.string().optional(), ...syncParameter }),
  answer: z.object({ action_attempt: actionAttemptSchema }),
  accept: async ({ access_code_id, device_id }, origin, { gateway: { accessCodes } }) => {
    // One that is gone may be a repetition, which is answered with the removal it had.
    const code = accessCodes.get(access_code_id);
    if (code !== undefined && (device_id ?? code.deviceId) !== code.deviceId) throw noSuchCode();
    return accessCodes.delete(access_code_id, origin);
  },
  respond: (attempt, caller) => ({ action_attempt: caller.answers.attempt(attempt, caller) }),
});

const generateCodeRoute = readRoute({
  path: '/access_codes/generate_code',
  summary: 'Choose digits that a lock would accept; nothing is kept of them',
  scopes: ['codes'],
  params: z.object({ device_id: z.string(), preferred_code_length: z.number().int().min(1).max(32).optional() }),
  answer: z.object({ generated_code: z.object({ device_id: z.string(), code: z.string() }) }),
  respond: ({ device_id, preferred_code_length }, { gateway }) => {
    const { deviceId } = findDevice(gateway, { device_id });
    return {
      generated_code: {
        device_id: deviceId,
        code: gateway.accessCodes.generateCode(deviceId, preferred_code_length).reveal(),
      },
    };
  },
});

const pullBackupAccessCodeRoute = changeRoute('create', {
  path: '/access_codes/pull_backup_access_code',
  summary: 'Give a guest a spare code that is on the lock already',
  scopes: ['codes'],
  params: z.strictObject({ access_code_id: z.string() }),
  answer: z.object({ access_code: accessCodeSchema, backup_access_code: accessCodeSchema }),
  change: async ({ access_code_id }, origin, caller) => {
    const { gateway, answers } = caller;
    const { code, backup } = await gateway.accessCodes.pullBackup(access_code_id, origin);
    return {
      answer: () => ({
        access_code: answers.accessCode(code, caller),
        backup_access_code: answers.accessCode(backup, caller),
      }),
    };
  },
});

export function accessCodeRoutes(): Route[] {
  return [
    createAccessCodeRoute,
    getAccessCodeRoute,
    listAccessCodesRoute,
    updateAccessCodeRoute,
    deleteAccessCodeRoute,
    generateCodeRoute,
    pullBackupAccessCodeRoute,
  ];
}

/** Those of a grant or a method, where one is asked for. */
function codesOf(
  { accessCodes, accessGrants }: Gateway,
  params: {
    readonly access_grant_id?: string | undefined;
    readonly access_grant_key?: string | undefined;
    readonly access_method_id?: string | undefined;
    readonly customer_key?: string | undefined;
  },
  deviceId: string | undefined,
): readonly AccessCodeRecord[] {
  const { access_grant_id, access_grant_key, access_method_id, customer_key } = params;
  if (customer_key !== undefined) return [];
  const ofKey =
    access_grant_key === undefined ? undefined : (accessGrants.withKey(access_grant_key)?.accessGrantId ?? '');
  return accessCodes
    .list(deviceId)
    .filter(
      ({ grant }) =>
        (access_grant_id === undefined || grant?.accessGrantId === access_grant_id) &&
        (ofKey === undefined || grant?.accessGrantId === ofKey) &&
        (access_method_id === undefined || grant?.accessMethodId === access_method_id),
    );
}
