import type { HttpConfig } from '../config/loaded-config.ts';
import { isLoopback } from '../config/loopback.ts';
import { GatewayError } from '../contract/index.ts';

/**
 * Refuses to open doors to a network where anybody could command them or read PINs on the way.
 *
 * @throws GatewayError `misconfigured`
 */
export function assertBindAllowed(
  { host, tls, allowPlaintext }: Pick<HttpConfig, 'host' | 'tls' | 'allowPlaintext'>,
  keys: { readonly size: number },
): void {
  if (isLoopback(host)) return;
  if (keys.size === 0)
    throw new GatewayError(
      'misconfigured',
      `http.host is ${host}, which other machines can reach, and there is no API key yet. ` +
        'Make one with "strikeplate keys create", or set http.host to 127.0.0.1.',
    );
  if (tls === undefined && !allowPlaintext)
    throw new GatewayError(
      'misconfigured',
      `http.host is ${host}, which other machines can reach, and PINs and keys would travel there unencrypted. ` +
        'Set http.tls, or set http.allow_plaintext to true if that network is trusted.',
    );
}
