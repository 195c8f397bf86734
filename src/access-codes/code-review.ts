import { hoursTooShort } from '../model/code-hours.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { AccessCodeRecord, AccessCodeStatus, CodeMutation, CodeProblem } from '../model/records.ts';
import { type CodeEvaluation, dueAt, lateAfterMs, wantedSince } from './wanted.ts';

/** Status, pending mutations and delays as they follow from what is wanted and what the lock holds. */
export function reviewed(code: AccessCodeRecord, evaluation: CodeEvaluation): AccessCodeRecord {
  const { fitting, moment } = evaluation;
  const waitsOnLock = fitting?.schedule !== undefined && moment.at < fitting.schedule.startsAt;
  return {
    ...code,
    status: statusOf(code, evaluation, waitsOnLock),
    scheduledOnDevice: code.removal === undefined && waitsOnLock,
    pendingMutations: mutationsOf(code, evaluation),
    warnings: warningsOf(code, evaluation),
  };
}

/** Whether a look at the clock alone changes what is to be told of a code. */
export function isStale(code: AccessCodeRecord, evaluation: CodeEvaluation): boolean {
  const now = reviewed(code, evaluation);
  return (
    now.status !== code.status ||
    now.scheduledOnDevice !== code.scheduledOnDevice ||
    now.warnings.length !== code.warnings.length ||
    now.warnings.some((warning, index) => warning.code !== code.warnings[index]?.code) ||
    now.pendingMutations[0]?.mutationCode !== code.pendingMutations[0]?.mutationCode
  );
}

function statusOf(code: AccessCodeRecord, { fitting, want }: CodeEvaluation, waitsOnLock: boolean): AccessCodeStatus {
  if (code.removal) return 'removing';
  if (fitting) return waitsOnLock ? 'unset' : 'set';
  if (want === 'on_lock') return 'setting';
  // Its time is over, or was put off, and the lock may still open to it.
  if (want === 'off_lock' && code.placements.length > 0) return 'removing';
  return want === 'as_it_is' && code.placements.length > 0 ? 'setting' : 'unset';
}

const isUpdate = ({ mutationCode }: CodeMutation): boolean => mutationCode.startsWith('updating_');

function mutationsOf(code: AccessCodeRecord, { fitting, want, timing }: CodeEvaluation): readonly CodeMutation[] {
  const { removal, placements, createdAt } = code;
  if (removal) {
    return [{ mutationCode: 'deleting', message: 'The code is being taken off the lock.', createdAt: removal.at }];
  }
  if (fitting && placements.length === 1) return [];
  const updates = code.pendingMutations.filter(isUpdate);
  if (placements.length > 0 && updates.length > 0) return updates;
  if (fitting) return [];
  if (want === 'off_lock' && timing.startsAt !== undefined) {
    const scheduledAt = dueAt(timing, timing.leadMs);
    if (!Number.isFinite(scheduledAt)) return [];
    return [
      {
        mutationCode: 'deferring_creation',
        message: 'The code is written when its time comes.',
        createdAt,
        scheduledAt,
      },
    ];
  }
  return [{ mutationCode: 'creating', message: 'The code is being written to the lock.', createdAt }];
}

function warningsOf(code: AccessCodeRecord, evaluation: CodeEvaluation): readonly CodeProblem[] {
  const others = code.warnings.filter(({ code: name }) => !isDelay(name) && name !== hoursTooShort);
  const { problem } = evaluation.timing;
  const short = problem === undefined ? undefined : { code: hoursTooShort, message: problem, at: evaluation.moment.at };
  const delay = delayOf(code, evaluation);
  return [...others, ...(short ? [since(code, short)] : []), ...(delay ? [since(code, delay)] : [])];
}

/** One that was there before keeps its beginning. */
const since = ({ warnings }: AccessCodeRecord, found: CodeProblem): CodeProblem => ({
  ...found,
  at: warnings.find(({ code }) => code === found.code)?.at ?? found.at,
});

const itsErrors = 'The errors of the code say why, and what the gateway does about it.';

const isDelay = (name: string): boolean => name.startsWith('delay_in_');

function delayOf(code: AccessCodeRecord, { moment, want, fitting, timing }: CodeEvaluation): CodeProblem | undefined {
  const { at } = moment;
  if (code.removal) {
    if (code.placements.length === 0 || at < code.removal.at + lateAfterMs) return undefined;
    const message = `The lock may still hold the code. ${code.errors.length > 0 ? itsErrors : 'It is taken off as soon as the lock can be reached.'}`;
    return { code: 'delay_in_removing_from_device', message, at };
  }
  if (want === 'off_lock' && code.hours && code.placements.length > 0) {
    const since = timing.lastUntil;
    if (since === undefined || at < since + lateAfterMs) return undefined;
    const message = `Its hours are over for now, and the lock may still take the code. ${code.errors.length > 0 ? itsErrors : 'It is taken off as soon as the lock can be reached.'}`;
    return { code: 'delay_in_removing_from_device', message, at };
  }
  if (want !== 'on_lock' || fitting || at < wantedSince(code, timing) + lateAfterMs) return undefined;
  const message = `The lock does not hold the code yet. ${code.errors.length > 0 ? itsErrors : 'It is written as soon as the lock can be reached.'}`;
  return { code: 'delay_in_setting_on_device', message, at };
}

/** What has to be told of a change of a code, beside what whoever changed it tells. */
export function eventsOfCode(before: AccessCodeRecord | undefined, after: AccessCodeRecord, occurredAt: number) {
  const drafts: EventDraft[] = [];
  // Backup codes are nobody's: only their lock knows them.
  if (after.backup && after.backup.pulledFor === undefined) return drafts;
  const about = { deviceId: after.deviceId, accessCodeId: after.accessCodeId, occurredAt };
  if (after.scheduledOnDevice && !before?.scheduledOnDevice) {
    drafts.push({ ...about, eventType: 'access_code.scheduled_on_device' });
  }
  if (after.status === 'set' && before?.status !== 'set') {
    drafts.push({ ...about, eventType: 'access_code.set_on_device' });
  }
  // Most have neither.
  if (after.errors.length === 0 && after.warnings.length === 0) return drafts;
  const isNew = (problems: 'errors' | 'warnings') =>
    after[problems].filter(({ code }) => !before?.[problems].some((old) => old.code === code));
  const details = () => ({
    access_code_errors: inWords('error', after.errors),
    access_code_warnings: inWords('warning', after.warnings),
  });
  for (const { code } of isNew('warnings')) {
    if (code === 'delay_in_setting_on_device' || code === 'delay_in_removing_from_device') {
      drafts.push({ ...about, eventType: `access_code.${code}`, details: details() });
    }
  }
  if (isNew('errors').length > 0) {
    const eventType = after.removal
      ? 'access_code.failed_to_remove_from_device'
      : 'access_code.failed_to_set_on_device';
    drafts.push({ ...about, eventType, details: details() });
  }
  return drafts;
}

const inWords = (kind: 'error' | 'warning', problems: readonly CodeProblem[]) =>
  problems.map(({ code, message, at }) => ({
    [`${kind}_code`]: code,
    message,
    created_at: new Date(at).toISOString(),
  }));
