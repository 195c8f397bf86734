import type { AccessGrantRecord, AccessMethodRecord, SpaceRecord, UserIdentityRecord } from '../model/grant-records.ts';
import type {
  AccessCodeRecord,
  ActionType,
  AttemptRecord,
  EventRecord,
  IdempotencyRecord,
  NoiseThresholdRecord,
  Settlement,
  UnmanagedCodeRecord,
  WebhookDeliveryRecord,
  WebhookRecord,
} from '../model/records.ts';
import type { EventQuery } from '../model/store.ts';
import { withDetails } from './code-details.ts';
import { actorOf, type Column, idColumn, idOf, jsonOf, optional } from './columns.ts';

import { recordOf } from './documents.ts';
import { historyOf } from './history-column.ts';

/** In the order of the columns asked for. */
export type Row = Column[];

export const attemptColumns =
  'seq, action_attempt_id, device_id, action_type, subject, actor, accepted_at, intent, settled_at, result, error, history, sum, state_sum';
export const codeColumns =
  'access_code_id, device_id, name, sealed_code, status, starts_at, ends_at, created_at, details, sum';
export const unmanagedColumns = 'access_code_id, device_id, slot, name, sealed_code, created_at, sum';
export const thresholdColumns =
  'noise_threshold_id, device_id, name, starts_daily_at, ends_daily_at, time_zone, decibels, sustained_ms, created_at, sum';
export const eventColumns =
  'seq, event_id, event_type, device_id, access_code_id, action_attempt_id, noise_threshold_id, access_grant_id, access_method_id, space_id, occurred_at, created_at, details, sum';
export const webhookColumns =
  'webhook_id, url, event_types, sealed_secret, key_id, created_at, after_seq, sum, progress_sum';
export const documentColumns = 'id, document, sum';
export const idempotencyColumns = 'scope, fingerprint, action_attempt_id, created_at, sum';
export const deliveryColumns = 'webhook_id, event_seq, object_key, tries, next_at, sum';

export function attemptOf(row: Row): AttemptRecord {
  const [seq, id, device, type, subject, actor, acceptedAt, intent, settledAt, result, error, history] = row as [
    number,
    Column,
    Column,
    ActionType,
    Column,
    Column,
    number,
    number,
    number | null,
    Column,
    Column,
    Column,
  ];
  return {
    seq,
    actionAttemptId: idOf(id),
    actionType: type,
    deviceId: idOf(device),
    subject: optional(subject, (column) => jsonOf<NonNullable<AttemptRecord['subject']>>(column)),
    actor: actorOf(actor),
    acceptedAt,
    intent: intent === 1,
    settlement: settlementOf(result, error),
    settledAt: settledAt ?? undefined,
    history: historyOf(history),
  };
}

function settlementOf(result: Column, error: Column): Settlement | undefined {
  if (result !== null) return { status: 'success', result: jsonOf(result) };
  if (error !== null) return { status: 'error', error: jsonOf(error) };
  return undefined;
}

export function codeOf(row: Row): AccessCodeRecord {
  const [id, device, name, sealed, status, startsAt, endsAt, createdAt, details] = row as [
    Column,
    Column,
    string | null,
    Uint8Array,
    AccessCodeRecord['status'],
    number | null,
    number | null,
    number,
    Column,
  ];
  const columns = {
    accessCodeId: idOf(id),
    deviceId: idOf(device),
    name: name ?? undefined,
    sealedCode: new Uint8Array(sealed),
    status,
    startsAt: startsAt ?? undefined,
    endsAt: endsAt ?? undefined,
    createdAt,
  };
  return withDetails(columns, jsonOf(details));
}

export function unmanagedOf(row: Row): UnmanagedCodeRecord {
  const [id, device, slot, name, sealed, createdAt] = row as [
    Column,
    Column,
    number,
    string | null,
    Uint8Array | null,
    number,
  ];
  return {
    accessCodeId: idOf(id),
    deviceId: idOf(device),
    slot,
    name: name ?? undefined,
    sealedCode: sealed === null ? undefined : new Uint8Array(sealed),
    createdAt,
  };
}

export function thresholdOf(row: Row): NoiseThresholdRecord {
  const [id, device, name, startsDailyAt, endsDailyAt, timeZone, decibels, sustainedMs, createdAt] = row as [
    Column,
    Column,
    string,
    string,
    string,
    string,
    number,
    number,
    number,
  ];
  return {
    noiseThresholdId: idOf(id),
    deviceId: idOf(device),
    name,
    startsDailyAt,
    endsDailyAt,
    timeZone,
    decibels,
    sustainedMs,
    createdAt,
  };
}

export function idempotencyOf(row: Row): IdempotencyRecord {
  const [scope, fingerprint, actionAttemptId, createdAt] = row as [string, string, Column, number];
  return { scope, fingerprint, actionAttemptId: idOf(actionAttemptId), createdAt };
}

export function eventOf(row: Row): EventRecord {
  const [seq, id, eventType, device, code, attempt, threshold, grant, method, space, occurredAt, createdAt, details] =
    row as [number, Column, string, Column, Column, Column, Column, Column, Column, Column, number, number, Column];
  return {
    seq,
    eventId: idOf(id),
    eventType,
    deviceId: optional(device, idOf),
    accessCodeId: optional(code, idOf),
    actionAttemptId: optional(attempt, idOf),
    noiseThresholdId: optional(threshold, idOf),
    accessGrantId: optional(grant, idOf),
    accessMethodId: optional(method, idOf),
    spaceId: optional(space, idOf),
    occurredAt,
    createdAt,
    details: optional(details, (column) => jsonOf<EventRecord['details']>(column)) ?? {},
  };
}

export function webhookOf(row: Row): WebhookRecord {
  const [id, url, eventTypes, sealed, keyId, createdAt, afterSeq] = row as [
    Column,
    string,
    string,
    Uint8Array,
    string | null,
    number,
    number,
  ];
  return {
    webhookId: idOf(id),
    url,
    eventTypes: jsonOf<string[]>(eventTypes),
    sealedSecret: new Uint8Array(sealed),
    keyId: keyId ?? undefined,
    createdAt,
    afterSeq,
  };
}

export function deliveryOf(row: Row): WebhookDeliveryRecord {
  const [id, eventSeq, objectKey, tries, nextAt] = row as [Column, number, string, number, number];
  return { webhookId: idOf(id), eventSeq, objectKey, tries, nextAt };
}

export const identityOf = ([_id, document]: Row): UserIdentityRecord =>
  recordOf<UserIdentityRecord>(document, { key: undefined });

export const spaceOf = ([_id, document]: Row): SpaceRecord =>
  recordOf<SpaceRecord>(document, {
    key: undefined,
    parentSpaceId: undefined,
    customerKey: undefined,
    customerData: undefined,
  });

export function grantOf([_id, document]: Row): AccessGrantRecord {
  const grant = recordOf<AccessGrantRecord>(document, {
    key: undefined,
    reservationKey: undefined,
    sealedName: undefined,
    endsAt: undefined,
    removal: undefined,
    deletedAt: undefined,
  });
  const requests = grant.requests.map(({ createdAt, sealedCode, isWithdrawn, without }) => {
    return { createdAt, sealedCode, isWithdrawn, without };
  });
  return { ...grant, requests };
}

export function methodOf([_id, document]: Row): AccessMethodRecord {
  const method = recordOf<AccessMethodRecord>(document, {
    issuedAt: undefined,
    standsInFor: undefined,
    removal: undefined,
  });
  const doors = method.doors.map(({ deviceId, accessCodeId, granted, fitting, over, replacedBy }) => {
    return { deviceId, accessCodeId, granted, fitting, over, replacedBy };
  });
  return { ...method, doors };
}

/**
 * The events of a query among those of `from`, whose first nine parameters are {@link eventParameters}.
 * @param order.at the column by which they lie in the order of their creation, and `number` the one that decides among equals
 */
export const eventsSelect = (
  from: string,
  {
    at,
    number,
    newestFirst,
  }: { readonly at: string; readonly number: string; readonly newestFirst?: boolean | undefined },
): string => {
  const order = newestFirst ? 'DESC' : 'ASC';
  return `SELECT ${eventColumns} FROM ${from} AND ${at} BETWEEN ?1 AND ?2
         AND (?3 IS NULL OR event_type IN (SELECT value FROM json_each(?3)))
         AND (?4 IS NULL OR hex(device_id) IN (SELECT value FROM json_each(?4)))
         AND (?5 IS NULL OR hex(access_code_id) IN (SELECT value FROM json_each(?5)))
         AND (?6 IS NULL OR hex(access_grant_id) IN (SELECT value FROM json_each(?6)))
         AND (?7 IS NULL OR hex(access_method_id) IN (SELECT value FROM json_each(?7)))
         AND (?8 IS NULL OR hex(space_id) IN (SELECT value FROM json_each(?8)))
       ORDER BY ${at} ${order}, ${number} ${order} LIMIT ?9`;
};

export const eventParameters = ({ createdFrom, createdUntil, eventTypes, limit, ...ids }: EventQuery): Column[] => [
  createdFrom ?? Number.MIN_SAFE_INTEGER,
  createdUntil ?? Number.MAX_SAFE_INTEGER,
  eventTypes === undefined ? null : JSON.stringify(eventTypes),
  hexList(ids.deviceIds),
  hexList(ids.accessCodeIds),
  hexList(ids.accessGrantIds),
  hexList(ids.accessMethodIds),
  hexList(ids.spaceIds),
  limit,
];

/** As `hex()` gives it: for a UUID its bytes, for another id its characters. */
function hexList(ids: readonly string[] | undefined): string | null {
  if (ids === undefined) return null;
  return JSON.stringify(
    ids.map((id) =>
      Buffer.from(idColumn(id) as string | Uint8Array)
        .toString('hex')
        .toUpperCase(),
    ),
  );
}
