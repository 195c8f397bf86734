import { z } from 'zod';
import { Secret } from '../../contract/index.ts';
import type { NewAccessCode } from '../../gateway/ports.ts';
import { syncParameter } from './sync-parameter.ts';

const unsupported = 'Not supported by this gateway: leave it out, or send false';

/**
 * Seam's parameters of a new code. Those that would change what the code is, and that are not supported, are refused
 * when they are set: ignoring them would leave a code on the door that nobody asked for. So are unknown ones, above
 * all a mistyped `ends_at`.
 */
export const newAccessCode = z.strictObject({
  device_id: z.string(),
  name: z.string().max(200).optional(),
  code: z
    .string()
    .regex(/^\d{4,12}$/, 'A code has 4 to 12 digits')
    .optional()
    .describe('Chosen by the gateway when left out.'),
  preferred_code_length: z.number().int().min(4).max(12).optional(),
  starts_at: z.iso.datetime({ offset: true }).optional(),
  ends_at: z.iso.datetime({ offset: true }).optional(),
  prefer_native_scheduling: z.boolean().optional().describe('Accepted; the gateway chooses.'),
  attempt_for_offline_device: z.boolean().optional().describe('Accepted; the gateway always tries.'),
  allow_external_modification: z.literal(false, unsupported).optional(),
  is_external_modification_allowed: z.literal(false, unsupported).optional(),
  is_offline_access_code: z.literal(false, unsupported).optional(),
  is_one_time_use: z.literal(false, unsupported).optional(),
  use_offline_access_code: z.literal(false, unsupported).optional(),
  use_backup_access_code_pool: z.literal(false, unsupported).optional(),
  common_code_key: z.undefined(unsupported).optional(),
  max_time_rounding: z.enum(['1hour', '1day', '1h', '1d']).optional().describe('Accepted; nothing is rounded here.'),
  ...syncParameter,
});

export function newAccessCodeFrom(params: z.output<typeof newAccessCode>): NewAccessCode {
  const { device_id, name, code, preferred_code_length, starts_at, ends_at } = params;
  return {
    deviceId: device_id,
    ...(name === undefined ? {} : { name }),
    ...(code === undefined ? {} : { code: new Secret(code) }),
    ...(preferred_code_length === undefined ? {} : { preferredCodeLength: preferred_code_length }),
    ...(starts_at === undefined ? {} : { startsAt: Date.parse(starts_at) }),
    ...(ends_at === undefined ? {} : { endsAt: Date.parse(ends_at) }),
  };
}
