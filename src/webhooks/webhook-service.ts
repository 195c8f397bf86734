import { GatewayError, Secret, type Unsubscribe } from '../contract/index.ts';
import type { NewWebhook, Webhook, WebhookQueueReport, Webhooks } from '../model/gateway.ts';
import type { WebhookRecord } from '../model/records.ts';
import { secretPrefix } from './signature.ts';
import { WebhookQueue, type WebhookQueueOptions } from './webhook-queue.ts';

/** Each has its own queue and its own connections. A guess: more than a site has applications. */
const mostWebhooks = 20;
/** The same for each key that is restricted to some devices: it takes none of the others' places. */
const mostOfOneKey = 4;
/** Deleted ones that are remembered: a client whose answer was lost asks again. */
const rememberedDeletions = 100;
/** Standard Webhooks, "Signature scheme": 24 to 64 bytes. */
const secretBytes = 32;

/** Seals what must not lie readable on disk. */
export interface WebhookVault {
  seal(secret: Secret, about: { readonly webhookId: string }): Uint8Array;
  /** @throws GatewayError `internal_error` when it does not open */
  open(sealed: Uint8Array, about: { readonly webhookId: string }): Secret;
}

export interface WebhookServiceOptions extends WebhookQueueOptions {
  readonly vault: WebhookVault;
  /** UUIDv7 */
  readonly newId: () => string;
  /** Unpredictable. */
  readonly randomBytes: (size: number) => Uint8Array;
  /** Whether access codes' digits are sent along. */
  readonly includesCodes: boolean;
}

/** Whom events are sent to, and that they get there. */
export class WebhookService implements Webhooks {
  readonly includesCodes: boolean;
  readonly #options: WebhookServiceOptions;
  readonly #records = new Map<string, WebhookRecord>();
  readonly #queues = new Map<string, WebhookQueue>();
  readonly #deleted = new Set<string>();
  /** Those that are being deleted. */
  readonly #leaving = new Map<string, Promise<void>>();
  #unsubscribe: Unsubscribe | undefined;

  constructor(options: WebhookServiceOptions) {
    this.#options = options;
    this.includesCodes = options.includesCodes;
    for (const record of options.store.read.webhooks()) this.#records.set(record.webhookId, record);
  }

  /** Goes on where the last run stopped. */
  start(): void {
    for (const record of [...this.#records.values()]) this.#takeUp(record);
    this.#unsubscribe = this.#options.events.onEvent(() => {
      for (const queue of this.#queues.values()) queue.wake();
    });
  }

  async close(): Promise<void> {
    this.#unsubscribe?.();
    await Promise.all([...this.#queues.values()].map((queue) => queue.close(true)));
  }

  list(): Webhook[] {
    return [...this.#records.values()].map((record) => this.#shown(record));
  }

  get(webhookId: string): Webhook | undefined {
    const record = this.#records.get(webhookId);
    return record && this.#shown(record);
  }

  async create({ url, eventTypes, keyId }: NewWebhook): Promise<Webhook> {
    const { store, vault, newId, clock, events, sender, randomBytes } = this.#options;
    const most = keyId === undefined ? mostWebhooks : mostOfOneKey;
    if ([...this.#records.values()].filter((record) => record.keyId === keyId).length >= most) {
      throw new GatewayError('invalid_input', `There are ${most} webhooks already. Delete one that is not used.`);
    }
    await sender.check(url);
    const webhookId = newId();
    const secret = new Secret(secretPrefix + Buffer.from(randomBytes(secretBytes)).toString('base64'));
    const record: WebhookRecord = {
      webhookId,
      url,
      eventTypes,
      sealedSecret: vault.seal(secret, { webhookId }),
      keyId,
      createdAt: clock.wallTime(),
      afterSeq: events.highestSeq,
    };
    await store.commit([{ kind: 'webhook_put', webhook: record }]);
    this.#records.set(webhookId, record);
    this.#open(record);
    return this.#shown(record);
  }

  async update(webhookId: string, eventTypes: readonly string[]): Promise<void> {
    const record = { ...this.#require(webhookId), eventTypes };
    if (this.#leaving.has(webhookId)) throw noSuchWebhook();
    await this.#options.store.commit([{ kind: 'webhook_put', webhook: record }]);
    if (!this.#records.has(webhookId)) return;
    this.#records.set(webhookId, record);
    this.#queues.get(webhookId)?.update(record);
  }

  async delete(webhookId: string): Promise<void> {
    if (this.#deleted.has(webhookId)) return;
    const record = this.#require(webhookId);
    const leaving = this.#leaving.get(webhookId) ?? this.#remove(record);
    this.#leaving.set(webhookId, leaving);
    try {
      await leaving;
    } finally {
      this.#leaving.delete(webhookId);
    }
  }

  /** It is shown until it is gone from the disk. */
  async #remove(record: WebhookRecord): Promise<void> {
    const { webhookId } = record;
    const queue = this.#queues.get(webhookId);
    this.#queues.delete(webhookId);
    await queue?.close(false);
    try {
      await this.#options.store.commit([{ kind: 'webhook_removed', webhookId }]);
    } catch (error) {
      this.#open(record);
      throw error;
    }
    this.#records.delete(webhookId);
    this.#deleted.add(webhookId);
    for (const oldest of this.#deleted) {
      if (this.#deleted.size <= rememberedDeletions) break;
      this.#deleted.delete(oldest);
    }
  }

  get queued(): number {
    return [...this.#queues.values()].reduce((sum, { queued }) => sum + queued, 0);
  }

  queueOf(webhookId: string): WebhookQueueReport | undefined {
    return this.#queues.get(webhookId)?.report;
  }

  /** One whose secret was damaged on disk is left out: the others, and the doors, go on. */
  #takeUp(record: WebhookRecord): void {
    try {
      this.#open(record);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const { webhookId } = record;
      this.#records.delete(webhookId);
      this.#options.log.error({ webhookId, why: error.message }, 'a webhook is left out; create it again');
    }
  }

  #open(record: WebhookRecord): void {
    const secret = this.#options.vault.open(record.sealedSecret, record);
    const kept = this.#options.store.read.webhook(record.webhookId) ?? record;
    this.#queues.set(record.webhookId, new WebhookQueue(kept, secret, this.#options));
  }

  #shown({ webhookId, url, eventTypes, sealedSecret, keyId, createdAt }: WebhookRecord): Webhook {
    const secret = this.#options.vault.open(sealedSecret, { webhookId });
    return { webhookId, url, eventTypes, secret, createdAt, ...(keyId !== undefined && { keyId }) };
  }

  #require(webhookId: string): WebhookRecord {
    const record = this.#records.get(webhookId);
    if (record) return record;
    throw noSuchWebhook();
  }
}

const noSuchWebhook = () =>
  new GatewayError('webhook_not_found', 'There is no such webhook at this gateway. List them with /webhooks/list.');
