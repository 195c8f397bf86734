import { z } from 'zod';
import { GatewayError, Secret } from '../../contract/index.ts';
import type { Gateway } from '../../model/gateway.ts';
import { type Page, pageOf, pageParameters } from '../page.ts';
import type { Caller } from '../route.ts';

/** What managed and unmanaged codes have in common. */
interface Code {
  readonly accessCodeId: string;
  readonly deviceId: string;
  readonly name: string | undefined;
  readonly createdAt: number;
}

/** A port of codes, seen only as far as it can be looked through. */
interface CodeSource<Found extends Code> {
  get(accessCodeId: string): Found | undefined;
  list(deviceId?: string): readonly Found[];
  reveal(code: Found): Secret | undefined;
}

export const noSuchCode = (): GatewayError =>
  new GatewayError(
    'access_code_not_found',
    'There is no such access code at this gateway: it was removed, or never created here.',
  );

export const oneAccessCode = z
  .object({ access_code_id: z.string().optional(), device_id: z.string().optional(), code: z.string().optional() })
  .refine(
    ({ access_code_id, device_id, code }) =>
      access_code_id !== undefined || (device_id !== undefined && code !== undefined),
    'Give access_code_id, or device_id together with code',
  );

/** @throws GatewayError `access_code_not_found`, `insufficient_scope` */
export function findCode<Found extends Code>(
  source: CodeSource<Found>,
  { access_code_id, device_id, code }: z.output<typeof oneAccessCode>,
  caller: Caller,
): Found {
  // Otherwise a key that may not see digits could find them by trying.
  if (access_code_id === undefined && !caller.may('codes'))
    throw new GatewayError(
      'insufficient_scope',
      'Looking an access code up by its digits needs the scope codes. Give access_code_id instead.',
    );
  const digits = new Secret(code ?? '');
  const found =
    access_code_id === undefined
      ? source.list(device_id).find((candidate) => source.reveal(candidate)?.equals(digits))
      : source.get(access_code_id);
  if (found === undefined || (access_code_id !== undefined && (device_id ?? found.deviceId) !== found.deviceId))
    throw noSuchCode();
  return found;
}

export const codeListParameters = {
  device_id: z.string().optional(),
  search: z.string().optional().describe('Part of the name, or of the id.'),
  user_identifier_key: z.string().optional(),
  ...pageParameters,
};

/** Oldest first. @throws GatewayError `device_not_found`, `mismatched_page_parameters` */
export function pageOfCodes<Found extends Code>(
  { devices }: Gateway,
  source: CodeSource<Found>,
  route: string,
  url: string,
  params: {
    readonly device_id?: string | undefined;
    readonly access_code_ids?: readonly string[] | undefined;
    readonly search?: string | undefined;
    readonly user_identifier_key?: string | undefined;
    readonly limit?: number | undefined;
    readonly page_cursor?: string | undefined;
  },
): Page<Found> {
  const { device_id, access_code_ids, search, user_identifier_key } = params;
  if (device_id !== undefined && devices.get(device_id) === undefined)
    throw new GatewayError('device_not_found', 'There is no such device at this gateway. See /devices/list.');
  const ids = access_code_ids === undefined ? undefined : new Set(access_code_ids);
  const text = (search ?? '').toLowerCase();
  const selected = source
    .list(device_id)
    .filter(
      ({ accessCodeId, name }) =>
        // There are no users here that a code could belong to.
        user_identifier_key === undefined &&
        ids?.has(accessCodeId) !== false &&
        (text === '' || (name ?? '').toLowerCase().includes(text) || accessCodeId.includes(text)),
    )
    .sort((a, b) => (positionOf(a) < positionOf(b) ? -1 : 1));
  return pageOf(
    { route, url, params },
    (after, count) => {
      const from = after === undefined ? 0 : selected.findIndex((code) => positionOf(code) > after);
      return from < 0 ? [] : selected.slice(from, from + count);
    },
    positionOf,
  );
}

/** Where a code stands in the order of lists; texts of one length, so that they compare like the numbers in them. */
const positionOf = ({ createdAt, accessCodeId }: Code): string =>
  `${String(createdAt).padStart(16, '0')} ${accessCodeId}`;
