import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../contract/index.ts';
import { InvalidInput } from './invalid-input.ts';

/** Header lines; a browser sends some twenty. */
export const MAX_HEADERS = 100;

/** Headers that change what a request does, so that two of them are two requests in one. */
const ONCE: ReadonlySet<string> = new Set([
  ...['authorization', 'content-encoding', 'content-type', 'host', 'idempotency-key', 'last-event-id'],
]);

/**
 * Refuses requests that can be read in two ways: what stands between a client and the gateway may have read the other.
 *
 * @throws GatewayError `invalid_input`, `payload_too_large`
 */
export function assertPlainRequest(request: IncomingMessage): void {
  const { rawHeaders, headers, method, httpVersion } = request;
  assertNoHeaderIsLost(request);
  const seen: string[] = [];
  // Names and values in turn.
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    if (!ONCE.has(name)) continue;
    if (seen.includes(name))
      throw new InvalidInput(`The header ${name} came more than once: it is not known which one counts. Send one.`);
    seen.push(name);
  }
  // RFC 9112, section 3.2.
  if (headers.host === undefined && httpVersion === '1.1')
    throw new InvalidInput('The header Host is missing, which HTTP/1.1 asks for.');
  // Node.js answers the one expectation that there is (RFC 9110, section 10.1.1).
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue')
    throw new InvalidInput(
      'The header Expect asks for something else than 100-continue, which is all that is known here.',
    );
  const transfer = headers['transfer-encoding'];
  if (transfer !== undefined && transfer.toLowerCase() !== 'chunked')
    throw new InvalidInput('The body is compressed, by its Transfer-Encoding. Send plain JSON.');
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new InvalidInput('The body is compressed, by its Content-Encoding. Send plain JSON.');
  const { 'content-type': type = '' } = headers;
  const charset = type.includes(';') ? /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1] : undefined;
  if (charset !== undefined && method !== 'GET' && !/^(utf-?8|us-ascii)$/i.test(charset))
    throw new InvalidInput('The body is not in UTF-8, by its Content-Type. JSON is (RFC 8259, section 8.1).');
}

/**
 * Node.js passes over the header lines behind the most that it is told to keep: one that says what a request is, such as
 * its Idempotency-Key, may be among them.
 *
 * @throws GatewayError `payload_too_large`
 */
function assertNoHeaderIsLost({ rawHeaders }: IncomingMessage): void {
  if (rawHeaders.length > 2 * MAX_HEADERS)
    throw new GatewayError(
      'payload_too_large',
      `The request has more than ${MAX_HEADERS} header lines. Nothing was done.`,
    );
}
