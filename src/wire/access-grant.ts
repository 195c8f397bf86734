import { z } from 'zod';
import { hoursTooShort } from '../model/code-hours.ts';
import type { AccessGrantRecord, AccessMethodRecord, MethodDoor } from '../model/grant-records.ts';
import type { AccessCodeRecord } from '../model/records.ts';
import { timeUpdates, wireTimes } from './access-method.ts';
import type { DeviceError } from './device-problems.ts';
import { hoursSchema, wireHours } from './hours.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

const devices = onceAsked(() => z.object({ device_ids: z.array(z.string()) }));
const times = onceAsked(() => z.object({ starts_at: z.string().nullable(), ends_at: z.string().nullable() }));

export const accessGrantSchema = onceAsked(() =>
  z
    .object({
      access_grant_id: z.string(),
      access_grant_key: z.string().optional(),
      reservation_key: z.string().optional(),
      workspace_id: z.string(),
      user_identity_id: z.string(),
      space_ids: z.array(z.string()),
      location_ids: z.array(z.string()).describe('The older name of `space_ids`.'),
      name: z.string().nullable(),
      display_name: z.string(),
      created_at: z.string(),
      starts_at: z.string(),
      ends_at: z.string().nullable(),
      ...hoursSchema(),
      requested_access_methods: z.array(
        z.object({
          display_name: z.string(),
          mode: z.literal('code'),
          code: z.string().optional().describe('The digits that were asked for. Only for the scope `codes`.'),
          created_at: z.string(),
          created_access_method_ids: z.array(z.string()),
        }),
      ),
      access_method_ids: z.array(z.string()),
      errors: z.array(
        z.object({
          error_code: z.string(),
          message: z.string(),
          created_at: z.string(),
          missing_device_ids: z.array(z.string()).optional(),
        }),
      ),
      warnings: z.array(z.looseObject({ warning_code: z.string(), message: z.string(), created_at: z.string() })),
      pending_mutations: z.array(
        z.object({
          mutation_code: z.enum(['updating_spaces', 'updating_access_times']),
          message: z.string(),
          created_at: z.string(),
          access_method_ids: z.array(z.string()).optional(),
          from: z.union([devices(), times()]),
          to: z.union([devices(), times()]),
        }),
      ),
      strikeplate_device_ids: z
        .array(z.string())
        .describe('Our own: the doors it is for now, one by one and by its spaces.'),
    })
    .meta({ id: 'access_grant' }),
);

export type WireAccessGrant = z.output<ReturnType<typeof accessGrantSchema>>;
type Warning = WireAccessGrant['warnings'][number];

export interface AccessGrantSurroundings {
  readonly workspaceId: string;
  readonly name: string | undefined;
  /** What it is called when it has no name: the person's. */
  readonly displayName: string;
  readonly doors: readonly string[];
  readonly methods: readonly AccessMethodRecord[];
  readonly codeOf: (accessCodeId: string) => AccessCodeRecord | undefined;
  readonly nameOf: (deviceId: string) => string;
  /** What keeps a device from working now. */
  readonly troubleOf: (deviceId: string) => DeviceError | undefined;
  /** Digits that were asked for, for a caller who may see them. */
  readonly requestedDigits: (request: number) => string | undefined;
  /** The same of a method. */
  readonly digitsOf: (method: AccessMethodRecord) => string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

export function wireAccessGrant(grant: AccessGrantRecord, around: AccessGrantSurroundings): WireAccessGrant {
  const { accessGrantId, key, reservationKey, userIdentityId, spaceIds, startsAt, endsAt, createdAt } = grant;
  const { methods } = around;
  return {
    access_grant_id: accessGrantId,
    ...(key !== undefined && { access_grant_key: key }),
    ...(reservationKey !== undefined && { reservation_key: reservationKey }),
    workspace_id: around.workspaceId,
    user_identity_id: userIdentityId,
    space_ids: [...spaceIds],
    location_ids: [...spaceIds],
    name: around.name ?? null,
    display_name: around.name ?? around.displayName,
    created_at: isoTime(createdAt),
    starts_at: isoTime(startsAt),
    ends_at: endsAt === undefined ? null : isoTime(endsAt),
    ...wireHours(grant),
    requested_access_methods: grant.requests.map((request, index) => {
      const digits = around.requestedDigits(index);
      return {
        display_name: 'PIN Code',
        mode: 'code',
        ...(digits !== undefined && { code: digits }),
        created_at: isoTime(request.createdAt),
        created_access_method_ids: methods.filter((method) => method.request === index).map(idOf),
      };
    }),
    access_method_ids: methods.map(idOf),
    errors: errors(grant),
    warnings: warnings(grant, around),
    pending_mutations: mutations(grant, around),
    strikeplate_device_ids: [...around.doors],
  };
}

const idOf = ({ accessMethodId }: AccessMethodRecord): string => accessMethodId;

function errors({ refusals }: AccessGrantRecord): WireAccessGrant['errors'] {
  const [first] = refusals;
  if (!first) return [];
  return [
    {
      error_code: 'cannot_create_requested_access_methods',
      message: refusals.map(({ message }) => message).join(' '),
      created_at: isoTime(first.at),
      missing_device_ids: [...new Set(refusals.map(({ deviceId }) => deviceId))],
    },
  ];
}

function warnings(grant: AccessGrantRecord, around: AccessGrantSurroundings): Warning[] {
  const { removal, refusals } = grant;
  const found: Warning[] = [];
  if (removal) {
    found.push({
      warning_code: 'being_deleted',
      message: 'The grant is being deleted: its codes are being taken off their locks.',
      created_at: isoTime(removal.at),
    });
  }
  for (const { deviceId, type, message, at } of refusals) {
    if (type !== 'unsupported_action') continue;
    const created_at = isoTime(at);
    found.push({ warning_code: 'device_does_not_support_access_codes', message, created_at, device_id: deviceId });
  }
  found.push(...under(grant, around), ...over(around), ...unavailable(around), ...tooShort(around));
  const updates = updatesOf(around);
  const [first] = updates;
  if (first) {
    found.push({
      warning_code: 'updating_access_times',
      message: 'The new times are being given to the locks.',
      created_at: isoTime(first.mutation.createdAt),
      access_method_ids: [...new Set(updates.map(({ method }) => idOf(method)))],
    });
  }
  return found;
}

/** Doors that should open by now, and do not: with the door's own reason. */
function under(grant: AccessGrantRecord, around: AccessGrantSurroundings): Warning[] {
  const { startsAt, endsAt, removal, createdAt, refusals } = grant;
  const { now, doors, methods } = around;
  if (removal || (endsAt !== undefined && now >= endsAt)) return [];
  return doors.flatMap((deviceId): Warning[] => {
    const refusal = refusals.find((one) => one.deviceId === deviceId);
    if (refusal) return [lacks(refusal.message, refusal.at)];
    const own = methods.flatMap((method) => method.doors.filter((door) => door.deviceId === deviceId));
    const opens = ({ accessCodeId, granted }: MethodDoor) =>
      granted && !hasLapsed(around.codeOf(accessCodeId ?? ''), now);
    if (own.length === 0 || own.some((door) => opens(door) || door.over !== undefined)) return [];
    const codes = own.flatMap(({ accessCodeId }) => around.codeOf(accessCodeId ?? '') ?? []);
    const problem = codes
      .flatMap(({ errors, warnings: ofCode }) => [...errors, ...ofCode])
      .find(({ code }) => code !== hoursTooShort);
    if (!problem && now < startsAt) return [];
    // Between its hours no lock that does not keep them has the code.
    if (
      codes.length > 0 &&
      codes.every(({ hours, status, errors }) => hours && isOffLock(status) && errors.length === 0)
    )
      return [];
    const trouble = around.troubleOf(deviceId);
    const why = problem?.message ?? trouble?.message ?? 'The lock has not been seen to hold the code yet.';
    return [lacks(`${around.nameOf(deviceId)}: ${why}`, problem?.at ?? Math.max(startsAt, createdAt))];
  });
}

/** Or is being taken off it. */
const isOffLock = (status: AccessCodeRecord['status']): boolean => status === 'unset' || status === 'removing';

/** A lock that keeps times was given an end that has come, and not yet the new one. */
const hasLapsed = (code: AccessCodeRecord | undefined, now: number): boolean =>
  (code?.placements ?? [undefined]).every((entry) => entry?.schedule !== undefined && entry.schedule.endsAt <= now);

const lacks = (message: string, at: number): Warning => ({
  warning_code: 'underprovisioned_access',
  message,
  created_at: isoTime(at),
});

/** Doors that may still open, and should not. */
function over({ methods, codeOf, nameOf }: AccessGrantSurroundings): Warning[] {
  const failed = methods.flatMap(({ doors }) =>
    doors.flatMap(({ deviceId, accessCodeId }) => {
      const code = codeOf(accessCodeId ?? '');
      if (!code?.removal) return [];
      const problem = code.errors[0] ?? code.warnings.find((warning) => warning.code.startsWith('delay_in_removing'));
      return problem ? [{ deviceId, at: problem.at, code: problem.code, message: problem.message }] : [];
    }),
  );
  const [first] = failed;
  if (!first) return [];
  return [
    {
      warning_code: 'overprovisioned_access',
      message: `${failed.map(({ deviceId }) => nameOf(deviceId)).join(', ')} may still take the code. ${first.message}`,
      created_at: isoTime(first.at),
      failed_devices: failed.map(({ deviceId, code, message }) => ({ device_id: deviceId, error_code: code, message })),
    },
  ];
}

/** Doors that did not take the digits that were asked for, for callers who may see them. */
function unavailable(around: AccessGrantSurroundings): Warning[] {
  return around.methods.flatMap((method) => {
    const asked = around.requestedDigits(method.request);
    const given = around.digitsOf(method);
    if (asked === undefined || given === undefined || asked === given || method.standsInFor !== undefined) return [];
    return method.doors.map(({ deviceId }) => ({
      warning_code: 'requested_code_unavailable',
      message: `${around.nameOf(deviceId)} does not take the digits that were asked for, or has them already. It has others.`,
      created_at: isoTime(method.createdAt),
      device_id: deviceId,
      original_code: asked,
      new_code: given,
    }));
  });
}

/** Doors whose locks cannot follow the grant's hours as they are. */
function tooShort({ methods, codeOf, nameOf }: AccessGrantSurroundings): Warning[] {
  return methods.flatMap(({ doors }) =>
    doors.flatMap(({ deviceId, accessCodeId }) => {
      const warning = codeOf(accessCodeId ?? '')?.warnings.find(({ code }) => code === hoursTooShort);
      if (!warning) return [];
      const message = `${nameOf(deviceId)}: ${warning.message}`;
      return [{ warning_code: hoursTooShort, message, created_at: isoTime(warning.at), device_id: deviceId }];
    }),
  );
}

function updatesOf({ methods, codeOf }: AccessGrantSurroundings) {
  return methods.flatMap((method) =>
    method.doors.flatMap(({ accessCodeId }) => {
      const code = codeOf(accessCodeId ?? '');
      return code ? timeUpdates(code).map((mutation) => ({ method, mutation })) : [];
    }),
  );
}

function mutations(
  { removal, createdAt }: AccessGrantRecord,
  around: AccessGrantSurroundings,
): WireAccessGrant['pending_mutations'] {
  const { methods, doors, codeOf } = around;
  const found: WireAccessGrant['pending_mutations'] = [];
  const leaving = methods.flatMap((method) =>
    method.doors.filter(({ deviceId, accessCodeId }) => !doors.includes(deviceId) && codeOf(accessCodeId ?? '')),
  );
  const joining = methods.flatMap((method) =>
    method.wasIssued
      ? method.doors.filter(({ granted, over, replacedBy }) => !granted && over === undefined && !replacedBy)
      : [],
  );
  if (!removal && (leaving.length > 0 || joining.length > 0)) {
    const held = methods.flatMap((method) => method.doors.filter(({ granted }) => granted));
    const since = leaving.flatMap(({ accessCodeId }) => codeOf(accessCodeId ?? '')?.removal?.at ?? [])[0];
    found.push({
      mutation_code: 'updating_spaces',
      message: 'Doors are being given to the grant, or taken from it.',
      created_at: isoTime(since ?? createdAt),
      from: { device_ids: [...new Set(held.map(({ deviceId }) => deviceId))] },
      to: { device_ids: [...doors] },
    });
  }
  const updates = updatesOf(around);
  const [first] = updates;
  if (first) {
    found.push({
      mutation_code: 'updating_access_times',
      message: first.mutation.message,
      created_at: isoTime(first.mutation.createdAt),
      access_method_ids: [...new Set(updates.map(({ method }) => idOf(method)))],
      from: wireTimes(first.mutation.from),
      to: wireTimes(first.mutation.to),
    });
  }
  return found;
}
