import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../config/canonical-json.ts';
import { GatewayError } from '../contract/index.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import { onceAsked } from '../wire/once-asked.ts';

/** Seam's default; a longer page is cut here, since `has_next_page` tells that there is more. */
const DEFAULT_LIMIT = 500;
const MAX_LIMIT = 1000;

export const pageParameters = {
  limit: z.number().int().min(1).optional().describe(`Objects per page, ${DEFAULT_LIMIT} unless told.`),
  page_cursor: z.string().optional().describe('`next_page_cursor` of the page before, with the same parameters.'),
};

export const paginationSchema = onceAsked(() =>
  z
    .object({
      has_next_page: z.boolean(),
      next_page_cursor: z.string().nullable(),
      next_page_url: z.string().nullable(),
    })
    .meta({ id: 'pagination' }),
);

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly pagination: z.output<ReturnType<typeof paginationSchema>>;
}

export interface PageRequest {
  /** Route path: a cursor belongs to one route. */
  readonly route: string;
  /** Where the route is reached from outside, for `next_page_url`. */
  readonly url: string;
  readonly params: Readonly<Record<string, unknown>> & {
    readonly limit?: number | undefined;
    readonly page_cursor?: string | undefined;
  };
}

/**
 * Cuts one page. A position names the last object of a page (its sequence number, or its id), not a count, so that
 * what comes or goes meanwhile shifts nothing.
 *
 * @param fetch gives up to `count` objects after `position`, undefined from the start
 * @throws GatewayError `mismatched_page_parameters`
 */
export function pageOf<Item>(
  request: PageRequest,
  fetch: (position: string | undefined, count: number) => readonly Item[],
  positionOf: (item: Item, next: Item | undefined) => string,
): Page<Item> {
  const { page_cursor: cursor, ...params } = request.params;
  const digest = createHash('sha256')
    .update(`${request.route} ${canonicalJson(params)}`)
    .digest('base64url')
    .slice(0, 16);
  const limit = Math.min(params.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
  const found = fetch(cursor === undefined ? undefined : positionIn(cursor, digest), limit + 1);
  const items = found.slice(0, limit);
  const last = items.at(-1);
  if (found.length <= limit || last === undefined)
    return { items, pagination: { has_next_page: false, next_page_cursor: null, next_page_url: null } };
  const next = Buffer.from(JSON.stringify([digest, positionOf(last, found[limit])])).toString('base64url');
  return {
    items,
    pagination: { has_next_page: true, next_page_cursor: next, next_page_url: nextUrl(request.url, params, next) },
  };
}

/**
 * The page of a list of devices, in the order of the configuration. A page's last device names where the next begins, also
 * when it is not asked for any more; once it is gone, the one that came next does.
 * @param roster every device, asked for or not
 * @throws GatewayError `mismatched_page_parameters`
 */
export const pageOfDevices = (
  request: PageRequest,
  devices: readonly DeviceSnapshot[],
  roster: readonly DeviceSnapshot[],
): Page<DeviceSnapshot> =>
  pageOf(
    request,
    (position, count) => {
      if (position === undefined) return devices.slice(0, count);
      const places = new Map(roster.map(({ deviceId }, place) => [deviceId, place]));
      const [last = '', next = ''] = position.split(' ');
      const after = places.get(last);
      const from = after === undefined ? places.get(next) : after + 1;
      if (from === undefined) throw mismatchedCursor();
      return devices.filter(({ deviceId }) => (places.get(deviceId) ?? -1) >= from).slice(0, count);
    },
    ({ deviceId }, next) => `${deviceId} ${next?.deviceId ?? ''}`,
  );

/**
 * The page of a list, oldest first. Of one millisecond, and once a clock was set back, neither the order in which things
 * were made nor that of their ids is that of their times: time and id together are an order that stays.
 */
export function pageByAge<Item extends { readonly createdAt: number }>(
  request: PageRequest,
  items: Iterable<Item>,
  idOf: (item: Item) => string,
): Page<Item> {
  // Texts of one length, so that they compare like the numbers in them.
  const positionOf = (item: Item) => `${String(item.createdAt).padStart(16, '0')} ${idOf(item)}`;
  return pageOf(
    request,
    (after = '', count) =>
      [...items]
        .map((item) => ({ item, position: positionOf(item) }))
        .filter(({ position }) => position > after)
        .sort((one, other) => (one.position < other.position ? -1 : 1))
        .slice(0, count)
        .map(({ item }) => item),
    positionOf,
  );
}

function positionIn(cursor: string, digest: string): string {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    content = undefined;
  }
  const read = z.tuple([z.string(), z.string()]).safeParse(content);
  if (!read.success || read.data[0] !== digest) throw mismatchedCursor();
  return read.data[1];
}

/** For a cursor that is not of this route and these parameters, and for one whose position makes no sense. */
export const mismatchedCursor = (): GatewayError =>
  new GatewayError(
    'mismatched_page_parameters',
    'The page_cursor belongs to a request with other parameters. Repeat the parameters, or start without a cursor.',
  );

function nextUrl(url: string, params: Readonly<Record<string, unknown>>, cursor: string): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (value === undefined) continue;
    if (Array.isArray(value)) for (const item of value) query.append(key, String(item));
    else if (typeof value === 'object' && value !== null)
      for (const [name, member] of Object.entries(value)) query.append(`${key}.${name}`, String(member));
    else query.append(key, String(value));
  }
  query.append('page_cursor', cursor);
  return `${url}?${query}`;
}
