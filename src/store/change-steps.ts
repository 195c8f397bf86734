import { actorColumn, type Column, historyColumn, idColumn, jsonColumn } from './columns.ts';
import type { AccessCodeRecord, AttemptRecord, NoiseThresholdRecord, Settlement } from './records.ts';
import { type StatementName, statementIndex } from './statements.ts';
import type { Change } from './store.ts';
import type { Step } from './writer-protocol.ts';

const step = (name: StatementName, parameters: readonly Column[], changes: number | null = null): Step => [
  statementIndex[name],
  parameters,
  changes,
];

const settlementColumns = (settlement: Settlement | undefined): [result: Column, error: Column] => [
  settlement?.status === 'success' ? JSON.stringify(settlement.result) : null,
  settlement?.status === 'error' ? JSON.stringify(settlement.error) : null,
];

function acceptedSteps(attempt: AttemptRecord): Step[] {
  const insert = step('attemptAccepted', [
    attempt.seq,
    idColumn(attempt.actionAttemptId),
    idColumn(attempt.deviceId),
    attempt.actionType,
    jsonColumn(attempt.subject),
    actorColumn(attempt.actor),
    attempt.acceptedAt,
    attempt.intent ? 1 : 0,
    attempt.settledAt ?? null,
    ...settlementColumns(attempt.settlement),
    historyColumn(attempt.history),
  ]);
  return [insert, step('pendingFromLowered', [attempt.seq])];
}

const codeColumns = (code: AccessCodeRecord): Column[] => [
  idColumn(code.accessCodeId),
  idColumn(code.deviceId),
  code.name ?? null,
  new Uint8Array(code.sealedCode),
  code.slot ?? null,
  code.status,
  code.startsAt ?? null,
  code.endsAt ?? null,
  code.createdAt,
  jsonColumn(code.problem),
];

const thresholdColumns = (threshold: NoiseThresholdRecord): Column[] => [
  idColumn(threshold.noiseThresholdId),
  idColumn(threshold.deviceId),
  threshold.name,
  threshold.startsDailyAt,
  threshold.endsDailyAt,
  threshold.timeZone,
  threshold.decibels,
  threshold.sustainedMs,
  threshold.createdAt,
];

/** The statements that make a change. */
export function stepsOf(change: Change): Step[] {
  switch (change.kind) {
    case 'attempt_accepted':
      return acceptedSteps(change.attempt);
    case 'attempt_intent':
      return [step('attemptIntent', [historyColumn(change.history), idColumn(change.actionAttemptId)], 1)];
    case 'attempt_settled': {
      const { settledAt, settlement, history, actionAttemptId } = change;
      const columns = [settledAt, ...settlementColumns(settlement), historyColumn(history), idColumn(actionAttemptId)];
      return [step('attemptSettled', columns, 1)];
    }
    case 'access_code_put':
      return [step('accessCodePut', codeColumns(change.code))];
    case 'access_code_removed':
      return [step('accessCodeRemoved', [idColumn(change.accessCodeId)])];
    case 'foreign_slot_put':
      return [step('foreignSlotPut', [idColumn(change.deviceId), change.slot, change.seenAt])];
    case 'foreign_slot_removed':
      return [step('foreignSlotRemoved', [idColumn(change.deviceId), change.slot])];
    case 'noise_threshold_put':
      return [step('noiseThresholdPut', thresholdColumns(change.threshold))];
    case 'noise_threshold_removed':
      return [step('noiseThresholdRemoved', [idColumn(change.noiseThresholdId)])];
    case 'idempotency_put': {
      const { scope, fingerprint, actionAttemptId, createdAt } = change.record;
      return [step('idempotencyPut', [scope, fingerprint, idColumn(actionAttemptId), createdAt])];
    }
    case 'fact_put':
      return [step('factPut', [change.name, change.value])];
  }
}

/** Moves the mark below which every attempt has ended. */
export const raisePendingFrom: readonly Step[] = [step('pendingFromRaised', [])];

/** Deletes some of the oldest rows that are older than the given times, in milliseconds since the Unix epoch. */
export const pruneSteps = (rows: number, attemptsBefore: number, idempotencyBefore: number): readonly Step[] => [
  step('attemptsPruned', [rows, attemptsBefore]),
  step('idempotencyPruned', [rows, idempotencyBefore]),
];
