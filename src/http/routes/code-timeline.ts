import { z } from 'zod';
import { eventTypes } from '../../model/event-catalogue.ts';
import type { EventRecord } from '../../model/records.ts';
import { connectedAccountIdOf } from '../../wire/connected-account.ts';
import { isoTime } from '../../wire/iso-time.ts';
import { onceAsked } from '../../wire/once-asked.ts';
import { mismatchedCursor } from '../page.ts';
import { moment } from '../plain-parameters.ts';
import { type Caller, type Route, readRoute } from '../route.ts';
import { noSuchCode } from './access-code-lookup.ts';

/** Seam's own. */
const USUAL_LIMIT = 50;
const LONGEST = 200;
/** More than a code ever has. */
const EVERYTHING = 10_000;

const timelineEventSchema = onceAsked(() =>
  z.object({
    timeline_event_id: z.string(),
    event_type: z.string(),
    occurred_at: z.string(),
    description: z.string(),
    actor: z.object({
      type: z.enum(['api_key', 'console_user', 'system', 'external']),
      id: z.string().optional(),
      display_name: z.string().optional(),
    }),
    related_resource_ids: z.object({
      event_id: z.string(),
      device_id: z.string().optional(),
      connected_account_id: z.string().optional(),
      action_attempt_id: z.string().optional(),
    }),
  }),
);

/** What happened to one code, newest first, with who did it: Seam's unpublished route, of events that are kept anyway. */
export function codeTimelineRoutes(): Route[] {
  return [
    readRoute({
      path: '/access_codes/get_timeline',
      summary: 'Get what happened to an access code, newest first, and who did it',
      scopes: ['read'],
      params: z.object({
        access_code_id: z.string(),
        limit: z.number().int().min(1).max(LONGEST).optional().describe(`${USUAL_LIMIT} unless told.`),
        before: moment.optional().describe('Only what happened before then.'),
        after: moment.optional().describe('Only what happened after then.'),
        event_types: z.array(z.string()).optional(),
        cursor: z.string().optional().describe('`next_cursor` of the page before.'),
      }),
      answer: () =>
        z.object({
          timeline_events: z.array(timelineEventSchema()),
          pagination: z.object({
            has_more: z.boolean(),
            next_cursor: z.string().nullable(),
            prev_cursor: z.string().nullable(),
          }),
        }),
      respond: ({ access_code_id, limit = USUAL_LIMIT, before, after, event_types, cursor }, caller) => {
        const { events, accessCodes } = caller.gateway;
        const all = events.list({ accessCodeIds: [access_code_id], newestFirst: true, limit: EVERYTHING });
        const isKnown = accessCodes.get(access_code_id) ?? accessCodes.unmanaged.get(access_code_id);
        if (all.length === 0 && isKnown === undefined) throw noSuchCode();
        const until = before === undefined ? Number.POSITIVE_INFINITY : Date.parse(before);
        const since = after === undefined ? Number.NEGATIVE_INFINITY : Date.parse(after);
        const chosen = all.filter(
          ({ eventType, occurredAt }) =>
            eventType.startsWith('access_code.') &&
            occurredAt < until &&
            occurredAt > since &&
            (event_types?.includes(eventType) ?? true),
        );
        const at = cursor === undefined ? -1 : chosen.findIndex(({ eventId }) => eventId === cursor);
        if (cursor !== undefined && at === -1) throw mismatchedCursor();
        const page = chosen.slice(at + 1, at + 1 + limit);
        const hasMore = chosen.length > at + 1 + limit;
        return {
          timeline_events: page.map((event) => shown(event, caller)),
          pagination: {
            has_more: hasMore,
            next_cursor: hasMore ? (page.at(-1)?.eventId ?? null) : null,
            prev_cursor: cursor ?? null,
          },
        };
      },
    }),
  ];
}

function shown(event: EventRecord, { gateway }: Caller): z.output<ReturnType<typeof timelineEventSchema>> {
  const { eventId, eventType, occurredAt, deviceId, actionAttemptId } = event;
  const link = deviceId === undefined ? undefined : gateway.devices.get(deviceId)?.link;
  return {
    timeline_event_id: eventId,
    event_type: eventType,
    occurred_at: isoTime(occurredAt),
    description: Object.entries(eventTypes).find(([type]) => type === eventType)?.[1] ?? eventType,
    actor: actorOf(event, gateway),
    related_resource_ids: {
      event_id: eventId,
      ...(deviceId !== undefined && { device_id: deviceId }),
      ...(link !== undefined && { connected_account_id: connectedAccountIdOf(gateway.identity.workspaceId, link) }),
      ...(actionAttemptId !== undefined && { action_attempt_id: actionAttemptId }),
    },
  };
}

/** Somebody asked for it, somebody did it at the lock, or the gateway brought it about. */
function actorOf(
  { eventType, actionAttemptId }: EventRecord,
  { attempts }: Caller['gateway'],
): z.output<ReturnType<typeof timelineEventSchema>>['actor'] {
  const actor = actionAttemptId === undefined ? undefined : attempts.get(actionAttemptId)?.actor;
  if (actor?.kind === 'api_key')
    return { type: 'api_key', ...(actor.keyId !== '' && { id: actor.keyId }), display_name: actor.name };
  if (actor?.kind === 'cli') return { type: 'console_user', display_name: actor.name };
  const atTheLock = /external_to_seam$|^access_code\.unmanaged\.(created|removed)$/.test(eventType);
  return { type: atTheLock ? 'external' : 'system' };
}
