import { z } from 'zod';
import type { AccessCodeRecord } from '../store/records.ts';
import type { DeviceError, DeviceWarning } from './device-problems.ts';
import { isoTime } from './iso-time.ts';

const problem = { message: z.string(), created_at: z.string().optional() };

export const accessCodeSchema = z
  .object({
    access_code_id: z.string(),
    device_id: z.string(),
    workspace_id: z.string(),
    name: z.string().nullable(),
    code: z.string().nullable().describe('Null for an API key without the scope `codes`.'),
    type: z.enum(['ongoing', 'time_bound']),
    status: z.enum(['unset', 'setting', 'set', 'removing']),
    starts_at: z.string().optional(),
    ends_at: z.string().nullable().optional(),
    created_at: z.string(),
    errors: z.array(
      z.object({
        error_code: z.string(),
        is_access_code_error: z.literal(true).optional(),
        is_device_error: z.literal(true).optional(),
        ...problem,
      }),
    ),
    warnings: z.array(z.object({ warning_code: z.string(), ...problem })),
    pending_mutations: z.array(
      z.object({ mutation_code: z.enum(['creating', 'deleting']), message: z.string(), created_at: z.string() }),
    ),
    is_managed: z.literal(true),
    is_backup: z.boolean(),
    is_backup_access_code_available: z.boolean(),
    is_external_modification_allowed: z.boolean(),
    is_one_time_use: z.boolean(),
    is_offline_access_code: z.boolean(),
    is_scheduled_on_device: z.boolean(),
    is_waiting_for_code_assignment: z.boolean(),
    common_code_key: z.string().nullable(),
  })
  .meta({ id: 'access_code' });

export type WireAccessCode = z.output<typeof accessCodeSchema>;

export interface AccessCodeSurroundings {
  readonly workspaceId: string;
  /** The digits, for a caller who may see them. */
  readonly digits: string | null;
  readonly deviceErrors: readonly DeviceError[];
  readonly deviceWarnings: readonly DeviceWarning[];
  /** When its removal was asked for, in milliseconds since the Unix epoch, where that is known. */
  readonly removalRequestedAt: number | undefined;
}

/** Seam's words for what is a warning on a code; everything else that is wrong is an error. */
const warningCodes: ReadonlySet<string> = new Set([
  'delay_in_setting_on_device',
  'delay_in_removing_from_device',
  'external_modification_in_effect',
  'time_frame_adjusted_for_unknown_time_zone',
  'using_backup_access_code',
  'being_deleted',
  'unknown_issue_with_access_code',
]);

export function wireAccessCode(code: AccessCodeRecord, around: AccessCodeSurroundings): WireAccessCode {
  const timeBound = code.startsAt !== undefined || code.endsAt !== undefined;
  return {
    access_code_id: code.accessCodeId,
    device_id: code.deviceId,
    workspace_id: around.workspaceId,
    name: code.name ?? null,
    code: around.digits,
    type: timeBound ? 'time_bound' : 'ongoing',
    status: code.status,
    ...(timeBound
      ? {
          starts_at: isoTime(code.startsAt ?? code.createdAt),
          ends_at: code.endsAt === undefined ? null : isoTime(code.endsAt),
        }
      : {}),
    created_at: isoTime(code.createdAt),
    ...problems(code, around),
    pending_mutations: pendingMutations(code, around.removalRequestedAt),
    is_managed: true,
    is_backup: false,
    is_backup_access_code_available: false,
    is_external_modification_allowed: false,
    is_one_time_use: false,
    is_offline_access_code: false,
    is_scheduled_on_device: false,
    is_waiting_for_code_assignment: false,
    common_code_key: null,
  };
}

function problems(
  { problem }: AccessCodeRecord,
  around: AccessCodeSurroundings,
): Pick<WireAccessCode, 'errors' | 'warnings'> {
  const errors: WireAccessCode['errors'] = [...around.deviceErrors];
  const warnings: WireAccessCode['warnings'] = [...around.deviceWarnings];
  if (problem !== undefined) {
    const { errorCode, message } = problem;
    const created_at = isoTime(problem.at);
    if (warningCodes.has(errorCode)) warnings.unshift({ warning_code: errorCode, message, created_at });
    else errors.unshift({ error_code: errorCode, message, is_access_code_error: true, created_at });
  }
  return { errors, warnings };
}

function pendingMutations(
  code: AccessCodeRecord,
  removalRequestedAt: number | undefined,
): WireAccessCode['pending_mutations'] {
  if (code.status === 'set') return [];
  if (code.status === 'removing')
    return [
      {
        mutation_code: 'deleting',
        message: 'The code is being removed from the lock.',
        created_at: isoTime(removalRequestedAt ?? code.createdAt),
      },
    ];
  return [
    {
      mutation_code: 'creating',
      message:
        code.status === 'setting' ? 'The code is being written to the lock.' : 'The code is not on the lock yet.',
      created_at: isoTime(code.createdAt),
    },
  ];
}
