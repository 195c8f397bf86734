import { z } from 'zod';
import { GatewayError, Secret } from '../../contract/index.ts';
import type { Gateway } from '../../gateway/ports.ts';
import type { AccessCodeRecord } from '../../store/records.ts';
import { accessCodeSchema } from '../../wire/access-code.ts';
import { actionAttemptSchema } from '../../wire/action-attempt.ts';
import type { Answers } from '../../wire/answers.ts';
import { pageOf, pageParameters, paginationSchema } from '../page.ts';
import { commandRoute, type Route, readRoute } from '../route.ts';
import { findDevice } from './device-lookup.ts';
import { newAccessCode, newAccessCodeFrom } from './new-access-code.ts';
import { syncParameter } from './sync-parameter.ts';

const noSuchCode = () =>
  new GatewayError(
    'access_code_not_found',
    'There is no such access code at this gateway: it was removed, or never created here.',
  );

const oneAccessCode = z
  .object({ access_code_id: z.string().optional(), device_id: z.string().optional(), code: z.string().optional() })
  .refine(
    ({ access_code_id, device_id, code }) =>
      access_code_id !== undefined || (device_id !== undefined && code !== undefined),
    'Give access_code_id, or device_id together with code',
  );

const listParameters = z
  .object({
    device_id: z.string().optional(),
    access_code_ids: z.array(z.string()).optional(),
    search: z.string().optional().describe('Part of the name.'),
    ...pageParameters,
  })
  .refine(
    ({ device_id, access_code_ids }) => device_id !== undefined || access_code_ids !== undefined,
    'Give device_id or access_code_ids',
  );

export function accessCodeRoutes(gateway: Gateway, answers: Answers): Route[] {
  const { accessCodes } = gateway;
  return [
    commandRoute('create', {
      path: '/access_codes/create',
      summary: 'Put an access code on a lock',
      scopes: ['codes'],
      params: newAccessCode,
      answer: z.object({ access_code: accessCodeSchema.nullable(), action_attempt: actionAttemptSchema }),
      accept: async (params, origin) => {
        findDevice(gateway, { device_id: params.device_id });
        return (await accessCodes.create(newAccessCodeFrom(params), origin)).attempt;
      },
      respond: (attempt, caller) => ({
        // Null only when an old request is repeated after its code was removed.
        access_code: answers.accessCodeOf(attempt, caller),
        action_attempt: answers.attempt(attempt, caller),
      }),
    }),
    readRoute({
      path: '/access_codes/get',
      summary: 'Get an access code by its id, or by its device and digits',
      scopes: ['read', 'codes'],
      params: oneAccessCode,
      answer: z.object({ access_code: accessCodeSchema }),
      respond: ({ access_code_id, device_id, code }, caller) => {
        if (access_code_id === undefined && !caller.may('codes'))
          // Otherwise a key that may not see digits could find them by trying.
          throw new GatewayError(
            'insufficient_scope',
            'Looking an access code up by its digits needs the scope codes. Give access_code_id instead.',
          );
        const found =
          access_code_id === undefined
            ? withDigits(gateway, device_id ?? '', new Secret(code ?? ''))
            : accessCodes.get(access_code_id);
        if (found === undefined) throw noSuchCode();
        return { access_code: answers.accessCode(found, caller) };
      },
    }),
    readRoute({
      path: '/access_codes/list',
      summary: 'List access codes, oldest first',
      scopes: ['read', 'codes'],
      params: listParameters,
      answer: z.object({ access_codes: z.array(accessCodeSchema), pagination: paginationSchema }),
      respond: (params, caller) => {
        const selected = select(gateway, params);
        const { items, pagination } = pageOf(
          { route: '/access_codes/list', url: caller.url, params },
          (after, count) => {
            const from = after === undefined ? 0 : selected.findIndex((code) => positionOf(code) > after);
            return from < 0 ? [] : selected.slice(from, from + count);
          },
          positionOf,
        );
        return { access_codes: items.map((code) => answers.accessCode(code, caller)), pagination };
      },
    }),
    commandRoute('delete', {
      path: '/access_codes/delete',
      summary: 'Take an access code off its lock',
      scopes: ['codes'],
      params: z.strictObject({ access_code_id: z.string(), device_id: z.string().optional(), ...syncParameter }),
      answer: z.object({ action_attempt: actionAttemptSchema }),
      accept: async ({ access_code_id, device_id }, origin) => {
        const code = accessCodes.get(access_code_id);
        if (code === undefined || (device_id !== undefined && code.deviceId !== device_id)) throw noSuchCode();
        return accessCodes.delete(access_code_id, origin);
      },
      respond: (attempt, caller) => ({ action_attempt: answers.attempt(attempt, caller) }),
    }),
  ];
}

function withDigits({ accessCodes }: Gateway, deviceId: string, digits: Secret): AccessCodeRecord | undefined {
  return accessCodes.list(deviceId).find((code) => accessCodes.reveal(code).equals(digits));
}

/** Where a code stands in the order of lists; texts of one length, so that they compare like the numbers in them. */
const positionOf = ({ createdAt, accessCodeId }: AccessCodeRecord): string =>
  `${String(createdAt).padStart(16, '0')} ${accessCodeId}`;

function select({ accessCodes, devices }: Gateway, wanted: z.output<typeof listParameters>): AccessCodeRecord[] {
  const { device_id, access_code_ids, search } = wanted;
  if (device_id !== undefined && devices.get(device_id) === undefined)
    throw new GatewayError('device_not_found', 'There is no such device at this gateway. See /devices/list.');
  const ids = access_code_ids === undefined ? undefined : new Set(access_code_ids);
  const text = search?.toLowerCase();
  return accessCodes
    .list(device_id)
    .filter(
      ({ accessCodeId, name }) =>
        ids?.has(accessCodeId) !== false &&
        (text === undefined || text === '' || (name ?? '').toLowerCase().includes(text)),
    )
    .sort((a, b) => (positionOf(a) < positionOf(b) ? -1 : 1));
}
