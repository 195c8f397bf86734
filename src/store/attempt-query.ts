import type { AttemptRecord } from '../model/records.ts';
import type { AttemptQuery } from '../model/store.ts';

/** What a query asks for, its limit apart. */
export function isAskedFor(attempt: AttemptRecord, query: Omit<AttemptQuery, 'limit'>): boolean {
  const { actionAttemptIds, deviceId, deviceIds, actionTypes, status, beforeSeq } = query;
  return (
    actionAttemptIds?.includes(attempt.actionAttemptId) !== false &&
    (deviceId ?? attempt.deviceId) === attempt.deviceId &&
    deviceIds?.includes(attempt.deviceId) !== false &&
    actionTypes?.includes(attempt.actionType) !== false &&
    (status === undefined || status === (attempt.settlement?.status ?? 'pending')) &&
    (beforeSeq === undefined || attempt.seq < beforeSeq)
  );
}
