import { z } from 'zod';
import type { EventRecord } from '../model/records.ts';
import { errorCodeOf } from './device-problems.ts';
import { isoTime } from './iso-time.ts';

/** An event of the wire contract: the fields that all have, and what its type adds. docs/events.md lists them. */
export const eventSchema = z.looseObject({
  event_id: z.string(),
  event_type: z.string(),
  workspace_id: z.string(),
  created_at: z.string(),
  occurred_at: z.string(),
  device_id: z.string().optional(),
  connected_account_id: z.string().optional(),
  access_code_id: z.string().optional(),
  action_attempt_id: z.string().optional(),
  noise_threshold_id: z.string().optional(),
  access_grant_id: z.string().optional(),
  access_method_id: z.string().optional(),
  space_id: z.string().optional(),
});

export type WireEvent = z.output<typeof eventSchema>;

/** The types that carry an access code's digits, for those who may see them (Seam's event objects). */
const withCode: ReadonlySet<string> = new Set(['access_code.set_on_device', 'lock.locked', 'lock.unlocked']);

/** The types that carry a method's digits. */
const issues: ReadonlySet<string> = new Set(['access_method.issued', 'access_method.reissued']);

const withoutNull = (name: string, value: string | null) => (value === null ? {} : { [name]: value });

/** @param digits of the event's access code as it is now, for those who may see them; null for all others */
export function wireEvent(
  event: EventRecord,
  context: {
    readonly workspaceId: string;
    readonly digits: () => string | null;
    /** The same of its access method. */
    readonly methodDigits: () => string | null;
  },
): WireEvent {
  const { eventType, deviceId, accessCodeId, actionAttemptId, noiseThresholdId, details } = event;
  const { accessGrantId, accessMethodId, spaceId } = event;
  const { workspaceId, digits, methodDigits } = context;
  return {
    ...details,
    ...(eventType === 'device.disconnected' && { error_code: errorCodeOf(String(details.reason)) }),
    ...(accessCodeId !== undefined && withCode.has(eventType) && { code: digits() }),
    ...(issues.has(eventType) && withoutNull('code', methodDigits())),
    event_id: event.eventId,
    event_type: eventType,
    workspace_id: workspaceId,
    created_at: isoTime(event.createdAt),
    occurred_at: isoTime(event.occurredAt),
    ...(deviceId !== undefined && { device_id: deviceId, connected_account_id: workspaceId }),
    ...(accessCodeId !== undefined && { access_code_id: accessCodeId }),
    ...(actionAttemptId !== undefined && { action_attempt_id: actionAttemptId }),
    ...(noiseThresholdId !== undefined && { noise_threshold_id: noiseThresholdId }),
    ...(accessGrantId !== undefined && { access_grant_id: accessGrantId }),
    ...(accessMethodId !== undefined && { access_method_id: accessMethodId }),
    ...(spaceId !== undefined && { space_id: spaceId }),
  };
}
