import type { EventRecord } from '../model/records.ts';
import type { EventQuery } from '../model/store.ts';
import { type Column, idColumn } from './columns.ts';
import { eventColumns } from './sqlite-rows.ts';

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
