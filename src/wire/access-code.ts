import { z } from 'zod';
import type { AccessCodeRecord, CodeMutation, CodeTimes } from '../model/records.ts';
import type { DeviceError, DeviceWarning } from './device-problems.ts';
import { hoursSchema, wireHours } from './hours.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

const problem = { message: z.string(), created_at: z.string().optional() };

/** Null both for an ongoing code. */
const timeFrameSchema = onceAsked(() => z.object({ starts_at: z.string().nullable(), ends_at: z.string().nullable() }));

/** Of what is being changed: the times, or the digits as far as the caller may see them; those before are not shown. */
const mutatedSchema = onceAsked(() => z.union([timeFrameSchema(), z.object({ code: z.string().nullable() })]));

export const accessCodeSchema = onceAsked(() =>
  z
    .object({
      access_code_id: z.string(),
      device_id: z.string(),
      workspace_id: z.string(),
      name: z.string().nullable(),
      code: z.string().nullable().describe('Null for an API key without the scope `codes`.'),
      type: z.enum(['ongoing', 'time_bound']),
      status: z.enum(['unset', 'setting', 'set', 'removing']),
      display_status: z.string().describe('The same for people.'),
      starts_at: z.string().optional(),
      ends_at: z.string().nullable().optional(),
      ...hoursSchema(),
      strikeplate_use_count: z
        .number()
        .int()
        .optional()
        .describe('Our own: uses that the lock told of, with `max_uses`.'),
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
        z.object({
          mutation_code: z.enum([
            'creating',
            'deferring_creation',
            'updating_code',
            'updating_name',
            'updating_time_frame',
            'deleting',
          ]),
          message: z.string(),
          created_at: z.string(),
          scheduled_at: z.string().optional(),
          from: mutatedSchema().optional(),
          to: mutatedSchema().optional(),
        }),
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
      pulled_backup_access_code_id: z.string().nullable(),
      access_grant_id: z.string().optional().describe('Our own: the grant that wants it.'),
      access_method_id: z.string().optional().describe('Our own.'),
    })
    .meta({ id: 'access_code' }),
);

export type WireAccessCode = z.output<ReturnType<typeof accessCodeSchema>>;

/** What is shown with a code beside its own record, whoever put it on the lock. */
export interface CodeSurroundings {
  readonly workspaceId: string;
  /** The digits, for a caller who may see them. */
  readonly digits: string | null;
  readonly deviceErrors: readonly DeviceError[];
  readonly deviceWarnings: readonly DeviceWarning[];
}

export interface AccessCodeSurroundings extends CodeSurroundings {
  readonly isBackupAvailable: boolean;
  /** A code of a grant is called as the grant is. */
  readonly nameOfGrant: string | undefined;
}

export function wireAccessCode(code: AccessCodeRecord, around: AccessCodeSurroundings): WireAccessCode {
  const timeBound = code.startsAt !== undefined || code.endsAt !== undefined;
  return {
    access_code_id: code.accessCodeId,
    device_id: code.deviceId,
    workspace_id: around.workspaceId,
    name: code.name ?? around.nameOfGrant ?? null,
    code: around.digits,
    type: timeBound ? 'time_bound' : 'ongoing',
    status: code.status,
    display_status: displayStatus(code),
    ...(timeBound
      ? {
          starts_at: isoTime(code.startsAt ?? code.createdAt),
          ends_at: code.endsAt === undefined ? null : isoTime(code.endsAt),
        }
      : {}),
    ...wireHours(code),
    ...(code.maxUses !== undefined && { strikeplate_use_count: code.uses ?? 0 }),
    created_at: isoTime(code.createdAt),
    ...problems(code, around),
    pending_mutations: code.pendingMutations.map((mutation) => wireMutation(mutation, around.digits)),
    is_managed: true,
    is_backup: code.backup !== undefined,
    is_backup_access_code_available: around.isBackupAvailable,
    is_external_modification_allowed: false,
    is_one_time_use: code.oneTimeUse || code.maxUses === 1,
    is_offline_access_code: false,
    is_scheduled_on_device: code.scheduledOnDevice,
    is_waiting_for_code_assignment: false,
    common_code_key: code.commonCodeKey ?? null,
    pulled_backup_access_code_id: code.pulledBackupAccessCodeId ?? null,
    ...(code.grant && {
      access_grant_id: code.grant.accessGrantId,
      access_method_id: code.grant.accessMethodId,
    }),
  };
}

/** In a word: with what waits, and what went wrong. */
function displayStatus({ status, scheduledOnDevice, errors, pendingMutations }: AccessCodeRecord): string {
  if (scheduledOnDevice || pendingMutations.some(({ mutationCode }) => mutationCode === 'deferring_creation')) {
    return 'Scheduled';
  }
  if (status === 'set') return 'Set';
  const doing = status === 'removing' ? 'Removing' : status === 'setting' ? 'Setting' : 'Unset';
  return errors.length > 0 ? `${doing}, with an error` : doing;
}

/** The code's own before its device's. */
function problems(
  { errors, warnings }: AccessCodeRecord,
  around: AccessCodeSurroundings,
): Pick<WireAccessCode, 'errors' | 'warnings'> {
  return {
    errors: [
      ...errors.map(({ code, message, at }) => ({
        error_code: code,
        message,
        is_access_code_error: true as const,
        created_at: isoTime(at),
      })),
      ...around.deviceErrors,
    ],
    warnings: [
      ...warnings.map(({ code, message, at }) => ({ warning_code: code, message, created_at: isoTime(at) })),
      ...around.deviceWarnings,
    ],
  };
}

function wireMutation(mutation: CodeMutation, digits: string | null): WireAccessCode['pending_mutations'][number] {
  const { mutationCode, message, createdAt, scheduledAt, from, to } = mutation;
  return {
    mutation_code: mutationCode,
    message,
    created_at: isoTime(createdAt),
    ...(scheduledAt === undefined ? {} : { scheduled_at: isoTime(scheduledAt) }),
    ...(mutationCode === 'updating_code' && { from: { code: null }, to: { code: digits } }),
    ...(from === undefined ? {} : { from: wireTimes(from) }),
    ...(to === undefined ? {} : { to: wireTimes(to) }),
  };
}

const wireTimes = ({ startsAt, endsAt }: CodeTimes) => ({
  starts_at: startsAt === undefined ? null : isoTime(startsAt),
  ends_at: endsAt === undefined ? null : isoTime(endsAt),
});
