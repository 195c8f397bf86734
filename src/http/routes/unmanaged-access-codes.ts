import { z } from 'zod';
import { actionAttemptSchema } from '../../wire/action-attempt.ts';
import { unmanagedAccessCodeSchema } from '../../wire/unmanaged-access-code.ts';
import { paginationSchema } from '../page.ts';
import { changeRoute, commandRoute, type Route, readRoute } from '../route.ts';
import { codeListParameters, findCode, oneAccessCode, pageOfCodes } from './access-code-lookup.ts';
import { syncParameter } from './action-attempts.ts';

const base = '/access_codes/unmanaged';
const unsupported = 'Not supported by this gateway: leave it out, or send false';

/** Accepted and without effect: one gateway is one workspace. */
const force = z.boolean().optional();
const notModifiable = {
  allow_external_modification: z.literal(false, unsupported).optional(),
  is_external_modification_allowed: z.literal(false, unsupported).optional(),
};

/** Codes found on locks that this gateway did not put there. */
export function unmanagedAccessCodeRoutes(): Route[] {
  const convert = changeRoute('update', {
    path: `${base}/convert_to_managed`,
    summary: 'Take an access code over that was found on a lock',
    scopes: ['codes'],
    params: z.strictObject({ access_code_id: z.string(), force, ...notModifiable }),
    answer: () => z.object({}),
    change: async ({ access_code_id }, origin, { gateway }) => {
      await gateway.accessCodes.unmanaged.convert(access_code_id, origin);
      return { answer: () => ({}) };
    },
  });
  return [
    readRoute({
      path: `${base}/get`,
      summary: 'Get an access code that was found on a lock',
      scopes: ['read', 'codes'],
      params: oneAccessCode,
      answer: () => z.object({ access_code: unmanagedAccessCodeSchema() }),
      respond: (params, caller) => ({
        access_code: caller.answers.unmanagedAccessCode(
          findCode(caller.gateway.accessCodes.unmanaged, params, caller),
          caller,
        ),
      }),
    }),
    readRoute({
      path: `${base}/list`,
      summary: 'List access codes that were found on a lock',
      scopes: ['read', 'codes'],
      params: z.object({ ...codeListParameters, device_id: z.string() }),
      answer: () => z.object({ access_codes: z.array(unmanagedAccessCodeSchema()), pagination: paginationSchema() }),
      respond: (params, caller) => {
        const { gateway, answers } = caller;
        const { unmanaged } = gateway.accessCodes;
        const { items, pagination } = pageOfCodes(gateway, unmanaged, `${base}/list`, caller.url, params);
        return { access_codes: items.map((code) => answers.unmanagedAccessCode(code, caller)), pagination };
      },
    }),
    convert,
    changeRoute('update', {
      path: `${base}/update`,
      summary: 'Take an access code over that was found on a lock, as convert_to_managed does',
      scopes: ['codes'],
      params: z.strictObject({
        access_code_id: z.string(),
        is_managed: z.literal(true, 'A code that was found stays as it is until it is managed: send true'),
        force,
        ...notModifiable,
      }),
      answer: () => z.object({}),
      change: ({ access_code_id }, origin, caller) => convert.change({ access_code_id }, origin, caller),
    }),
    commandRoute('delete', {
      path: `${base}/delete`,
      summary: 'Take an access code off the lock on which it was found',
      scopes: ['codes'],
      params: z.strictObject({ access_code_id: z.string(), ...syncParameter }),
      answer: () => z.object({ action_attempt: actionAttemptSchema() }),
      accept: ({ access_code_id }, origin, { gateway }) => gateway.accessCodes.unmanaged.delete(access_code_id, origin),
      respond: (attempt, caller) => ({ action_attempt: caller.answers.attempt(attempt, caller) }),
    }),
  ];
}
