import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { Webhook } from '../../model/gateway.ts';
import { type Caller, changeRoute, type Route, readRoute } from '../route.ts';
import { assertEventTypes } from './events.ts';

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
      answer: z.object({ webhook: webhookSchema }),
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
      answer: z.object({ webhook: webhookSchema }),
      respond: ({ webhook_id }, caller) => ({ webhook: wireWebhook(find(caller, webhook_id)) }),
    }),
    readRoute({
      path: `${path}/list`,
      summary: 'List webhooks',
      scopes: ['control'],
      params: z.object({}),
      answer: z.object({ webhooks: z.array(webhookSchema) }),
      respond: (_params, { gateway }) => ({ webhooks: gateway.webhooks.list().map(wireWebhook) }),
    }),
    changeRoute('update', {
      path: `${path}/update`,
      summary: 'Change which events a webhook gets',
      scopes: ['control'],
      params: z.strictObject({ webhook_id: z.string(), event_types: eventTypes }),
      answer: z.object({}),
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
      answer: z.object({}),
      change: async ({ webhook_id }, _origin, { gateway }) => {
        await gateway.webhooks.delete(webhook_id);
        return { answer: () => ({}) };
      },
    }),
  ];
}

const webhookSchema = z
  .object({
    webhook_id: z.string(),
    url: z.string(),
    event_types: z.array(z.string()),
    secret: z.string().describe('What the official verifier is given.'),
  })
  .meta({ id: 'webhook' });

const wireWebhook = ({ webhookId, url, eventTypes, secret }: Webhook): z.output<typeof webhookSchema> => ({
  webhook_id: webhookId,
  url,
  event_types: [...eventTypes],
  secret: secret.reveal(),
});
