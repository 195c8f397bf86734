import { z } from 'zod';
import type { Webhook } from '../model/gateway.ts';

export const webhookSchema = z
  .object({
    webhook_id: z.string(),
    url: z.string(),
    event_types: z.array(z.string()),
    secret: z.string().describe('What the official verifier is given.'),
  })
  .meta({ id: 'webhook' });

export const wireWebhook = ({ webhookId, url, eventTypes, secret }: Webhook): z.output<typeof webhookSchema> => ({
  webhook_id: webhookId,
  url,
  event_types: [...eventTypes],
  secret: secret.reveal(),
});
