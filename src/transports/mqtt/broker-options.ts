import type { Logger } from 'pino';
import { type Clock, GatewayError, type OnLimit, type Secret } from '../../contract/index.ts';
import { parseBrokerUrl } from './broker-address.ts';
import type { ProtocolVersion } from './broker-connection.ts';
import type { TlsMaterial } from './credentials.ts';
import type { Place } from './failures.ts';

/** What every client of a broker is told. */
export interface BrokerOptions {
  /** The broker's name in configuration. */
  readonly name: string;
  /** `mqtt://host:port` or `mqtts://host:port` */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: Secret | undefined;
  readonly tls?: TlsMaterial | undefined;
  /** Unique at the broker: two clients of one id throw each other out. */
  readonly clientId: string;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** The broker is known to speak 3.1.1 alone, and somebody was told what that costs. */
  readonly isKnownToBeOld?: boolean | undefined;
  /** Told of messages that were too large, or too many. */
  readonly onLimit?: OnLimit | undefined;
  /** Undefined: 5, and 3.1.1 where the broker refuses 5. */
  readonly protocolVersion?: ProtocolVersion | undefined;
}

/** How long anything may take to be answered, and how long the pauses between tries are. Milliseconds. */
export const patience = { answerTimeoutMs: 5_000, shortestPauseMs: 250, longestPauseMs: 5_000 };

/** @throws GatewayError `misconfigured` when the URL is wrong, or does not go with TLS */
export function placeOf({ name, url, username, tls }: BrokerOptions): Place {
  const address = parseBrokerUrl(url, name);
  if (tls !== undefined && !address.tls)
    throw new GatewayError(
      'misconfigured',
      `mqtt.${name}: there are TLS files, but the URL ${address.shown} is without TLS. Write mqtts://, or remove them.`,
    );
  return { name, address, username };
}
