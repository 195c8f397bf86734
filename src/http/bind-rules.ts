import { BlockList, isIPv6 } from 'node:net';
import { GatewayError } from '../contract/index.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
loopback.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');

/** Whether only this machine can reach what listens there. A name other than localhost is taken for a network. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || loopback.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');

export interface BindRules {
  readonly host: string;
  /** Whether answers travel encrypted. */
  readonly tls: boolean;
  readonly allowPlaintext: boolean;
}

/**
 * Refuses to open doors to a network where anybody could command them or read PINs on the way.
 *
 * @throws GatewayError `misconfigured`
 */
export function assertBindAllowed({ host, tls, allowPlaintext }: BindRules, keys: { readonly size: number }): void {
  if (isLoopback(host)) return;
  if (keys.size === 0)
    throw new GatewayError(
      'misconfigured',
      `http.host is ${host}, which other machines can reach, and there is no API key yet. ` +
        'Make one with "strikeplate keys create", or set http.host to 127.0.0.1.',
    );
  if (!tls && !allowPlaintext)
    throw new GatewayError(
      'misconfigured',
      `http.host is ${host}, which other machines can reach, and PINs and keys would travel there unencrypted. ` +
        'Set http.tls, or set http.allow_plaintext to true if that network is trusted.',
    );
}
