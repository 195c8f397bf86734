import { z } from 'zod';
import { Secret } from '../../contract/index.ts';
import type { AccessCodePatch, AccessCodeRequest } from '../../model/gateway.ts';
import { hoursOf, maxUsesParameter, scheduleSchema } from '../../wire/hours.ts';
import { moment, oneLine } from '../plain-parameters.ts';
import { syncParameter } from './action-attempts.ts';

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
    .describe('Keep a spare code on the lock, for /access_codes/pull_backup_access_code.'),
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

type Wish = Omit<z.output<typeof newAccessCodes>, 'device_ids'>;

export function wishOf(params: Wish): AccessCodeRequest {
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
