export { WebhookClient, type WebhookClientOptions } from './webhook-client.ts';
