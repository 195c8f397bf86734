import type { Logger } from 'pino';
import { type Clock, GatewayError, type OnLimit, type Secret } from '../../contract/index.ts';
import { parseBrokerUrl } from './broker-address.ts';
import { BrokerConnection, type ProtocolVersion } from './broker-connection.ts';
import type { TlsMaterial } from './credentials.ts';
import { BrokerFailure, type BrokerIdentity } from './failures.ts';
import { matches } from './topic-filter.ts';

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
export function placeOf({ name, url, username, tls }: BrokerOptions): BrokerIdentity {
  const address = parseBrokerUrl(url, name);
  if (tls !== undefined && !address.tls)
    throw new GatewayError(
      'misconfigured',
      `mqtt.${name}: there are TLS files, but the URL ${address.shown} is without TLS. Write mqtts://, or remove them.`,
    );
  return { name, address, username };
}

/** What is tried at a broker, beyond logging in. */
export interface TrialRequest {
  /** Filters that the gateway subscribes to. */
  readonly read: readonly string[];
  /** Topics that it publishes on, with something that moves nothing. */
  readonly write: readonly { readonly topic: string; readonly payload: string }[];
  /** Filters whose retained messages are of interest. */
  readonly retained: readonly string[];
}

export interface BrokerTrial {
  /** Why there is no connection, in short and as a sentence; the rest is then empty. */
  readonly failure: { readonly reason: string; readonly hint: string } | undefined;
  readonly protocolVersion: ProtocolVersion | undefined;
  /** Filters and topics that the broker's access rules refuse; of topics only MQTT 5 tells. */
  readonly refused: { readonly read: readonly string[]; readonly write: readonly string[] };
  /** Bytes; undefined where the broker names no limit. */
  readonly maximumPacketSize: number | undefined;
  /** By topic. */
  readonly retained: ReadonlyMap<string, Buffer>;
}

/** A broker tells what it retains together with its SUBACK. A guess with room for a slow one. */
const RETAINED_PATIENCE_MS = 500;

/** MQTT 5, section 3.4.2.1: 0x80 and above are refusals. */
const REFUSED = 0x80;

/** Logs in once, as the gateway would, tries what it is told to, and goes again. */
export async function tryBroker(options: BrokerOptions, wishes: TrialRequest): Promise<BrokerTrial> {
  try {
    return await tryWith(options, wishes, options.protocolVersion ?? 5);
  } catch (error) {
    if (!(error instanceof BrokerFailure)) throw error;
    if (error.versionRefused && options.protocolVersion === undefined)
      return tryBroker({ ...options, protocolVersion: 4 }, wishes);
    const { reason, hint } = error;
    return {
      failure: { reason, hint },
      protocolVersion: undefined,
      refused: { read: [], write: [] },
      maximumPacketSize: undefined,
      retained: new Map(),
    };
  }
}

/** @throws BrokerFailure */
async function tryWith(
  options: BrokerOptions,
  { read, write, retained: wanted }: TrialRequest,
  protocolVersion: ProtocolVersion,
): Promise<BrokerTrial> {
  const { clock, tls, password, clientId } = options;
  const retained = new Map<string, Buffer>();
  const acknowledged = new Map<number, number>();
  const connection = await BrokerConnection.open(
    {
      ...placeOf(options),
      ...{ tls, password, clientId, protocolVersion, clock },
      keepaliveSeconds: 30,
      answerTimeoutMs: patience.answerTimeoutMs,
    },
    {
      message: (message) => {
        if (message.retained && wanted.some((filter) => matches(filter, message.topic)))
          retained.set(message.topic, Buffer.from(message.payload));
      },
      acknowledged: (messageId, code) => acknowledged.set(messageId, code),
      oversized: () => undefined,
    },
    new AbortController().signal,
  );
  try {
    const filters = [...new Set([...read, ...wanted])];
    const granted = filters.length === 0 ? [] : await connection.subscribe(filters, 1);
    const published = write.map(({ topic, payload }) => ({
      topic,
      id: connection.publish(topic, payload, { qos: 1, retain: false }),
    }));
    await Promise.race([
      new Promise((done) => clock.setTimer(() => done(undefined), RETAINED_PATIENCE_MS)),
      connection.closed,
    ]);
    return {
      failure: undefined,
      protocolVersion,
      refused: {
        read: filters.filter((_, index) => (granted[index] ?? 0) >= REFUSED),
        write: published.filter(({ id }) => (acknowledged.get(id) ?? 0) >= REFUSED).map(({ topic }) => topic),
      },
      maximumPacketSize: connection.maximumPacketSize,
      retained,
    };
  } finally {
    await connection.end();
  }
}
