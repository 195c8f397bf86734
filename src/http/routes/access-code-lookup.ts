import { z } from 'zod';
import { GatewayError, Secret } from '../../contract/index.ts';
import type { AccessCodePatch, AccessCodeRequest, Gateway } from '../../model/gateway.ts';
import { hoursOf, maxUsesParameter, scheduleSchema } from '../../wire/hours.ts';
import { type Page, pageByAge, pageParameters } from '../page.ts';
import { moment, oneLine } from '../plain-parameters.ts';
import type { Caller } from '../route.ts';
import { syncParameter } from './action-attempts.ts';

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
  const selected = source.list(device_id).filter(
    ({ accessCodeId, name }) =>
      // There are no users here that a code could belong to.
      user_identifier_key === undefined &&
      ids?.has(accessCodeId) !== false &&
      (text === '' || (name ?? '').toLowerCase().includes(text) || accessCodeId.includes(text)),
  );
  return pageByAge({ route, url, params }, selected, ({ accessCodeId }) => accessCodeId);
}

const unsupported = 'Not supported by this gateway: leave it out, or send false';

const name = oneLine.max(200).optional();
const digits = z
  .string()
  .regex(/^\d{1,32}$/, 'A code has digits only, as many as the lock takes')
  .optional();

/** Those that would change what the code is and are not supported are refused when they are set. */
const refused = {
  allow_external_modification: z.literal(false, unsupported).optional(),
  is_external_modification_allowed: z.literal(false, unsupported).optional(),
  is_offline_access_code: z.literal(false, unsupported).optional(),
  use_offline_access_code: z.literal(false, unsupported).optional(),
};

const wish = {
  name,
  code: digits.describe('Chosen by the gateway when left out.'),
  preferred_code_length: z.number().int().min(1).max(32).optional(),
  starts_at: moment.optional().describe('With ends_at. The code is written some time before.'),
  ends_at: moment.optional().describe('Without starts_at the code works from now on.'),
  prefer_native_scheduling: z
    .boolean()
    .optional()
    .describe('False: the gateway keeps the times also where the lock could.'),
  use_backup_access_code_pool: z
    .boolean()
    .optional()
    .describe('Keep a backup code on the lock, for /access_codes/pull_backup_access_code.'),
  is_one_time_use: z.boolean().optional().describe('Goes after the lock told of its first use.'),
  max_uses: maxUsesParameter.optional().describe('Our own: goes after the lock told of so many uses.'),
  strikeplate_schedule: scheduleSchema.optional(),
  attempt_for_offline_device: z.boolean().optional().describe('Accepted; the gateway always tries.'),
  max_time_rounding: z.enum(['1hour', '1day', '1h', '1d']).optional().describe('Accepted; nothing is rounded here.'),
  ...refused,
};

const commonCodeKey = z.string().min(1).max(200).optional();

/** Unknown parameters are refused, above all a mistyped `ends_at`: the code would stay on the door for ever. */
export const newAccessCode = z.strictObject({
  device_id: z.string(),
  common_code_key: commonCodeKey,
  ...wish,
  ...syncParameter,
});

export const newAccessCodes = z.strictObject({
  device_ids: z.array(z.string()).min(1).max(200),
  common_code_key: commonCodeKey.describe('What the codes have in common. Repeated with it, the answer is the same.'),
  behavior_when_code_cannot_be_shared: z
    .enum(['throw', 'create_random_code'])
    .optional()
    .describe('`throw` unless told: refuse when no one code fits all doors.'),
  ...wish,
  ...syncParameter,
});

const timeFrame = {
  starts_at: moment.nullable().optional(),
  ends_at: moment.nullable().optional(),
};

export const changedAccessCode = z
  .strictObject({
    access_code_id: z.string(),
    device_id: z.string().optional(),
    name: oneLine.max(200).nullable().optional(),
    code: digits,
    ...timeFrame,
    type: z.enum(['ongoing', 'time_bound']).optional().describe('`ongoing` takes both times away.'),
    is_managed: z.literal(true, 'A code that this gateway put on a lock stays managed: delete it instead').optional(),
    attempt_for_offline_device: z.boolean().optional(),
    prefer_native_scheduling: z.boolean().optional().describe('Accepted; as it was when the code was created.'),
    preferred_code_length: z.number().int().optional().describe('Accepted; a code that is given has its own length.'),
    use_backup_access_code_pool: z.boolean().optional().describe('Accepted; as it was when the code was created.'),
    is_one_time_use: z.boolean().optional().describe('Goes after the lock told of its first use.'),
    max_uses: maxUsesParameter.nullable().optional().describe('Our own; null: any number.'),
    strikeplate_schedule: scheduleSchema.nullable().optional().describe('Our own; null: at any hour.'),
    max_time_rounding: z.enum(['1hour', '1day', '1h', '1d']).optional(),
    ...refused,
    ...syncParameter,
  })
  .refine(
    ({ type, starts_at, ends_at }) =>
      type !== 'ongoing' || ((starts_at ?? null) === null && (ends_at ?? null) === null),
    'An ongoing code has no starts_at and no ends_at',
  );

export const changedAccessCodes = z.strictObject({
  common_code_key: z.string(),
  name: oneLine.max(200).nullable().optional(),
  ...timeFrame,
  ...syncParameter,
});

type RequestedCode = Omit<z.output<typeof newAccessCodes>, 'device_ids'>;

export function requestedOf(params: RequestedCode): AccessCodeRequest {
  const { name, code, preferred_code_length, starts_at, ends_at, common_code_key } = params;
  return {
    ...(name === undefined ? {} : { name }),
    ...(code === undefined ? {} : { code: new Secret(code) }),
    ...(preferred_code_length === undefined ? {} : { preferredCodeLength: preferred_code_length }),
    ...(starts_at === undefined ? {} : { startsAt: Date.parse(starts_at) }),
    ...(ends_at === undefined ? {} : { endsAt: Date.parse(ends_at) }),
    ...(params.prefer_native_scheduling === undefined
      ? {}
      : { preferNativeScheduling: params.prefer_native_scheduling }),
    ...(params.is_one_time_use === undefined ? {} : { isOneTimeUse: params.is_one_time_use }),
    ...(params.max_uses === undefined ? {} : { maxUses: params.max_uses }),
    ...(params.strikeplate_schedule === undefined ? {} : { hours: hoursOf(params.strikeplate_schedule) }),
    ...(params.use_backup_access_code_pool === undefined ? {} : { useBackupPool: params.use_backup_access_code_pool }),
    ...(common_code_key === undefined ? {} : { commonCodeKey: common_code_key }),
  };
}

export function patchOf(params: Partial<z.output<typeof changedAccessCode>>): AccessCodePatch {
  const { name, code, starts_at, ends_at, type, is_one_time_use, max_uses, strikeplate_schedule: hours } = params;
  if (type === 'ongoing')
    return {
      ...patchOf({ name, code, is_one_time_use, max_uses, strikeplate_schedule: hours }),
      startsAt: null,
      endsAt: null,
    };
  return {
    ...(is_one_time_use === undefined ? {} : { isOneTimeUse: is_one_time_use }),
    ...(max_uses === undefined ? {} : { maxUses: max_uses }),
    ...(hours === undefined ? {} : { hours: hours && hoursOf(hours) }),
    ...(name === undefined ? {} : { name }),
    ...(code === undefined ? {} : { code: new Secret(code) }),
    ...(starts_at === undefined ? {} : { startsAt: starts_at === null ? null : Date.parse(starts_at) }),
    ...(ends_at === undefined ? {} : { endsAt: ends_at === null ? null : Date.parse(ends_at) }),
  };
}
