import type { CodeChange } from '../access-codes/grant-codes.ts';
import type { Secret } from '../contract/index.ts';
import type { AccessGrantRecord, AccessMethodRecord, MethodDoor } from '../model/grant-records.ts';
import type { AccessCodeRecord, CodeTimes } from '../model/records.ts';
import type { Draft } from './draft.ts';
import { ofMethod } from './grant-events.ts';
import type { GrantRepository } from './grant-repository.ts';
import type { ProvisioningOptions } from './provisioning-options.ts';
import { eventsOfMethod, judged, seenOf } from './watching.ts';

/** The times of a grant's codes; a grant that was open from its beginning has codes without times. */
export const codeTimes = ({ startsAt, endsAt, createdAt, hours }: AccessGrantRecord): CodeTimes => ({
  ...(endsAt === undefined && startsAt <= createdAt
    ? { startsAt: undefined, endsAt: undefined }
    : { startsAt, endsAt }),
  hours,
});

/** A PIN that no door has yet. */
export function newMethod(
  { vault, newId, moment }: ProvisioningOptions,
  { accessGrantId }: AccessGrantRecord,
  request: number,
  digits: Secret,
  standsInFor: string | undefined,
): AccessMethodRecord {
  const accessMethodId = newId();
  return {
    accessMethodId,
    accessGrantId,
    request,
    createdAt: moment().at,
    sealedCode: vault.seal(digits, { accessMethodId }),
    doors: [],
    issuedAt: undefined,
    wasIssued: false,
    standsInFor,
    told: [],
    removal: undefined,
  };
}

export const doorWith = (deviceId: string, code: AccessCodeRecord, at: number): MethodDoor =>
  seenOf(
    {
      deviceId,
      accessCodeId: code.accessCodeId,
      granted: false,
      fitting: false,
      over: undefined,
      replacedBy: undefined,
    },
    code,
    at,
  );

/** Gives a method a door, whose code was decided with it. */
export function withDoor(
  repository: GrantRepository,
  draft: Draft,
  { accessMethodId }: AccessMethodRecord,
  deviceId: string,
  added: CodeChange,
): void {
  draft.code(added);
  const method = repository.methods.get(accessMethodId);
  if (!method) return;
  const others = method.doors.filter((door) => door.deviceId !== deviceId);
  draft.method({
    ...method,
    doors: [...others, doorWith(deviceId, added.code, added.code.createdAt)],
    issuedAt: undefined,
  });
}

export function withoutDoor(
  repository: GrantRepository,
  draft: Draft,
  method: AccessMethodRecord,
  deviceId: string,
): void {
  draft.method({ ...method, doors: method.doors.filter((door) => door.deviceId !== deviceId) });
  const original = repository.methods.get(method.standsInFor ?? '');
  if (!original) return;
  const doors = original.doors.map((door) =>
    door.replacedBy === method.accessMethodId ? { ...door, replacedBy: undefined } : door,
  );
  draft.method({ ...original, doors });
}

/**
 * A method without a door is gone when somebody wanted it gone, or another PIN took its place. Else it waits: a door that
 * comes back to a space is given the PIN that its guest knows.
 */
export function finish(
  options: ProvisioningOptions,
  grant: AccessGrantRecord,
  accessMethodId: string,
  draft: Draft,
): void {
  const { repository, moment } = options;
  const before = repository.methods.get(accessMethodId);
  if (!before) return;
  const { at } = moment();
  if (before.doors.length === 0 && !isAwaited(repository, grant, before)) {
    draft.noMethod(accessMethodId);
    if (before.wasIssued) draft.tell(ofMethod('access_method.revoked', before, grant, at));
    draft.tell(ofMethod('access_method.deleted', before, grant, at));
    return;
  }
  const after = judged(before, at);
  if (after.issuedAt === before.issuedAt) return;
  draft.method(after);
  draft.tell(...eventsOfMethod(before, after, grant, at));
}

function isAwaited(repository: GrantRepository, grant: AccessGrantRecord, method: AccessMethodRecord): boolean {
  if (grant.removal || method.removal || method.standsInFor !== undefined) return false;
  return !repository.methodsOf(grant.accessGrantId).some(({ accessMethodId, request, doors }) => {
    return accessMethodId !== method.accessMethodId && request === method.request && doors.length > 0;
  });
}
