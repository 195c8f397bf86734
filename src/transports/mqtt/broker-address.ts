import { GatewayError } from '../../contract/index.ts';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** As it may be shown: without user name and password. */
  readonly shown: string;
}

/** The ports IANA gave to MQTT and to MQTT over TLS. */
const PORTS = { 'mqtt:': 1883, 'mqtts:': 8883 } as const;

/**
 * Reads `mqtt://host[:port]` or `mqtts://host[:port]`.
 * @throws GatewayError `misconfigured`, in words for whoever wrote the configuration
 */
export function parseBrokerUrl(url: string, name: string): BrokerAddress {
  const wrong = (why: string) =>
    new GatewayError(
      'misconfigured',
      `mqtt.${name}.url: ${why}. Write mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS.`,
    );
  if (!URL.canParse(url)) throw wrong('this is not a URL');
  const parsed = new URL(url);
  if (parsed.protocol !== 'mqtt:' && parsed.protocol !== 'mqtts:')
    throw wrong(`the scheme ${parsed.protocol}// is not one the gateway speaks`);
  if (parsed.username !== '' || parsed.password !== '')
    throw wrong('user name and password do not belong in the URL, use username and password_file');
  if (parsed.hostname === '') throw wrong('the host is missing');
  if (!['', '/'].includes(parsed.pathname) || parsed.search !== '' || parsed.hash !== '')
    throw wrong('nothing may follow the port');
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const port = parsed.port === '' ? PORTS[parsed.protocol] : Number(parsed.port);
  return { host, port, tls: parsed.protocol === 'mqtts:', shown: `${parsed.protocol}//${parsed.hostname}:${port}` };
}
