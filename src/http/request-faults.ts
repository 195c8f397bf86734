import { randomUUID } from 'node:crypto';
import { GatewayError } from '../contract/index.ts';
import { errorAnswer } from './error-envelope.ts';
import { InvalidInput } from './invalid-input.ts';
import { bodyTooLarge } from './json-body.ts';

/** A body in another form than JSON. */
export const notJson = (): GatewayError =>
  new InvalidInput('Send the parameters as JSON, with the header "Content-Type: application/json".');

/**
 * The framework's own complaints in the wire contract's words; undefined for what is not the client's doing.
 * Their texts are not passed on: some quote what was sent.
 */
export function requestFault(error: unknown, bodyLimit: number): GatewayError | undefined {
  if (error instanceof GatewayError) return error;
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? error.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return bodyTooLarge(bodyLimit);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return notJson();
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new InvalidInput('The body is not as long as its Content-Length says.');
    case 'FST_ERR_BAD_URL':
      return new InvalidInput('The URL is not valid: its percent-encoding is broken.');
  }
  const status = 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 500
    ? new InvalidInput('The request could not be read.')
    : undefined;
}

/** What is answered to what is not HTTP, or came too slowly or with too much before the body, byte by byte. */
export function brokenRequestAnswer({ code }: { readonly code?: string }): string {
  const fault =
    code === 'HPE_HEADER_OVERFLOW'
      ? new GatewayError('payload_too_large', 'The URL and the headers together are too large.')
      : new InvalidInput(
          code === 'ERR_HTTP_REQUEST_TIMEOUT'
            ? 'The request did not arrive completely in time.'
            : 'What arrived is not a valid HTTP request.',
        );
  const { status, body } = errorAnswer(fault);
  const text = JSON.stringify(body);
  return [
    `HTTP/1.1 ${status} ${status === 413 ? 'Payload Too Large' : 'Bad Request'}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    `seam-request-id: ${randomUUID()}`,
    'Connection: close',
    '',
    text,
  ].join('\r\n');
}
