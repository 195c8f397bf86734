import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { BrokerConfig, LinkConfig, SerialLineConfig, ZwaveStickConfig } from '../config/loaded-config.ts';
import { readZwaveKeys } from '../config/zwave-keys.ts';
import {
  type Clock,
  GatewayError,
  type MqttLink,
  type OnLimit,
  type SerialLink,
  type ZwaveLink,
} from '../contract/index.ts';
import type { LinkReport } from '../model/gateway.ts';
import type { Store } from '../model/store.ts';
import {
  type BrokerOptions,
  MqttTelemetryClient,
  MqttTransport,
  readCredentials,
  startEmbeddedBroker,
  type Will,
} from '../transports/mqtt/index.ts';
import { SerialBus, type SimulatedLines, ttyCarrier } from '../transports/serial/index.ts';
import { loadZwaveDatabases, loadZwaveLibrary, ZwaveStick } from '../transports/zwave/index.ts';
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

export interface SerialContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Where lines without a port lie; without it they stay down. */
  readonly simulatedLines: SimulatedLines;
}

export interface RunningSerial extends Closable {
  linkTo(link: Extract<LinkConfig, { kind: 'serial' }>): SerialLink;
  reports(): readonly LinkReport[];
}

/** Opens the serial lines. One whose port is away leaves its link down, and is tried again. */
export async function startSerial(
  lines: readonly SerialLineConfig[],
  { clock, log, simulatedLines }: SerialContext,
): Promise<RunningSerial> {
  const startup = new Startup();
  const buses = new Map<string, SerialBus>();
  for (const { name, path, ...line } of lines) {
    const carrier = path === undefined ? simulatedLines.carrier(name, line, clock) : ttyCarrier(path, line);
    const bus = new SerialBus({
      name,
      carrier,
      line,
      clock,
      random: Math.random,
      log: log.child({ link: `serial/${name}` }),
    });
    await startup.add(async () => bus);
    bus.start();
    buses.set(name, bus);
  }
  return {
    linkTo({ name, unit }) {
      const bus = buses.get(name);
      if (bus) return bus.link(unit);
      throw new GatewayError('misconfigured', `serial.${name}: there is no such line in the configuration.`);
    },
    reports: () => [...buses].map(([name, { state, reconnects }]) => ({ name: `serial/${name}`, state, reconnects })),
    close: () => startup.close(),
  };
}

/** Z-Wave host interface: every stick speaks at 115200 baud, 8N1. */
const stickLine = { baudRate: 115_200, parity: 'none', stopBits: 1 } as const;

export interface ZwaveContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Keeps which network each stick held. */
  readonly store: Pick<Store, 'read' | 'commit'>;
}

export interface RunningZwave extends Closable {
  linkTo(link: Extract<LinkConfig, { kind: 'zwave' }>): ZwaveLink;
  /** The stick itself, for what concerns its network. */
  stick(name: string): ZwaveStick | undefined;
  reports(): readonly LinkReport[];
}

/**
 * Opens the Z-Wave sticks. One that is away leaves its link down, and is tried again.
 * @throws GatewayError `misconfigured` when zwave-js is not installed, or a file with keys cannot be used
 */
export async function startZwave(
  configured: readonly ZwaveStickConfig[],
  { clock, log, store }: ZwaveContext,
): Promise<RunningZwave> {
  const startup = new Startup();
  const sticks = new Map<string, ZwaveStick>();
  for (const { name, path, keysFile, cacheDir, homeId } of configured) {
    const fact = `zwave_home_id:${name}`;
    const stick = new ZwaveStick({
      name,
      socket: ttyCarrier(path, stickLine),
      keys: await keysOf(name, keysFile),
      cacheDir,
      homeId: homeId ?? store.read.fact(fact),
      remember: (found) => {
        store
          .commit([{ kind: 'fact_put', name: fact, value: found }])
          .catch((error: unknown) => log.error({ err: error, stick: name }, 'the network of the stick was not kept'));
      },
      library: await loadZwaveLibrary(),
      databases: await loadZwaveDatabases(),
      clock,
      random: Math.random,
      log: log.child({ link: `zwave/${name}` }),
    });
    await startup.add(async () => stick);
    stick.start();
    sticks.set(name, stick);
  }
  return {
    linkTo({ name, node }) {
      const stick = sticks.get(name);
      if (stick) return stick.link(node);
      throw new GatewayError('misconfigured', `zwave.${name}: there is no such stick in the configuration.`);
    },
    stick: (name) => sticks.get(name),
    reports: () => [...sticks].map(([name, { state, reconnects }]) => ({ name: `zwave/${name}`, state, reconnects })),
    close: () => startup.close(),
  };
}

async function keysOf(name: string, file: string) {
  try {
    return await readZwaveKeys(file);
  } catch (cause) {
    throw new GatewayError('misconfigured', `zwave.${name}.keys_file: ${(cause as Error).message}`, { cause });
  }
}
