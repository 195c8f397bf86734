import { z } from 'zod';
import type { AccessGrantRecord, AccessMethodRecord } from '../model/grant-records.ts';
import type { AccessCodeRecord } from '../model/records.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

const devices = onceAsked(() => z.object({ device_ids: z.array(z.string()) }));
const times = onceAsked(() => z.object({ starts_at: z.string().nullable(), ends_at: z.string().nullable() }));

export const accessMethodSchema = onceAsked(() =>
  z
    .object({
      access_method_id: z.string(),
      access_grant_id: z.string().describe('Our own.'),
      workspace_id: z.string(),
      display_name: z.string(),
      mode: z.literal('code'),
      code: z.string().nullable().describe('The PIN. Null for an API key without the scope `codes`.'),
      is_issued: z.boolean().describe('Every door was seen to hold the code just as it is wanted.'),
      issued_at: z.string().nullable(),
      created_at: z.string(),
      errors: z.array(z.object({ error_code: z.string(), message: z.string(), created_at: z.string() })),
      warnings: z.array(
        z.object({
          warning_code: z.string(),
          message: z.string(),
          created_at: z.string(),
          original_access_method_id: z.string().optional(),
        }),
      ),
      pending_mutations: z.array(
        z.object({
          mutation_code: z.enum(['provisioning_access', 'revoking_access', 'updating_access_times']),
          message: z.string(),
          created_at: z.string(),
          from: z.union([devices(), times()]),
          to: z.union([devices(), times()]),
        }),
      ),
      strikeplate_doors: z
        .array(
          z.object({
            device_id: z.string(),
            access_code_id: z.string().nullable(),
            has_access: z.boolean().describe('The lock was seen to hold a code of the grant.'),
            is_over: z.boolean().describe('The code came to its end, by time or by use.'),
            replaced_by_access_method_id: z.string().nullable(),
          }),
        )
        .describe('Our own: the doors that this PIN opens.'),
    })
    .meta({ id: 'access_method' }),
);

export type WireAccessMethod = z.output<ReturnType<typeof accessMethodSchema>>;

export interface AccessMethodSurroundings {
  readonly workspaceId: string;
  /** The digits, for a caller who may see them. */
  readonly digits: string | null;
  readonly grant: AccessGrantRecord | undefined;
  /** Not every door of the grant has the same PIN. */
  readonly isOneOfSeveral: boolean;
  readonly codeOf: (accessCodeId: string) => AccessCodeRecord | undefined;
  readonly nameOf: (deviceId: string) => string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

export function wireAccessMethod(method: AccessMethodRecord, around: AccessMethodSurroundings): WireAccessMethod {
  const { accessMethodId, accessGrantId, createdAt, issuedAt, doors } = method;
  const codes = doors.flatMap(({ accessCodeId }) => around.codeOf(accessCodeId ?? '') ?? []);
  return {
    access_method_id: accessMethodId,
    access_grant_id: accessGrantId,
    workspace_id: around.workspaceId,
    display_name: displayName(method, around),
    mode: 'code',
    code: around.digits,
    is_issued: issuedAt !== undefined,
    issued_at: issuedAt === undefined ? null : isoTime(issuedAt),
    created_at: isoTime(createdAt),
    errors: failures(method, codes, around),
    warnings: warnings(method, codes, around),
    pending_mutations: mutations(method, codes),
    strikeplate_doors: doors.map(({ deviceId, accessCodeId, granted, over, replacedBy }) => ({
      device_id: deviceId,
      access_code_id: accessCodeId ?? null,
      has_access: granted,
      is_over: over !== undefined,
      replaced_by_access_method_id: replacedBy ?? null,
    })),
  };
}

function displayName({ doors, standsInFor }: AccessMethodRecord, around: AccessMethodSurroundings): string {
  const what = standsInFor === undefined ? 'PIN Code' : 'Backup PIN Code';
  if (!around.isOneOfSeveral && standsInFor === undefined) return what;
  return `${what} for ${doors.map(({ deviceId }) => around.nameOf(deviceId)).join(', ')}`;
}

function failures(
  { doors }: AccessMethodRecord,
  codes: readonly AccessCodeRecord[],
  { nameOf }: AccessMethodSurroundings,
): WireAccessMethod['errors'] {
  const replaced = new Set(doors.filter(({ replacedBy }) => replacedBy !== undefined).map(({ deviceId }) => deviceId));
  return codes.flatMap(({ deviceId, errors }) =>
    replaced.has(deviceId)
      ? []
      : errors.map(({ message, at }) => ({
          error_code: 'failed_to_issue',
          message: `${nameOf(deviceId)}: ${message}`,
          created_at: isoTime(at),
        })),
  );
}

function warnings(
  method: AccessMethodRecord,
  codes: readonly AccessCodeRecord[],
  { grant, nameOf }: AccessMethodSurroundings,
): WireAccessMethod['warnings'] {
  const found: WireAccessMethod['warnings'] = [];
  const removal = method.removal ?? grant?.removal;
  if (removal) {
    found.push({
      warning_code: 'being_deleted',
      message: 'The PIN is being taken off its locks.',
      created_at: isoTime(removal.at),
    });
  }
  if (method.standsInFor !== undefined) {
    found.push({
      warning_code: 'pulled_backup_access_code',
      message: 'A backup code that was on the lock already stands in for one that could not be written.',
      created_at: isoTime(method.createdAt),
      original_access_method_id: method.standsInFor,
    });
  }
  for (const { deviceId, warnings: ofCode } of codes) {
    const late = ofCode.find(({ code }) => code === 'delay_in_setting_on_device');
    if (!late) continue;
    const message = `${nameOf(deviceId)}: ${late.message}`;
    found.push({ warning_code: 'delay_in_issuing', message, created_at: isoTime(late.at) });
  }
  const update = codes.flatMap(timeUpdates)[0];
  if (update) {
    const message = 'The new times are being given to the locks.';
    found.push({ warning_code: 'updating_access_times', message, created_at: isoTime(update.createdAt) });
  }
  return found;
}

/** Changes of times that a lock has not been given yet. */
export const timeUpdates = ({ pendingMutations }: AccessCodeRecord) =>
  pendingMutations.filter(({ mutationCode }) => mutationCode === 'updating_time_frame');

export const wireTimes = (frame: AccessCodeRecord['pendingMutations'][number]['from']) => ({
  starts_at: frame?.startsAt === undefined ? null : isoTime(frame.startsAt),
  ends_at: frame?.endsAt === undefined ? null : isoTime(frame.endsAt),
});

function mutations(
  { doors, createdAt, removal }: AccessMethodRecord,
  codes: readonly AccessCodeRecord[],
): WireAccessMethod['pending_mutations'] {
  const leaving = new Set(codes.filter((code) => code.removal !== undefined).map(({ deviceId }) => deviceId));
  const held = doors.filter(({ granted }) => granted).map(({ deviceId }) => deviceId);
  const staying = doors.map(({ deviceId }) => deviceId).filter((deviceId) => !leaving.has(deviceId));
  const found: WireAccessMethod['pending_mutations'] = [];
  const lacking = doors.some(({ deviceId, fitting, over, replacedBy }) => {
    return !fitting && over === undefined && replacedBy === undefined && !leaving.has(deviceId);
  });
  const update = codes.flatMap(timeUpdates)[0];
  if (lacking && !update) {
    found.push({
      mutation_code: 'provisioning_access',
      message: 'The PIN is being given to its locks, or waits for its time.',
      created_at: isoTime(createdAt),
      from: { device_ids: held },
      to: { device_ids: staying },
    });
  }
  if (leaving.size > 0) {
    const first = codes.find((code) => code.removal !== undefined);
    found.push({
      mutation_code: 'revoking_access',
      message: 'The PIN is being taken off locks.',
      created_at: isoTime(removal?.at ?? first?.removal?.at ?? createdAt),
      from: { device_ids: held },
      to: { device_ids: staying },
    });
  }
  if (update) {
    found.push({
      mutation_code: 'updating_access_times',
      message: update.message,
      created_at: isoTime(update.createdAt),
      from: wireTimes(update.from),
      to: wireTimes(update.to),
    });
  }
  return found;
}
