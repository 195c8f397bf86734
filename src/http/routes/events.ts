import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import { isKnownEventType } from '../../model/event-catalogue.ts';
import type { Webhook } from '../../model/gateway.ts';
import type { EventQuery } from '../../model/store.ts';
import { eventSchema } from '../../wire/event.ts';
import { onceAsked } from '../../wire/once-asked.ts';
import { InvalidInput } from '../invalid-input.ts';
import { type Caller, changeRoute, type Route, readRoute } from '../route.ts';
import { devicesOfAccount } from './connected-accounts.ts';

/** Seam's default; more than the second are cut. */
const DEFAULT_LIMIT = 500;
const MAX_LIMIT = 1_000;

const moment = z
  .string()
  .refine((text) => /^\d{4}-\d{2}-\d{2}(T|$)/.test(text) && !Number.isNaN(Date.parse(text)), {
    error: 'Expected a date, or a date and time with its offset: 2026-05-01T10:00:00Z',
  })
  .transform((text) => Date.parse(text));

/** What both the list and the stream choose by. */
export const eventFilters = {
  event_type: z.string().optional(),
  event_types: z.array(z.string()).max(200).optional(),
  device_id: z.string().optional(),
  device_ids: z.array(z.string()).max(1_000).optional(),
  access_code_id: z.string().optional(),
  access_code_ids: z.array(z.string()).max(1_000).optional(),
  access_grant_id: z.string().optional(),
  access_grant_ids: z.array(z.string()).max(1_000).optional(),
  access_method_id: z.string().optional(),
  access_method_ids: z.array(z.string()).max(1_000).optional(),
  space_id: z.string().optional(),
  space_ids: z.array(z.string()).max(1_000).optional(),
};

const anything = z.union([z.string(), z.array(z.string())]).optional();

/** Seam's filters for what is not here, access systems and customers: set, they find nothing. */
const unmatchable = {
  acs_access_group_id: anything,
  acs_credential_id: anything,
  acs_encoder_id: anything,
  acs_entrance_id: anything,
  acs_system_id: anything,
  acs_system_ids: anything,
  acs_user_id: anything,
  connect_webview_id: anything,
  customer_key: anything,
  user_identity_id: anything,
};

type Filters = { readonly [Name in keyof typeof eventFilters]?: z.output<(typeof eventFilters)[Name]> | undefined };

/** @throws GatewayError `invalid_event_types` */
export function chosenEvents(params: Filters): Omit<EventQuery, 'limit'> {
  const eventTypes = oneOrMany(params.event_type, params.event_types);
  const deviceIds = oneOrMany(params.device_id, params.device_ids);
  const accessCodeIds = oneOrMany(params.access_code_id, params.access_code_ids);
  const accessGrantIds = oneOrMany(params.access_grant_id, params.access_grant_ids);
  const accessMethodIds = oneOrMany(params.access_method_id, params.access_method_ids);
  const spaceIds = oneOrMany(params.space_id, params.space_ids);
  if (eventTypes) assertEventTypes(eventTypes);
  return {
    ...(eventTypes && { eventTypes }),
    ...(deviceIds && { deviceIds }),
    ...(accessCodeIds && { accessCodeIds }),
    ...(accessGrantIds && { accessGrantIds }),
    ...(accessMethodIds && { accessMethodIds }),
    ...(spaceIds && { spaceIds }),
  };
}

/** @throws GatewayError `invalid_event_types` */
function assertEventTypes(types: readonly string[]): void {
  const unknown = types.filter((type) => !isKnownEventType(type));
  if (unknown.length === 0) return;
  // Only what looks like a name is repeated: a PIN may have got among the types by mistake.
  const named = unknown.filter((type) => /^[a-z][a-z._]{0,79}$/.test(type)).slice(0, 5);
  const which = named.length === 0 ? '' : `: ${named.join(', ')}`;
  throw new GatewayError('invalid_event_types', `There is no such event type${which}. docs/events.md lists them all.`);
}

const oneOrMany = (one: string | undefined, many: readonly string[] | undefined): readonly string[] | undefined =>
  one === undefined ? many : [...(many ?? []), one];

export function eventRoutes(): Route[] {
  return [
    readRoute({
      path: '/events/list',
      summary: 'List events, oldest first',
      scopes: ['read'],
      params: z.object({
        since: moment.optional().describe('Events that were written down from then on.'),
        between: z.array(moment).length(2).optional().describe('From the first time to the second.'),
        event_ids: z.array(z.string()).max(1_000).optional(),
        ...eventFilters,
        ...unmatchable,
        connected_account_id: z.string().optional(),
        limit: z.number().int().min(1).optional().describe(`${DEFAULT_LIMIT} unless told, ${MAX_LIMIT} at most.`),
        unstable_offset: z.number().int().min(0).max(1_000_000).optional(),
        newest_first: z.boolean().optional().describe('Our own.'),
      }),
      answer: () => z.object({ events: z.array(eventSchema()) }),
      respond: (params, caller) => {
        const { gateway, answers } = caller;
        const { since, between, event_ids: eventIds, limit = DEFAULT_LIMIT, unstable_offset: offset = 0 } = params;
        if ((since === undefined) === (between === undefined) && !(eventIds && since === undefined)) {
          throw new InvalidInput('since, between: give one of the two, or event_ids.');
        }
        const from = since ?? between?.[0];
        const until = between?.[1];
        const chosen = chosenEvents(params);
        const ofAccount =
          params.connected_account_id === undefined
            ? undefined
            : devicesOfAccount(gateway, params.connected_account_id).filter(
                (id) => chosen.deviceIds?.includes(id) !== false,
              );
        const found = gateway.events.list({
          ...chosen,
          ...(ofAccount && { deviceIds: ofAccount }),
          ...(eventIds && { eventIds }),
          ...(from !== undefined && { createdFrom: from }),
          ...(until !== undefined && { createdUntil: until }),
          ...(params.newest_first && { newestFirst: true }),
          limit: Math.min(limit, MAX_LIMIT) + offset,
        });
        const elsewhere = (Object.keys(unmatchable) as (keyof typeof unmatchable)[]).some(
          (name) => params[name] !== undefined,
        );
        const shown = elsewhere ? [] : found.slice(offset);
        return { events: shown.map((event) => answers.event(event, caller)) };
      },
    }),
    readRoute({
      path: '/events/get',
      summary: 'Get an event, or the newest of a type or a device',
      scopes: ['read'],
      params: z.object({
        event_id: z.string().optional(),
        event_type: z.string().optional(),
        device_id: z.string().optional(),
      }),
      answer: () => z.object({ event: eventSchema() }),
      respond: ({ event_id: id, ...newest }, caller) => {
        const { events } = caller.gateway;
        if (id === undefined && newest.event_type === undefined && newest.device_id === undefined) {
          throw new InvalidInput('event_id, event_type, device_id: give one of them.');
        }
        const event =
          id === undefined ? events.list({ ...chosenEvents(newest), newestFirst: true, limit: 1 })[0] : events.get(id);
        if (event === undefined) {
          throw new GatewayError(
            'event_not_found',
            'There is no such event at this gateway. It may be older than what is kept.',
          );
        }
        return { event: caller.answers.event(event, caller) };
      },
    }),
  ];
}

const path = '/webhooks';
const eventTypes = z.array(z.string()).min(1).max(200);
const byId = z.object({ webhook_id: z.string() });

export function webhookRoutes(): Route[] {
  const find = ({ gateway: { webhooks } }: Caller, id: string) => {
    const webhook = webhooks.get(id);
    if (webhook) return webhook;
    throw new GatewayError(
      'webhook_not_found',
      'There is no such webhook at this gateway. List them with /webhooks/list.',
    );
  };
  /** Whoever makes a webhook that is sent codes sees them. */
  const assertMaySeeCodes = (caller: Caller) => {
    if (!caller.gateway.webhooks.includesCodes || caller.may('codes')) return;
    throw new GatewayError(
      'insufficient_scope',
      'Webhooks of this gateway carry the digits of access codes (webhooks.include_codes): that needs the scope codes.',
    );
  };
  return [
    changeRoute('create', {
      path: `${path}/create`,
      summary: 'Have events sent to a URL',
      scopes: ['control'],
      params: z.strictObject({
        url: z.string().min(1).max(2_000),
        event_types: eventTypes.optional().describe('All unless told.'),
      }),
      answer: () => z.object({ webhook: webhookSchema() }),
      change: async ({ url, event_types = ['*'] }, _origin, caller) => {
        assertMaySeeCodes(caller);
        assertEventTypes(event_types.filter((type) => type !== '*'));
        const webhook = wireWebhook(await caller.gateway.webhooks.create({ url, eventTypes: event_types }));
        return { answer: () => ({ webhook }) };
      },
    }),
    readRoute({
      path: `${path}/get`,
      summary: 'Get a webhook',
      scopes: ['control'],
      params: byId,
      answer: () => z.object({ webhook: webhookSchema() }),
      respond: ({ webhook_id }, caller) => ({ webhook: wireWebhook(find(caller, webhook_id)) }),
    }),
    readRoute({
      path: `${path}/list`,
      summary: 'List webhooks',
      scopes: ['control'],
      params: z.object({}),
      answer: () => z.object({ webhooks: z.array(webhookSchema()) }),
      respond: (_params, { gateway }) => ({ webhooks: gateway.webhooks.list().map(wireWebhook) }),
    }),
    changeRoute('update', {
      path: `${path}/update`,
      summary: 'Change which events a webhook gets',
      scopes: ['control'],
      params: z.strictObject({ webhook_id: z.string(), event_types: eventTypes }),
      answer: () => z.object({}),
      change: async ({ webhook_id, event_types }, _origin, caller) => {
        assertMaySeeCodes(caller);
        assertEventTypes(event_types.filter((type) => type !== '*'));
        await caller.gateway.webhooks.update(webhook_id, event_types);
        return { answer: () => ({}) };
      },
    }),
    changeRoute('delete', {
      path: `${path}/delete`,
      summary: 'Send a URL no more events',
      scopes: ['control'],
      params: z.strictObject({ webhook_id: z.string() }),
      answer: () => z.object({}),
      change: async ({ webhook_id }, _origin, { gateway }) => {
        await gateway.webhooks.delete(webhook_id);
        return { answer: () => ({}) };
      },
    }),
  ];
}

const webhookSchema = onceAsked(() =>
  z
    .object({
      webhook_id: z.string(),
      url: z.string(),
      event_types: z.array(z.string()),
      secret: z.string().describe('What the official verifier is given.'),
    })
    .meta({ id: 'webhook' }),
);

const wireWebhook = ({ webhookId, url, eventTypes, secret }: Webhook): z.output<ReturnType<typeof webhookSchema>> => ({
  webhook_id: webhookId,
  url,
  event_types: [...eventTypes],
  secret: secret.reveal(),
});
