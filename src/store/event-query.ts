import type { EventRecord } from '../model/records.ts';
import type { EventQuery } from '../model/store.ts';

const among = (wanted: readonly string[] | undefined, value: string | undefined): boolean =>
  wanted === undefined || (value !== undefined && wanted.includes(value));

/** Whether an event meets all of a query's conditions. */
export const meets = (event: EventRecord, query: Omit<EventQuery, 'limit' | 'newestFirst'>): boolean =>
  among(query.eventIds, event.eventId) &&
  among(query.eventTypes, event.eventType) &&
  among(query.deviceIds, event.deviceId) &&
  among(query.accessCodeIds, event.accessCodeId) &&
  among(query.accessGrantIds, event.accessGrantId) &&
  among(query.accessMethodIds, event.accessMethodId) &&
  among(query.spaceIds, event.spaceId) &&
  event.createdAt >= (query.createdFrom ?? Number.NEGATIVE_INFINITY) &&
  event.createdAt <= (query.createdUntil ?? Number.POSITIVE_INFINITY);

/** In the order in which events are listed. */
export const byCreation =
  (newestFirst = false) =>
  (a: EventRecord, b: EventRecord): number =>
    (a.createdAt - b.createdAt || a.seq - b.seq) * (newestFirst ? -1 : 1);
