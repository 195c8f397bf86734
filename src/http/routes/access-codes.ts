import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../config/canonical-json.ts';
import { type Clock, GatewayError } from '../../contract/index.ts';
import type { AccessCodes, Gateway, Origin } from '../../model/gateway.ts';
import type { AccessCodeRecord, AttemptRecord } from '../../model/records.ts';
import { accessCodeSchema } from '../../wire/access-code.ts';
import { actionAttemptSchema } from '../../wire/action-attempt.ts';
import { paginationSchema } from '../page.ts';
import { type Caller, changeRoute, commandRoute, type Route, readRoute } from '../route.ts';
import {
  changedAccessCode,
  changedAccessCodes,
  codeListParameters,
  findCode,
  newAccessCode,
  newAccessCodes,
  noSuchCode,
  oneAccessCode,
  pageOfCodes,
  patchOf,
  requestedOf,
} from './access-code-lookup.ts';
import { syncParameter } from './action-attempts.ts';
import { findDevice } from './device-lookup.ts';

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
  answer: () => z.object({ access_code: accessCodeSchema().nullable(), action_attempt: actionAttemptSchema() }),
  accept: async ({ device_id, ...params }, origin, { gateway }) => {
    const { deviceId } = findDevice(gateway, { device_id });
    return (await gateway.accessCodes.create({ ...requestedOf(params), deviceId }, origin)).attempt;
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
  answer: () => z.object({ access_code: accessCodeSchema() }),
  respond: (params, caller) => ({
    access_code: caller.answers.accessCode(findCode(caller.gateway.accessCodes, params, caller), caller),
  }),
});

const listAccessCodesRoute = readRoute({
  path: '/access_codes/list',
  summary: 'List access codes, oldest first',
  scopes: ['read', 'codes'],
  params: listParameters,
  answer: () => z.object({ access_codes: z.array(accessCodeSchema()), pagination: paginationSchema() }),
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
  answer: () => z.object({ access_code: accessCodeSchema().nullable(), action_attempt: actionAttemptSchema() }),
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
  answer: () => z.object({ action_attempt: actionAttemptSchema() }),
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
  answer: () => z.object({ generated_code: z.object({ device_id: z.string(), code: z.string() }) }),
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
  summary: 'Give a guest a backup code that is on the lock already',
  scopes: ['codes'],
  params: z.strictObject({ access_code_id: z.string() }),
  answer: () => z.object({ access_code: accessCodeSchema(), backup_access_code: accessCodeSchema() }),
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

/** Codes of one stay on several doors. */
export function accessCodeGroupRoutes(clock: Clock): Route[] {
  const keys = new GroupKeys(clock);
  const answer = () =>
    z.object({ access_codes: z.array(accessCodeSchema()), action_attempts: z.array(actionAttemptSchema()) });
  const changed = (attempts: readonly AttemptRecord[], codes: readonly AccessCodeRecord[], caller: Caller) => {
    const { gateway, answers } = caller;
    return {
      attempts,
      answer: () => ({
        access_codes: codes.map((code) =>
          answers.accessCode(gateway.accessCodes.get(code.accessCodeId) ?? code, caller),
        ),
        action_attempts: attempts.map((attempt) =>
          answers.attempt(gateway.attempts.get(attempt.actionAttemptId) ?? attempt, caller),
        ),
      }),
    };
  };
  return [
    changeRoute('update', {
      path: '/access_codes/create_multiple',
      summary: 'Put one access code on several locks: all are accepted, or none',
      scopes: ['codes'],
      params: newAccessCodes,
      answer,
      change: async (params, origin, caller) => {
        const { gateway } = caller;
        const { accessCodes } = gateway;
        const { device_ids, behavior_when_code_cannot_be_shared: whenNotShareable = 'throw', ...rest } = params;
        const deviceIds = [...new Set(device_ids)].map((device_id) => findDevice(gateway, { device_id }).deviceId);
        const repeats = isRepetition(gateway, origin);
        const commonCodeKey = rest.common_code_key ?? keys.of(origin, params);
        if (repeats) return changed([], withKey(accessCodes, commonCodeKey), caller);
        const wish = { ...requestedOf(rest), commonCodeKey, deviceIds, whenNotShareable };
        const { attempts, codes } = await accessCodes.createMultiple(wish, origin);
        return changed(attempts, codes, caller);
      },
    }),
    changeRoute('update', {
      path: '/access_codes/update_multiple',
      summary: 'Change all access codes of one common_code_key',
      scopes: ['codes'],
      params: changedAccessCodes,
      answer,
      change: async ({ common_code_key, name, starts_at, ends_at }, origin, caller) => {
        const { accessCodes } = caller.gateway;
        const codes = withKey(accessCodes, common_code_key);
        if (codes.length === 0) throw noSuchCode();
        const patch = patchOf({ name, starts_at, ends_at });
        const attempts: AttemptRecord[] = [];
        const { idempotency: _, ...each } = origin;
        for (const { accessCodeId } of codes) attempts.push(await accessCodes.update(accessCodeId, patch, each));
        return changed(attempts, codes, caller);
      },
    }),
  ];
}

const withKey = (accessCodes: AccessCodes, key: string): AccessCodeRecord[] =>
  accessCodes.list().filter(({ commonCodeKey, removal }) => commonCodeKey === key && removal === undefined);

/** Whether the request was done before under its Idempotency-Key. @throws GatewayError `idempotency_key_reused` */
function isRepetition({ attempts }: Gateway, { idempotency }: Origin): boolean {
  const first = idempotency && attempts.idempotency(idempotency.scope);
  if (first !== undefined && first.fingerprint !== idempotency?.fingerprint)
    throw new GatewayError(
      'idempotency_key_reused',
      'This Idempotency-Key was used before with other parameters. Use a new one for a new request.',
    );
  return first !== undefined;
}

/** How long a repeated request without an Idempotency-Key counts as the same, in milliseconds (a guess). */
const sameRequestMs = 60_000;

/**
 * Gives the codes of one request their common key, and a repetition of the request the same one, which the gateway
 * answers with the codes that are there. The official client repeats a PUT by itself when its answer is lost.
 */
class GroupKeys {
  readonly #clock: Clock;
  readonly #recent = new Map<string, { readonly key: string; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of({ actor, idempotency }: Origin, params: unknown): string {
    if (idempotency !== undefined) return `idempotency_${idempotency.scope}`;
    const now = this.#clock.now();
    for (const [request, { at }] of this.#recent) if (now - at > sameRequestMs) this.#recent.delete(request);
    // The digest alone is held on to: the parameters may hold a PIN.
    const request = createHash('sha256')
      .update(canonicalJson([actor, params]))
      .digest('base64url');
    const known = this.#recent.get(request);
    if (known !== undefined) return known.key;
    const key = randomUUID();
    this.#recent.set(request, { key, at: now });
    return key;
  }
}
