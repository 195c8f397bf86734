import type {
  AccessCodeRecord,
  AttemptRecord,
  EventRecord,
  NoiseThresholdRecord,
  Settlement,
  UnmanagedCodeRecord,
} from '../model/records.ts';
import type { Change } from '../model/store.ts';
import { detailsOf } from './code-details.ts';
import { actorParameter, bytesParameter, idParameter, jsonParameter, type Parameter } from './columns.ts';
import { documentOf } from './documents.ts';
import { historyParameter } from './history-column.ts';
import type { Bounds } from './retention.ts';
import { rowSum } from './row-sum.mjs';
import { shortDetails } from './short-texts.mjs';
import { type StatementName, statementIndex } from './statements.ts';
import { attemptSums, stateSum } from './whole-rows.ts';
import type { Step } from './writer-protocol.ts';

const step = (name: StatementName, parameters: readonly Parameter[], mustChange = false): Step => [
  statementIndex[name],
  parameters,
  mustChange,
];

/** A row with its sum at the end. */
function summed(name: StatementName, columns: Parameter[], mustChange = false): Step {
  columns.push(rowSum(columns));
  return step(name, columns, mustChange);
}

const settlementColumns = (settlement: Settlement | undefined): [result: Parameter, error: Parameter] => [
  settlement?.status === 'success' ? shortDetails(JSON.stringify(settlement.result)) : null,
  settlement?.status === 'error' ? JSON.stringify(settlement.error) : null,
];

const acceptedColumns = (attempt: AttemptRecord): Parameter[] => [
  attempt.seq,
  idParameter(attempt.actionAttemptId),
  idParameter(attempt.deviceId),
  attempt.actionType,
  jsonParameter(attempt.subject),
  actorParameter(attempt.actor),
  attempt.acceptedAt,
  attempt.intent ? 1 : 0,
  attempt.settledAt ?? null,
  ...settlementColumns(attempt.settlement),
  historyParameter(attempt.history),
];

const codeColumns = (code: AccessCodeRecord): Parameter[] => [
  idParameter(code.accessCodeId),
  idParameter(code.deviceId),
  code.name ?? null,
  bytesParameter(code.sealedCode),
  code.status,
  code.startsAt ?? null,
  code.endsAt ?? null,
  code.createdAt,
  jsonParameter(detailsOf(code)),
];

const unmanagedColumns = (code: UnmanagedCodeRecord): Parameter[] => [
  idParameter(code.accessCodeId),
  idParameter(code.deviceId),
  code.slot,
  code.name ?? null,
  code.sealedCode === undefined ? null : bytesParameter(code.sealedCode),
  code.createdAt,
];

const thresholdColumns = (threshold: NoiseThresholdRecord): Parameter[] => [
  idParameter(threshold.noiseThresholdId),
  idParameter(threshold.deviceId),
  threshold.name,
  threshold.startsDailyAt,
  threshold.endsDailyAt,
  threshold.timeZone,
  threshold.decibels,
  threshold.sustainedMs,
  threshold.createdAt,
];

const idOrNull = (id: string | undefined): Parameter => (id === undefined ? null : idParameter(id));

const eventColumns = (event: EventRecord): Parameter[] => [
  event.seq,
  idParameter(event.eventId),
  event.eventType,
  idOrNull(event.deviceId),
  idOrNull(event.accessCodeId),
  idOrNull(event.actionAttemptId),
  idOrNull(event.noiseThresholdId),
  idOrNull(event.accessGrantId),
  idOrNull(event.accessMethodId),
  idOrNull(event.spaceId),
  event.occurredAt,
  event.createdAt,
  Object.keys(event.details).length === 0 ? null : shortDetails(JSON.stringify(event.details)),
];

/**
 * An event in its place. Field by field: adding one to what an object was spread into costs as much as all else that an
 * event does here (3 us, measured).
 */
export const numbered = (event: Omit<EventRecord, 'seq'>, seq: number): EventRecord => ({
  seq,
  eventId: event.eventId,
  eventType: event.eventType,
  deviceId: event.deviceId,
  accessCodeId: event.accessCodeId,
  actionAttemptId: event.actionAttemptId,
  noiseThresholdId: event.noiseThresholdId,
  accessGrantId: event.accessGrantId,
  accessMethodId: event.accessMethodId,
  spaceId: event.spaceId,
  occurredAt: event.occurredAt,
  createdAt: event.createdAt,
  details: event.details,
});

/** Puts an event that has been numbered. */
export const eventStep = (event: EventRecord): Step => summed('eventPut', eventColumns(event), true);

/** A change that is made by statements of its own; events and the audit log are numbered first. */
type MadeChange = Exclude<Change, { kind: 'event_put' | 'audit_put' }>;

/** The statements that make a change, by its kind. */
const stepsByKind: {
  readonly [Kind in MadeChange['kind']]: (change: Extract<MadeChange, { kind: Kind }>) => Step[];
} = {
  attempt_accepted: (change) => {
    const columns = acceptedColumns(change.attempt);
    columns.push(...attemptSums(columns));
    return [step('attemptAccepted', columns, true)];
  },
  attempt_intent: (change) => {
    const history = historyParameter(change.history);
    const state = stateSum({ intent: 1, settledAt: null, result: null, error: null, history });
    return [step('attemptIntent', [history, idParameter(change.actionAttemptId), state], true)];
  },
  attempt_settled: (change) => {
    const { settledAt, settlement, history, actionAttemptId } = change;
    const [result, error] = settlementColumns(settlement);
    const told = historyParameter(history);
    const state = stateSum({ intent: undefined, settledAt, result, error, history: told });
    return [step('attemptSettled', [settledAt, result, error, told, idParameter(actionAttemptId), state], true)];
  },
  attempt_reworded: (change) => {
    const columns = acceptedColumns(change.attempt);
    return [step('attemptReworded', [...columns, ...attemptSums(columns)])];
  },
  event_reworded: (change) => {
    const columns = eventColumns(change.event);
    return [step('eventReworded', [change.event.seq, columns.at(-1) ?? null, rowSum(columns)])];
  },
  access_code_put: (change) => [summed('accessCodePut', codeColumns(change.code))],
  access_code_removed: (change) => [step('accessCodeRemoved', [idParameter(change.accessCodeId)])],
  unmanaged_code_put: (change) => [summed('unmanagedCodePut', unmanagedColumns(change.code))],
  unmanaged_code_removed: (change) => [step('unmanagedCodeRemoved', [idParameter(change.accessCodeId)])],
  noise_threshold_put: (change) => [summed('noiseThresholdPut', thresholdColumns(change.threshold))],
  noise_threshold_removed: (change) => [step('noiseThresholdRemoved', [idParameter(change.noiseThresholdId)])],
  user_identity_put: (change) => [
    summed('userIdentityPut', [idParameter(change.identity.userIdentityId), documentOf(change.identity)]),
  ],
  user_identity_removed: (change) => [step('userIdentityRemoved', [idParameter(change.userIdentityId)])],
  space_put: (change) => [summed('spacePut', [idParameter(change.space.spaceId), documentOf(change.space)])],
  space_removed: (change) => [step('spaceRemoved', [idParameter(change.spaceId)])],
  access_grant_put: (change) => [
    summed('accessGrantPut', [idParameter(change.grant.accessGrantId), documentOf(change.grant)]),
  ],
  access_grant_removed: (change) => [step('accessGrantRemoved', [idParameter(change.accessGrantId)])],
  access_method_put: (change) => [
    summed('accessMethodPut', [idParameter(change.method.accessMethodId), documentOf(change.method)]),
  ],
  access_method_removed: (change) => [step('accessMethodRemoved', [idParameter(change.accessMethodId)])],
  idempotency_put: (change) => {
    const { scope, fingerprint, actionAttemptId, createdAt } = change.record;
    return [summed('idempotencyPut', [scope, fingerprint, idParameter(actionAttemptId), createdAt])];
  },
  webhook_put: (change) => {
    const { webhookId, url, eventTypes, sealedSecret, keyId, createdAt, afterSeq } = change.webhook;
    const types = JSON.stringify(eventTypes);
    const secret = bytesParameter(sealedSecret);
    const columns = [idParameter(webhookId), url, types, secret, keyId ?? null, createdAt];
    return [step('webhookPut', [...columns, rowSum(columns), afterSeq, rowSum([afterSeq])])];
  },
  webhook_removed: (change) => [
    step('webhookDeliveriesRemoved', [idParameter(change.webhookId)]),
    step('webhookRemoved', [idParameter(change.webhookId)]),
  ],
  webhook_progress: (change) => [
    step('webhookProgress', [change.afterSeq, rowSum([change.afterSeq]), idParameter(change.webhookId)]),
  ],
  webhook_delivery_put: (change) => {
    const { webhookId, eventSeq, objectKey, tries, nextAt } = change.delivery;
    return [summed('webhookDeliveryPut', [idParameter(webhookId), eventSeq, objectKey, tries, nextAt])];
  },
  webhook_delivery_removed: (change) => [
    step('webhookDeliveryRemoved', [idParameter(change.webhookId), change.eventSeq]),
  ],
  audit_names_removed: (change) => change.seqs.map((seq) => step('auditNameRemoved', [seq])),
  audit_pruned: (change) => [step('auditPruned', [change.seq])],
  fact_put: (change) => [summed('factPut', [change.name, change.value])],
  fact_removed: (change) => [step('factRemoved', [change.name])],
};

/** The statements that make a change. */
export const stepsOf = (change: MadeChange): Step[] =>
  (stepsByKind[change.kind] as (change: MadeChange) => Step[])(change);

/** For an attempt that comes later than its number says: it may lie below marks already. */
export const lateAttemptSteps = (seq: number): readonly Step[] => [
  step('pendingFromLowered', [seq]),
  step('lateAttemptId', [seq]),
  step('lateAttemptOfDevice', [seq]),
];

/** Fills the index tables with the attempts up to a number. */
export const indexAttempts = (upTo: number): readonly Step[] => [
  step('attemptIdsFilled', [upTo]),
  step('attemptsOfDeviceFilled', [upTo]),
  step('attemptsForgotten', [upTo]),
  step('indexedTo', ['attempts_indexed_to', upTo]),
];

/** The same with events. */
export const indexEvents = (upTo: number): readonly Step[] => [
  step('eventIdsFilled', [upTo]),
  step('eventsByTimeFilled', [upTo]),
  step('eventsForgotten', [upTo]),
  step('indexedTo', ['events_indexed_to', upTo]),
];

/** Moves the mark below which every attempt has ended. */
export const raisePendingFrom: readonly Step[] = [step('pendingFromRaised', [])];

/** Deletes some of the oldest rows that are too old, or too many. */
export const pruneSteps = (
  rows: number,
  { attemptsBefore, eventsBefore, idempotencyBefore, events }: Bounds,
): readonly Step[] => [
  step('attemptsPruned', [rows, attemptsBefore]),
  step('idempotencyPruned', [rows, idempotencyBefore]),
  step('eventsPruned', [rows, eventsBefore, events]),
];
