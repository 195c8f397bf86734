import type { CodeChange } from '../access-codes/grant-codes.ts';
import { sameHours } from '../access-codes/hours.ts';
import { GatewayError, type Secret } from '../contract/index.ts';
import type { AccessGrantRecord, AccessMethodRecord, GrantRefusal, MethodDoor } from '../model/grant-records.ts';
import type { AccessCodeRecord, CodeTimes } from '../model/records.ts';
import type { Draft } from './draft.ts';
import { grantedToDoor, ofGrant, ofMethod } from './grant-events.ts';
import { type GrantRepository, isLive } from './grant-repository.ts';
import { codeTimes, doorWith, finish, newMethod, withDoor, withoutDoor } from './methods.ts';
import { type GrantDoor, groupsOf } from './pins.ts';
import type { ProvisioningOptions } from './provisioning-options.ts';
import { completed, eventsOfMethod, isOpen, judged } from './watching.ts';

/**
 * Brings the codes of a grant to what the grant wants: one comparison of its doors with the codes that are there, made
 * whenever something may have changed either. It decides; the reconciler of codes brings it about, lock by lock.
 */
export function provision(options: ProvisioningOptions, accessGrantId: string, draft: Draft): void {
  const { repository, moment } = options;
  const grant = repository.grant(accessGrantId);
  if (!grant) return;
  const { at, sure } = moment();
  const isOver = sure && grant.removal === undefined && !isLive(grant, at);
  const wanted = new Set(grant.removal ? [] : repository.doorsOf(grant));
  for (const { accessMethodId } of repository.methodsOf(accessGrantId)) {
    adjust(options, grant, accessMethodId, wanted, isOver, draft);
  }
  if (grant.removal === undefined && !isOver) place(options, grant, wanted, draft);
  for (const { accessMethodId } of repository.methodsOf(accessGrantId)) finish(options, grant, accessMethodId, draft);
  const now = repository.grant(accessGrantId);
  if (!now) return;
  if (now.removal && repository.methodsOf(accessGrantId).length === 0) {
    // Remembered without anything that was said of it, so that deleting it again does no harm.
    draft.grant({ ...now, sealedName: undefined, requests: [], refusals: [], isComplete: false, deletedAt: at });
    draft.tell(ofGrant('access_grant.deleted', now, at));
  } else completed(repository, draft, now, at);
}

/** A backup code opens already: only its end is the grant's. */
function timesFor(grant: AccessGrantRecord, code: AccessCodeRecord): CodeTimes {
  if (!code.backup) return codeTimes(grant);
  const { endsAt } = grant;
  return { startsAt: endsAt === undefined ? undefined : (code.startsAt ?? code.createdAt), endsAt };
}

/** The doors that a method has: those that left lose their code, and the others have it with the grant's times. */
function adjust(
  options: ProvisioningOptions,
  grant: AccessGrantRecord,
  accessMethodId: string,
  wanted: ReadonlySet<string>,
  isOver: boolean,
  draft: Draft,
): void {
  const { repository, codes, moment } = options;
  const { at, sure } = moment();
  for (const { deviceId, accessCodeId, over } of repository.methods.get(accessMethodId)?.doors ?? []) {
    const method = repository.methods.get(accessMethodId);
    if (!method) return;
    const code = codes.get(accessCodeId ?? '');
    // A backup code opens now and at any hour: where the grant was put off, or has hours, it must not.
    const isEarly = method.standsInFor !== undefined && (grant.hours !== undefined || (sure && at < grant.startsAt));
    if (method.removal || !wanted.has(deviceId) || isEarly) {
      if (!code) withoutDoor(repository, draft, method, deviceId);
      else if (!code.removal) draft.code(codes.remove(code));
    } else if (code) {
      const times = timesFor(grant, code);
      const differs =
        code.startsAt !== times.startsAt || code.endsAt !== times.endsAt || !sameHours(code.hours, times.hours);
      if (!code.removal && !isOver && differs) draft.code(codes.retime(code, times));
    } else if (over !== 'used' && !isOver) {
      // A backup code that is gone is not written again; the method that it stood in for is.
      if (method.standsInFor !== undefined) withoutDoor(repository, draft, method, deviceId);
      else again(options, grant, method, deviceId, draft);
    }
  }
}

/** A door whose code came to its end is given it again: the grant was prolonged, or the code was lost. */
function again(
  options: ProvisioningOptions,
  grant: AccessGrantRecord,
  method: AccessMethodRecord,
  deviceId: string,
  draft: Draft,
): void {
  const added = tryToAdd(options, grant, method, deviceId);
  if (added) withDoor(options.repository, draft, method, deviceId, added);
  else withoutDoor(options.repository, draft, method, deviceId);
}

/** Undefined when the lock would not take the method's digits now. */
function tryToAdd(
  { codes, vault }: ProvisioningOptions,
  grant: AccessGrantRecord,
  method: AccessMethodRecord,
  deviceId: string,
): CodeChange | undefined {
  const { accessMethodId, accessGrantId } = method;
  try {
    const digits = vault.open(method.sealedCode, { accessMethodId });
    const times = codeTimes(grant);
    codes.assertTakes(codes.target(deviceId, times), digits);
    return codes.add({ deviceId, digits, times, maxUses: grant.maxUses, grant: { accessGrantId, accessMethodId } });
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

/** Gives codes to the doors that have none: with a PIN that is there where the lock takes it, else with one more. */
function place(
  options: ProvisioningOptions,
  grant: AccessGrantRecord,
  wanted: ReadonlySet<string>,
  draft: Draft,
): void {
  const { repository, codes, moment } = options;
  const refusals = new Map<string, GrantRefusal>();
  const { at } = moment();
  for (const [request, { isWithdrawn, without }] of grant.requests.entries()) {
    if (isWithdrawn) continue;
    standIn(options, grant, request, draft);
    const methods = () => repository.methodsOf(grant.accessGrantId).filter((method) => method.request === request);
    const covered = new Set(methods().flatMap(({ doors }) => doors.map(({ deviceId }) => deviceId)));
    const places: GrantDoor[] = [];
    for (const deviceId of wanted) {
      if (covered.has(deviceId) || without.includes(deviceId)) continue;
      try {
        const target = codes.target(deviceId, codeTimes(grant));
        if (!join(options, grant, methods(), deviceId, draft)) places.push({ deviceId, target });
      } catch (error) {
        refusals.set(deviceId, refusalOf(grant, deviceId, error, at));
      }
    }
    for (const group of groupsOf(options, grant, request, places, methods().length === 0)) {
      if (group.digits) begin(options, grant, request, group.places, group.digits, draft);
      else for (const { deviceId } of group.places) refusals.set(deviceId, refusalOf(grant, deviceId, group.error, at));
    }
  }
  noteRefusals(options, grant.accessGrantId, [...refusals.values()], draft);
}

/** Whether the door could be given a PIN that the grant has already. */
function join(
  options: ProvisioningOptions,
  grant: AccessGrantRecord,
  methods: readonly AccessMethodRecord[],
  deviceId: string,
  draft: Draft,
): boolean {
  for (const method of methods) {
    if (method.removal || method.standsInFor !== undefined) continue;
    const added = tryToAdd(options, grant, method, deviceId);
    if (!added) continue;
    withDoor(options.repository, draft, method, deviceId, added);
    return true;
  }
  return false;
}

/** A new PIN for some doors. */
function begin(
  options: ProvisioningOptions,
  grant: AccessGrantRecord,
  request: number,
  places: readonly GrantDoor[],
  digits: Secret,
  draft: Draft,
): void {
  const { codes } = options;
  const method = newMethod(options, grant, request, digits, undefined);
  const { accessMethodId, accessGrantId } = method;
  const doors = places.map(({ deviceId }): MethodDoor => {
    const ofGrant = { accessGrantId, accessMethodId };
    const added = codes.add({ deviceId, digits, times: codeTimes(grant), maxUses: grant.maxUses, grant: ofGrant });
    draft.code(added);
    return doorWith(deviceId, added.code, added.code.createdAt);
  });
  draft.method({ ...method, doors });
  draft.tell(ofMethod('access_method.created', method, grant, method.createdAt));
}

function noteRefusals(
  { repository, moment }: ProvisioningOptions,
  accessGrantId: string,
  refusals: readonly GrantRefusal[],
  draft: Draft,
): void {
  const grant = repository.grant(accessGrantId);
  if (!grant) return;
  const isKnown = ({ deviceId, type }: GrantRefusal) =>
    grant.refusals.some((known) => known.deviceId === deviceId && known.type === type);
  if (refusals.length === grant.refusals.length && refusals.every(isKnown)) return;
  draft.grant({ ...grant, refusals });
  const news = refusals.filter((refusal) => !isKnown(refusal));
  if (news.length === 0) return;
  draft.tell({
    eventType: 'access_grant.could_not_create_requested_access_methods',
    accessGrantId,
    occurredAt: moment().at,
    details: {
      error_message: news.map(({ message }) => message).join(' '),
      missing_device_ids: refusals.map(({ deviceId }) => deviceId),
    },
  });
}

function refusalOf({ refusals }: AccessGrantRecord, deviceId: string, error: unknown, at: number): GrantRefusal {
  if (!(error instanceof GatewayError)) throw error;
  const { type, message } = error;
  const known = refusals.find((refusal) => refusal.deviceId === deviceId && refusal.type === type);
  return { deviceId, type, message, at: known?.at ?? at };
}

/** Where a code could not be written in time, a backup one that is on the lock already lets its guest in. */
function standIn(options: ProvisioningOptions, grant: AccessGrantRecord, request: number, draft: Draft): void {
  const { repository, codes, moment } = options;
  const { at, sure } = moment();
  // A backup code opens at any hour.
  if (!sure || at < grant.startsAt || grant.hours) return;
  for (const method of repository.methodsOf(grant.accessGrantId)) {
    if (method.request !== request || method.removal || method.standsInFor !== undefined) continue;
    for (const { deviceId, accessCodeId, replacedBy } of method.doors) {
      const code = codes.get(accessCodeId ?? '');
      if (!code || replacedBy !== undefined || !isStuck(code) || !codes.hasBackup(deviceId)) continue;
      pullFor(options, grant, method.accessMethodId, code, draft);
    }
  }
}

const isStuck = ({ removal, status, errors, warnings, pulledBackupAccessCodeId }: AccessCodeRecord): boolean =>
  removal === undefined &&
  pulledBackupAccessCodeId === undefined &&
  status === 'setting' &&
  (errors.length > 0 || warnings.some(({ code }) => code === 'delay_in_setting_on_device'));

function pullFor(
  options: ProvisioningOptions,
  grant: AccessGrantRecord,
  originalId: string,
  code: AccessCodeRecord,
  draft: Draft,
): void {
  const { repository, codes, vault, moment } = options;
  const original = repository.methods.get(originalId);
  if (!original) return;
  const { at } = moment();
  const { accessGrantId } = grant;
  const empty = newMethod(options, grant, original.request, vault.open(original.sealedCode, original), originalId);
  const { accessMethodId } = empty;
  const pulled = codes.pull(code, { accessGrantId, accessMethodId });
  draft.code(pulled);
  const digits = codes.reveal(pulled.backup);
  const sealedCode = digits ? vault.seal(digits, { accessMethodId }) : empty.sealedCode;
  const wasOpen = isOpen(repository, accessGrantId, code.deviceId);
  const method = judged({ ...empty, sealedCode, doors: [doorWith(code.deviceId, pulled.backup, at)] }, at);
  draft.method(method);
  draft.tell(ofMethod('access_method.created', method, grant, at));
  if (!wasOpen && isOpen(repository, accessGrantId, code.deviceId))
    draft.tell(grantedToDoor(accessGrantId, code.deviceId, at));
  draft.tell(...eventsOfMethod(empty, method, grant, at));
  changeDoor(
    repository,
    draft,
    originalId,
    code.deviceId,
    (door) => ({ ...door, replacedBy: accessMethodId }),
    grant,
    at,
  );
}

function changeDoor(
  repository: GrantRepository,
  draft: Draft,
  accessMethodId: string,
  deviceId: string,
  change: (door: MethodDoor) => MethodDoor,
  grant: AccessGrantRecord,
  at: number,
): void {
  const before = repository.methods.get(accessMethodId);
  if (!before) return;
  const doors = before.doors.map((door) => (door.deviceId === deviceId ? change(door) : door));
  const after = judged({ ...before, doors }, at);
  draft.method(after);
  draft.tell(...eventsOfMethod(before, after, grant, at));
}
