import { SeamWebhook } from '@seamapi/webhook';
import type { WebhookRequest, WebhookSender } from '../../../src/webhooks/webhook-sender.ts';

export interface Received {
  readonly at: number;
  readonly request: WebhookRequest;
  readonly id: string;
  readonly event: { readonly event_id: string; readonly event_type: string; readonly device_id?: string };
}

/** Somebody who is sent webhooks; what becomes of each is the test's to say. */
export class WebhookReceiver implements WebhookSender {
  /** Every try, in order. */
  readonly received: Received[] = [];
  /** The status to answer with; a promise that never settles is a receiver that hangs. */
  answer: (received: Received, signal: AbortSignal) => number | Promise<number> = () => 200;
  check: WebhookSender['check'] = async () => {};
  /** How many are under way. */
  open = 0;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  async send(request: WebhookRequest, signal: AbortSignal): Promise<number> {
    const received = {
      at: this.#now(),
      request,
      id: request.headers['svix-id'] ?? '',
      event: JSON.parse(request.body),
    };
    this.received.push(received);
    this.open += 1;
    try {
      return await this.answer(received, signal);
    } finally {
      this.open -= 1;
    }
  }

  get ids(): string[] {
    return this.received.map(({ id }) => id);
  }
}

/** A receiver that hangs until the sender gives up. */
export const hang = (_received: Received, signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/** Reads a delivery as an application does, with the official verifier. @throws when it is not from us */
export const verify = ({ request: { body, headers } }: Pick<Received, 'request'>, secret: string) =>
  new SeamWebhook(secret).verify(body, { ...headers });
