import { createHmac } from 'node:crypto';
import type { Secret } from '../contract/index.ts';

export const secretPrefix = 'whsec_';

/**
 * The headers by which a receiver knows that a message is ours and unchanged (Standard Webhooks, "Signature scheme", as
 * Seam's verifier reads them): HMAC-SHA256 over `id.timestamp.body`.
 * @param at milliseconds since the Unix epoch; receivers refuse what is five minutes off
 */
export function signedHeaders(secret: Secret, id: string, at: number, body: string): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1_000));
  const key = Buffer.from(secret.reveal().slice(secretPrefix.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'svix-id': id, 'svix-timestamp': timestamp, 'svix-signature': `v1,${signature}` };
}
