import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { BrokerConfig, LinkConfig } from '../config/loaded-config.ts';
import { type Clock, GatewayError, type MqttLink, type OnLimit } from '../contract/index.ts';
import type { LinkReport } from '../model/gateway.ts';
import {
  type BrokerOptions,
  MqttTelemetryClient,
  MqttTransport,
  readCredentials,
  startEmbeddedBroker,
  type Will,
} from '../transports/mqtt/index.ts';
import type { NamedDevice } from './managed-devices.ts';
import { type Closable, Startup } from './startup.ts';

export interface MqttContext {
  readonly gatewayId: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onLimit: OnLimit;
}

export interface RunningMqtt extends Closable {
  /** A device's link. @param device its name, for messages */
  linkTo(link: Extract<LinkConfig, { kind: 'mqtt' }>, device: NamedDevice): MqttLink;
  /** A link that is no device's. @param purpose for messages */
  plainLinkTo(name: string, purpose: string): MqttLink;
  /** A connection for the monitor, not started yet. */
  telemetryTo(name: string, will: Will): MqttTelemetryClient;
  /** Where a broker really listens: for an embedded one, the port it got. */
  addressOf(name: string): string;
  reports(): readonly LinkReport[];
}

/** Starts embedded brokers and the connections to all. A broker that is away leaves its link down, and is tried again. */
export async function startMqtt(brokers: readonly BrokerConfig[], context: MqttContext): Promise<RunningMqtt> {
  const startup = new Startup();
  const transports = new Map<string, { readonly options: BrokerOptions; readonly transport: MqttTransport }>();
  try {
    for (const broker of brokers) {
      const { url, ...credentials } = await addressAndCredentials(broker, startup, context.log);
      const options: BrokerOptions = {
        name: broker.name,
        url,
        ...credentials,
        // Unique at the broker even while a process that was killed still counts as connected.
        clientId: `strikeplate-${context.gatewayId}-${randomBytes(4).toString('hex')}`,
        clock: context.clock,
        random: Math.random,
        log: context.log,
        isKnownToBeOld: broker.kind === 'embedded',
        onLimit: context.onLimit,
      };
      const transport = new MqttTransport(options);
      await startup.add(async () => transport);
      transport.start();
      transports.set(broker.name, { options, transport });
    }
  } catch (error) {
    await startup.close();
    throw error;
  }
  const required = (name: string) => {
    const found = transports.get(name);
    if (found) return found;
    throw new GatewayError('misconfigured', `mqtt.${name}: there is no such broker in the configuration.`);
  };
  return {
    linkTo: (link, { name, deviceId }) => required(link.name).transport.link(name, deviceId),
    plainLinkTo: (name, purpose) => required(name).transport.link(purpose),
    telemetryTo: (name, will) =>
      new MqttTelemetryClient({
        ...required(name).options,
        // The same at each start: a broker that has not noticed the end of the last run sends its will now, not later.
        clientId: `strikeplate-${context.gatewayId}-monitor`,
        will,
      }),
    addressOf: (name) => required(name).options.url,
    reports: () =>
      [...transports].map(([name, { transport }]) => ({
        name: `mqtt/${name}`,
        state: transport.state,
        reconnects: transport.reconnects,
      })),
    close: () => startup.close(),
  };
}

async function addressAndCredentials(broker: BrokerConfig, startup: Startup, log: Logger) {
  if (broker.kind === 'embedded') {
    const embedded = await startup.add(() => startEmbeddedBroker({ port: broker.port, log }));
    return { url: embedded.url };
  }
  const { url, username } = broker;
  return { url, username, ...(await readCredentials(broker.name, broker)) };
}
