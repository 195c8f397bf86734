import type { IncomingMessage } from 'node:http';
import { InvalidInput } from './invalid-input.ts';

/** Headers that change what a request does, so that two of them are two requests in one. */
const once = ['authorization', 'content-encoding', 'content-type', 'host', 'idempotency-key', 'last-event-id'] as const;

/**
 * Refuses requests that can be read in two ways: what stands between a client and the gateway may have read the other.
 *
 * @throws InvalidInput
 */
export function assertPlainRequest({ rawHeaders, headers, method }: IncomingMessage): void {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  for (const name of once) {
    if (names.indexOf(name) !== names.lastIndexOf(name))
      throw new InvalidInput(`The header ${name} came more than once: it is not known which one counts. Send one.`);
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new InvalidInput('The body is compressed, by its Content-Encoding. Send plain JSON.');
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && method !== 'GET' && !/^(utf-?8|us-ascii)$/i.test(charset))
    throw new InvalidInput('The body is not in UTF-8, by its Content-Type. JSON is (RFC 8259, section 8.1).');
}
