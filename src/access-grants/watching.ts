import type { EventDraft } from '../model/event-types.ts';
import type { AccessGrantRecord, AccessMethodRecord, MethodDoor } from '../model/grant-records.ts';
import type { AccessCodeRecord } from '../model/records.ts';
import type { Draft } from './draft.ts';
import { doorLost, grantedToDoor, ofGrant, ofMethod } from './grant-events.ts';
import type { GrantRepository } from './grant-repository.ts';

/** What follows for a grant from a change of one of its codes, to be committed together with it. */
export function whatFollows(
  repository: GrantRepository,
  before: AccessCodeRecord | undefined,
  after: AccessCodeRecord | undefined,
  at: number,
): Draft {
  const draft = repository.draft();
  const code = after ?? before;
  const method = code?.grant && repository.methods.get(code.grant.accessMethodId);
  const door = method?.doors.find(({ accessCodeId }) => accessCodeId === code?.accessCodeId);
  if (!code || !method || !door) return draft;
  const seen = after ? seenOf(door, after, at) : overWith(door, code);
  const told = after ? toldOf(method, after) : method.told;
  if (isSame(door, seen) && told === method.told) return draft;
  const grant = repository.grant(method.accessGrantId);
  const doors = method.doors.map((one) => (one === door ? seen : one));
  const next = judged({ ...method, doors, told }, at);
  const wasOpen = isOpen(repository, method.accessGrantId, door.deviceId);
  draft.method(next);
  const opens = isOpen(repository, method.accessGrantId, door.deviceId);
  if (opens && !wasOpen) draft.tell(grantedToDoor(method.accessGrantId, door.deviceId, at));
  if (wasOpen && !opens) draft.tell(doorLost(method.accessGrantId, door.deviceId, reasonOf(code, after), at));
  draft.tell(...eventsOfMethod(method, next, grant, at));
  if (grant) completed(repository, draft, grant, at);
  return draft;
}

/** What the lock was seen to hold of a door's code. */
export function seenOf(
  door: MethodDoor,
  { status, scheduledOnDevice, removal, placements }: AccessCodeRecord,
  at: number,
): MethodDoor {
  const fitting = removal === undefined && (status === 'set' || scheduledOnDevice);
  // A lock that keeps times lets nobody in after the end that it was given.
  const open = placements.filter(({ schedule }) => (schedule?.endsAt ?? at) >= at);
  const held = open.some(({ state }) => state === 'held');
  // An entry that is being taken off may open until it was seen to be gone.
  const mayOpen = open.some(({ state }) => state === 'held' || state === 'clearing');
  return { ...door, fitting, granted: fitting || (door.granted && (removal === undefined ? held : mayOpen)) };
}

const overWith = (door: MethodDoor, { removal }: AccessCodeRecord): MethodDoor => ({
  ...door,
  accessCodeId: undefined,
  fitting: false,
  granted: false,
  over: removal?.cause === 'ended' || removal?.cause === 'used' ? removal.cause : undefined,
});

const isSame = (one: MethodDoor, other: MethodDoor): boolean =>
  one.accessCodeId === other.accessCodeId &&
  one.fitting === other.fitting &&
  one.granted === other.granted &&
  one.over === other.over;

/** Whether a method is issued, by its doors. A door where a backup code stands in is not its own any more. */
export function judged(method: AccessMethodRecord, at: number): AccessMethodRecord {
  const own = method.doors.filter(({ replacedBy }) => replacedBy === undefined);
  const issued = method.removal === undefined && own.length > 0 && own.every(({ fitting }) => fitting);
  if (!issued) return { ...method, issuedAt: undefined };
  return { ...method, issuedAt: method.issuedAt ?? at, wasIssued: true, told: [] };
}

/** What is told of a method that became what it is now. */
export function eventsOfMethod(
  before: AccessMethodRecord,
  after: AccessMethodRecord,
  grant: AccessGrantRecord | undefined,
  at: number,
): EventDraft[] {
  const drafts: EventDraft[] = [];
  if (after.issuedAt !== undefined && before.issuedAt === undefined) {
    drafts.push(ofMethod(before.wasIssued ? 'access_method.reissued' : 'access_method.issued', after, grant, at));
  }
  for (const kind of after.told) {
    if (!before.told.includes(kind)) drafts.push(ofMethod(`access_method.${kind}`, after, grant, at));
  }
  return drafts;
}

function toldOf(
  { told }: AccessMethodRecord,
  { errors, warnings, removal }: AccessCodeRecord,
): AccessMethodRecord['told'] {
  if (removal) return told;
  const late = warnings.some(({ code }) => code === 'delay_in_setting_on_device');
  const more = [
    ...(late && !told.includes('delay_in_issuing') ? (['delay_in_issuing'] as const) : []),
    ...(errors.length > 0 && !told.includes('failed_to_issue') ? (['failed_to_issue'] as const) : []),
  ];
  return more.length === 0 ? told : [...told, ...more];
}

/** A door was seen to be open to a grant, by any of its PINs. */
export const isOpen = (repository: GrantRepository, accessGrantId: string, deviceId: string): boolean =>
  repository
    .methodsOf(accessGrantId)
    .some(({ doors }) => doors.some((door) => door.deviceId === deviceId && door.granted));

/** Tells when the last door opened to a grant; a door that is lost makes it possible again. */
export function completed(
  repository: GrantRepository,
  draft: ReturnType<GrantRepository['draft']>,
  grant: AccessGrantRecord,
  at: number,
) {
  const doors = repository.doorsOf(grant);
  const isComplete =
    grant.removal === undefined &&
    doors.length > 0 &&
    doors.every((deviceId) => isOpen(repository, grant.accessGrantId, deviceId));
  if (isComplete === grant.isComplete) return;
  draft.grant({ ...grant, isComplete });
  if (isComplete) draft.tell(ofGrant('access_grant.access_granted_to_all_doors', grant, at));
}

function reasonOf({ removal }: AccessCodeRecord, after: AccessCodeRecord | undefined): string {
  if (removal?.cause === 'ended') return 'Its time has ended, and the code is off the lock.';
  if (removal?.cause === 'used') return 'The code was used as often as it may be, and is off the lock.';
  if (removal) return 'The code was taken off the lock.';
  if (after?.hours && (after.status === 'unset' || after.status === 'removing'))
    return 'Its hours are over for now; it comes back with the next.';
  return after === undefined
    ? 'The code is off the lock.'
    : 'The lock does not hold the code any more. It is written again; nothing needs to be done.';
}
