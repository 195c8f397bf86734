import type { EventDraft } from '../model/event-types.ts';
import type { AccessGrantRecord, AccessMethodRecord, SpaceRecord } from '../model/grant-records.ts';

type GrantEvent = 'access_grant.created' | 'access_grant.deleted' | 'access_grant.access_granted_to_all_doors';

/** Of a grant, where its type says everything. */
export const ofGrant = (
  eventType: GrantEvent,
  { accessGrantId }: AccessGrantRecord,
  occurredAt: number,
): EventDraft => ({
  eventType,
  accessGrantId,
  occurredAt,
});

export const grantedToDoor = (accessGrantId: string, deviceId: string, occurredAt: number): EventDraft => ({
  eventType: 'access_grant.access_granted_to_door',
  accessGrantId,
  deviceId,
  occurredAt,
  details: { acs_entrance_id: deviceId },
});

export const doorLost = (accessGrantId: string, deviceId: string, reason: string, occurredAt: number): EventDraft => ({
  eventType: 'access_grant.access_to_door_lost',
  accessGrantId,
  deviceId,
  occurredAt,
  details: { acs_entrance_id: deviceId, reason },
});

export const timesChanged = (
  { accessGrantId, key, startsAt, endsAt }: AccessGrantRecord,
  occurredAt: number,
): EventDraft => ({
  eventType: 'access_grant.access_times_changed',
  accessGrantId,
  occurredAt,
  details: {
    ...(key !== undefined && { access_grant_key: key }),
    starts_at: new Date(startsAt).toISOString(),
    ...(endsAt !== undefined && { ends_at: new Date(endsAt).toISOString() }),
  },
});

type MethodEvent = Extract<EventDraft['eventType'], `access_method.${string}`>;

export function ofMethod(
  eventType: MethodEvent,
  { accessMethodId, accessGrantId, standsInFor }: AccessMethodRecord,
  grant: AccessGrantRecord | undefined,
  occurredAt: number,
): EventDraft {
  const about = { accessGrantId, accessMethodId, occurredAt };
  const details = {
    access_grant_ids: [accessGrantId],
    ...(grant?.key !== undefined && { access_grant_keys: [grant.key] }),
  };
  if (eventType === 'access_method.issued' || eventType === 'access_method.reissued') {
    return { ...about, eventType, details: { ...details, is_backup_code: standsInFor !== undefined } };
  }
  return { ...about, eventType, details };
}

/** @param deviceIds those that it is about: the doors of the space, unless doors joined or left */
export const ofSpace = (
  eventType: Extract<EventDraft['eventType'], `space.${string}`>,
  { spaceId, key, deviceIds }: SpaceRecord,
  occurredAt: number,
): EventDraft => ({
  eventType,
  spaceId,
  occurredAt,
  details: { device_ids: deviceIds, acs_entrance_ids: [], ...(key !== undefined && { space_key: key }) },
});
