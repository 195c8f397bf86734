import { GatewayError } from '../contract/index.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { AccessCodePatch } from '../model/gateway.ts';
import type { AccessCodeRecord, CodeMutation, CodeTimes } from '../model/records.ts';
import { assertAcceptable } from './code-rules.ts';
import { sameHours } from './hours.ts';
import { duplicate, keypadOf, type NewCodeOptions, timesOf } from './new-code.ts';
import type { Moment } from './wanted.ts';

export interface Updated {
  readonly code: AccessCodeRecord;
  readonly drafts: readonly EventDraft[];
}

/**
 * A code as it is wanted from now on, and what is told of the change.
 * @throws GatewayError `access_code_not_found`, `invalid_input`, `duplicate_access_code`, `unsupported_action`
 */
export function updated(
  options: NewCodeOptions,
  before: AccessCodeRecord,
  patch: AccessCodePatch,
  moment: Moment,
): Updated {
  const { repository, registry } = options;
  if (before.removal) {
    throw new GatewayError(
      'access_code_not_found',
      'This access code is being removed and cannot be changed any more.',
    );
  }
  const { deviceId, accessCodeId } = before;
  const times = newTimes(before, patch, moment);
  const timesDiffer =
    times.startsAt !== before.startsAt || times.endsAt !== before.endsAt || !sameHours(times.hours, before.hours);
  const digitsDiffer = patch.code !== undefined && !repository.read(before.sealedCode, before)?.equals(patch.code);
  if (patch.code && digitsDiffer) {
    const { name, rules } = keypadOf(registry, deviceId);
    assertAcceptable(patch.code, rules, name);
  }
  if (digitsDiffer || timesDiffer) {
    const digits = patch.code ?? repository.read(before.sealedCode, before);
    if (digits && repository.duplicateOf(digits, deviceId, times, accessCodeId)) {
      throw duplicate(registry.require(deviceId).snapshot.name);
    }
  }
  const name = patch.name === undefined ? before.name : (patch.name ?? undefined);
  const changed = { name: name !== before.name, code: digitsDiffer, time_frame: timesDiffer };
  const code: AccessCodeRecord = {
    ...before,
    ...times,
    hours: times.hours,
    name,
    maxUses: patch.maxUses === undefined ? before.maxUses : (patch.maxUses ?? undefined),
    oneTimeUse: patch.isOneTimeUse ?? before.oneTimeUse,
    ...(patch.code && digitsDiffer && { sealedCode: repository.seal(patch.code, before) }),
    pendingMutations: mutations(before, changed, times, moment.at),
  };
  return { code, drafts: draftsOf(before, changed, code, moment.at) };
}

/** The same code with other times, and what is told of it; the times were checked by whoever owns the code. */
export function retimed(before: AccessCodeRecord, times: CodeTimes, { at }: Moment): Updated {
  const changed = { name: false, code: false, time_frame: true };
  const code = { ...before, ...times, hours: times.hours, pendingMutations: mutations(before, changed, times, at) };
  return { code, drafts: draftsOf(before, changed, times, at) };
}

function newTimes(before: AccessCodeRecord, patch: AccessCodePatch, moment: Moment): CodeTimes {
  const { startsAt, endsAt } = patch;
  const hours = patch.hours === undefined ? before.hours : (patch.hours ?? undefined);
  if (startsAt === undefined && endsAt === undefined)
    return { startsAt: before.startsAt, endsAt: before.endsAt, hours };
  const either = (given: number | null | undefined, old: number | undefined) =>
    given === undefined ? old : (given ?? undefined);
  return timesOf({ startsAt: either(startsAt, before.startsAt), endsAt: either(endsAt, before.endsAt), hours }, moment);
}

type Changed = Readonly<Record<'name' | 'code' | 'time_frame', boolean>>;

const words = {
  name: 'The name is being changed.',
  code: 'The new code is being written; the old one goes once the lock holds it.',
  time_frame: 'The times are being changed.',
};

function mutations(
  before: AccessCodeRecord,
  changed: Changed,
  to: NonNullable<CodeMutation['to']>,
  createdAt: number,
): readonly CodeMutation[] {
  const kinds = (['code', 'time_frame'] as const).filter((kind) => changed[kind]);
  const others = before.pendingMutations.filter(
    ({ mutationCode }) => !kinds.some((kind) => mutationCode === `updating_${kind}`),
  );
  const { startsAt, endsAt } = before;
  return [
    ...others,
    ...kinds.map((kind) => ({
      mutationCode: `updating_${kind}` as const,
      message: words[kind],
      createdAt,
      ...(kind === 'time_frame' && {
        from: { startsAt, endsAt },
        to: { startsAt: to.startsAt, endsAt: to.endsAt },
      }),
    })),
  ];
}

function draftsOf(before: AccessCodeRecord, changed: Changed, after: CodeTimes, occurredAt: number): EventDraft[] {
  const { deviceId, accessCodeId } = before;
  const about = { deviceId, accessCodeId, occurredAt };
  const from = wireTimes(before);
  const to = wireTimes(after);
  const hidden = (property: string) => ({ property, from: null, to: null });
  const properties = [
    ...(changed.name ? [hidden('name')] : []),
    ...(changed.code ? [hidden('code')] : []),
    ...(changed.time_frame && !sameHours(before.hours, after.hours) ? [hidden('strikeplate_schedule')] : []),
    ...(['starts_at', 'ends_at'] as const).flatMap((property) =>
      changed.time_frame && from[property] !== to[property]
        ? [{ property, from: from[property], to: to[property] }]
        : [],
    ),
  ];
  if (properties.length === 0) return [];
  const description = (what: string) => `The ${what} of the access code changed.`;
  const drafts: EventDraft[] = [
    {
      ...about,
      eventType: 'access_code.changed',
      details: { change_reason: 'It was asked for.', changed_properties: properties },
    },
  ];
  if (changed.name) {
    const details = { description: description('name'), from: { name: null }, to: { name: null } };
    drafts.push({ ...about, eventType: 'access_code.name_changed', details });
  }
  if (changed.code) {
    const details = { description: description('digits'), from: { code: null }, to: { code: null } };
    drafts.push({ ...about, eventType: 'access_code.code_changed', details });
  }
  if (changed.time_frame) {
    const details = { description: description('times'), from, to };
    drafts.push({ ...about, eventType: 'access_code.time_frame_changed', details });
  }
  return drafts;
}

/** As an event has them: ISO 8601, null for an end that is open. */
const wireTimes = ({ startsAt, endsAt }: CodeTimes) => ({
  starts_at: startsAt === undefined ? null : new Date(startsAt).toISOString(),
  ends_at: endsAt === undefined ? null : new Date(endsAt).toISOString(),
});
