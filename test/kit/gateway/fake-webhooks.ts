import { GatewayError, Secret } from '../../../src/contract/index.ts';
import type { NewWebhook, Webhook, WebhookQueueReport, Webhooks } from '../../../src/model/gateway.ts';

/** Webhooks that are kept and never sent. */
export class FakeWebhooks implements Webhooks {
  includesCodes = false;
  readonly queued = 0;
  readonly #webhooks = new Map<string, Webhook>();
  #made = 0;

  async create({ url, eventTypes, keyId }: NewWebhook): Promise<Webhook> {
    const webhookId = `webhook-${++this.#made}`;
    const secret = new Secret(`whsec_${Buffer.alloc(32, this.#made).toString('base64')}`);
    const webhook = { webhookId, url, eventTypes, secret, createdAt: 0, ...(keyId !== undefined && { keyId }) };
    this.#webhooks.set(webhookId, webhook);
    return webhook;
  }

  queueOf(webhookId: string): WebhookQueueReport | undefined {
    return this.#webhooks.has(webhookId) ? { queued: 0, failures: 0, dropped: 0 } : undefined;
  }

  get(webhookId: string): Webhook | undefined {
    return this.#webhooks.get(webhookId);
  }

  list(): Webhook[] {
    return [...this.#webhooks.values()];
  }

  async update(webhookId: string, eventTypes: readonly string[]): Promise<void> {
    this.#webhooks.set(webhookId, { ...this.#require(webhookId), eventTypes });
  }

  async delete(webhookId: string): Promise<void> {
    this.#require(webhookId);
    this.#webhooks.delete(webhookId);
  }

  #require(webhookId: string): Webhook {
    const webhook = this.#webhooks.get(webhookId);
    if (webhook) return webhook;
    throw new GatewayError('webhook_not_found', 'There is no such webhook.');
  }
}
