import { words } from './languages/index.ts';
import type { AccessCode, CodesOfLocks, Grant, Person, Problem, Space, WeeklySchedule } from './objects.ts';
import { deviceOf } from './state.ts';
import { ago, dayAndTime } from './time.ts';
import { nextWindow } from './weekly-hours.ts';

/** How one door stands to somebody's access. */
export interface DoorOfAccess {
  readonly deviceId: string;
  readonly state: 'set' | 'waiting' | 'coming' | 'removing' | 'refused' | 'over';
  readonly text: string;
  readonly code: AccessCode | undefined;
  /** When it is next written, as far as the gateway knows. */
  readonly comesAt?: string | undefined;
}

/** Somebody's access to some doors: a grant, or a code that stands alone. */
export interface Access {
  readonly id: string;
  readonly name: string;
  /** Whose it is, when the name does not say it. */
  readonly person: string | undefined;
  readonly startsAt: string | undefined;
  readonly endsAt: string | undefined;
  /** On which days and at what hours; undefined: at any. */
  readonly schedule: WeeklySchedule | undefined;
  readonly doors: readonly DoorOfAccess[];
  readonly problems: readonly Problem[];
  readonly isEnding: boolean;
  readonly grant: Grant | undefined;
  readonly code: AccessCode | undefined;
}

export interface AccessLists {
  readonly codes: CodesOfLocks;
  readonly grants: readonly Grant[];
  readonly people: readonly Person[];
  readonly spaces: readonly Space[];
}

/** Grants first, then the codes that belong to none. */
export function accessesOf(lists: AccessLists): Access[] {
  const people = new Map(lists.people.map((one) => [one.user_identity_id, one.display_name]));
  return [
    ...lists.grants.map((grant) => accessOfGrant(grant, lists, people.get(grant.user_identity_id))),
    ...lists.codes.access_codes
      .filter(({ access_grant_id }) => access_grant_id === undefined)
      .map((code) => accessOfCode(code, lists.codes)),
  ];
}

function accessOfGrant(grant: Grant, { codes }: AccessLists, person: string | undefined): Access {
  const own = codes.access_codes.filter(({ access_grant_id: id }) => id === grant.access_grant_id);
  const isEnding = grant.warnings.some(({ warning_code: code }) => code === 'being_deleted');
  const ids = new Set([...grant.strikeplate_device_ids, ...own.map(({ device_id }) => device_id)]);
  return {
    id: grant.access_grant_id,
    name: grant.display_name,
    person: person === grant.display_name ? undefined : person,
    startsAt: grant.starts_at,
    endsAt: grant.ends_at ?? undefined,
    schedule: grant.strikeplate_schedule,
    doors: [...ids].map((deviceId) => {
      const code = own.find(({ device_id }) => device_id === deviceId);
      if (code !== undefined) return doorOf(code, codes);
      return withoutCode(deviceId, grant);
    }),
    problems: grant.warnings.filter(({ warning_code: code }) => code !== 'being_deleted'),
    isEnding,
    grant,
    code: undefined,
  };
}

function withoutCode(deviceId: string, { errors, ends_at }: Grant): DoorOfAccess {
  const { codes: text } = words();
  const refusal = errors.find(({ missing_device_ids: ids }) => ids?.includes(deviceId));
  if (refusal !== undefined) return { deviceId, state: 'refused', text: text.refused, code: undefined };
  const isOver = ends_at !== null && Date.parse(ends_at) <= Date.now();
  return {
    deviceId,
    state: isOver ? 'over' : 'waiting',
    text: isOver ? text.over : (text.status.setting ?? ''),
    code: undefined,
  };
}

const accessOfCode = (code: AccessCode, codes: CodesOfLocks): Access => ({
  id: code.access_code_id,
  name: code.name ?? words().codes.nameless,
  person: undefined,
  startsAt: code.starts_at,
  endsAt: code.ends_at ?? undefined,
  schedule: code.strikeplate_schedule,
  doors: [doorOf(code, codes)],
  problems: [...code.errors, ...code.warnings],
  // One that was put off, or is between its hours, is taken off the lock as well, and comes back.
  isEnding: code.pending_mutations?.some(({ mutation_code: kind }) => kind === 'deleting') ?? false,
  grant: undefined,
  code,
});

/** Where a code stands, in words: since when it is on the lock, or what it waits for. */
export function doorOf(code: AccessCode, { set_since }: Pick<CodesOfLocks, 'set_since'>): DoorOfAccess {
  const { codes: text, health } = words();
  const deviceId = code.device_id;
  const of = (state: DoorOfAccess['state'], sentence: string): DoorOfAccess => ({
    deviceId,
    state,
    text: sentence,
    code,
  });
  const since = set_since[code.access_code_id];
  const device = deviceOf(deviceId)?.value.properties.strikeplate_metadata;
  const isAway = device !== undefined && device.health !== 'online';
  if (code.status === 'set')
    return of('set', since === undefined ? (text.status.set ?? '') : text.since(dayAndTime(since)));
  if (code.status === 'removing') return of('removing', isAway ? text.goesWhenBack : (text.status.removing ?? ''));
  const later = code.pending_mutations?.find(({ scheduled_at }) => scheduled_at !== undefined)?.scheduled_at;
  if (code.status === 'unset') {
    if (code.is_scheduled_on_device === true) return of('coming', text.keptByLock);
    const at = later ?? code.starts_at;
    return { ...of('coming', at === undefined ? (text.status.unset ?? '') : text.comes(dayAndTime(at))), comesAt: at };
  }
  if (isAway) return of('waiting', `${health[device.health]} (${ago(device.health_since)}): ${text.writtenWhenBack}`);
  return of('waiting', text.status.setting ?? '');
}

/** Before its beginning, and between the hours of a week. */
const isToCome = ({ startsAt, schedule, doors }: Access, now: number) =>
  (startsAt !== undefined && Date.parse(startsAt) > now) ||
  (schedule !== undefined && doors.length > 0 && doors.every(({ state }) => state === 'coming'));

/** When somebody may enter next, as far as that is known. */
export const nextOf = ({ startsAt, schedule, doors }: Access, now: number): string | undefined => {
  if (startsAt !== undefined && Date.parse(startsAt) > now) return startsAt;
  return (
    (schedule && nextWindow(schedule, now)) ??
    doors
      .flatMap(({ comesAt }) => comesAt ?? [])
      .sort()
      .at(0)
  );
};

const isOver = ({ endsAt }: Access, now: number) => endsAt !== undefined && Date.parse(endsAt) <= now;

/** Who needs somebody, has access now, is to have it next, and is on the way out. */
export function sorted(accesses: readonly Access[], now: number) {
  const isTroubled = (one: Access) => one.problems.length > 0 || one.doors.some(({ state }) => state === 'refused');
  const ending = accesses.filter((one) => one.isEnding || isOver(one, now));
  const rest = accesses.filter((one) => !ending.includes(one));
  // ISO 8601 of one zone is in the order of time; what is not known comes last.
  const byStart = (a: Access, b: Access) => {
    const [first, second] = [nextOf(a, now) ?? '~', nextOf(b, now) ?? '~'];
    return first < second ? -1 : first > second ? 1 : 0;
  };
  return {
    attention: rest.filter(isTroubled),
    now: rest.filter((one) => !isTroubled(one) && !isToCome(one, now)),
    next: rest.filter((one) => !isTroubled(one) && isToCome(one, now)).sort(byStart),
    ending,
  };
}
