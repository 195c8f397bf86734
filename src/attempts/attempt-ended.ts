import type { EventDraft } from '../model/event-types.ts';
import type { Settlement } from '../model/records.ts';
import type { AttemptFacts } from './attempt.ts';

/** The event of an attempt's end, which is committed with it. Seam has them for doors alone. */
export function attemptEnded(
  { actionAttemptId, actionType, deviceId }: AttemptFacts,
  settlement: Settlement,
  occurredAt: number,
): EventDraft | undefined {
  if (actionType !== 'LOCK_DOOR' && actionType !== 'UNLOCK_DOOR') return undefined;
  const action = actionType === 'LOCK_DOOR' ? 'lock_door' : 'unlock_door';
  return {
    eventType: `action_attempt.${action}.${settlement.status === 'success' ? 'succeeded' : 'failed'}`,
    deviceId,
    actionAttemptId,
    occurredAt,
    details: {
      action_type: actionType,
      status: settlement.status,
      ...(settlement.status === 'error' && { error: settlement.error }),
    },
  };
}
