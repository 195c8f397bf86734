import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { LinkConfig, LoadedConfig } from '../config/loaded-config.ts';
import {
  type Clock,
  GatewayError,
  type LinkKind,
  type LinkKinds,
  type MqttLink,
  type OnLimit,
} from '../contract/index.ts';
import type { LinkReport } from '../model/gateway.ts';
import type { Store } from '../model/store.ts';
import type { BleAdapter } from '../transports/ble/index.ts';
import type { SimulatedRadios } from '../transports/ble/simulated-radios.ts';
import type { MqttTelemetryClient, Will } from '../transports/mqtt/index.ts';
import type { SimulatedLines } from '../transports/serial/index.ts';
import type { ZwaveStick } from '../transports/zwave/index.ts';
import { type RunningBle, startBle } from './ble.ts';
import {
  type RunningMqtt,
  type RunningSerial,
  type RunningZwave,
  startMqtt,
  startSerial,
  startZwave,
} from './link-kinds.ts';
import type { NamedDevice } from './managed-devices.ts';

export interface LinksContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly onLimit: OnLimit;
  readonly store: Pick<Store, 'read' | 'commit'>;
  readonly simulatedLines: SimulatedLines;
  readonly simulatedRadios: SimulatedRadios;
}

type Sections = Pick<LoadedConfig, 'gateway' | 'mqtt' | 'serial' | 'ble' | 'zwave'>;

type RunningLink =
  | { readonly kind: 'mqtt'; readonly link: RunningMqtt }
  | { readonly kind: 'serial'; readonly link: RunningSerial }
  | { readonly kind: 'ble'; readonly link: RunningBle }
  | { readonly kind: 'zwave'; readonly link: RunningZwave };

/** One link of the configuration, not started. */
interface Planned {
  /** `mqtt/main` */
  readonly name: string;
  /** Tells whether it is the same as before: what the configuration says of it, and what its files hold. */
  readonly signature: string;
  start(context: LinksContext): Promise<RunningLink>;
}

/** Brokers, lines, adapters and sticks, each by itself, so that one can be exchanged while the others go on. */
export class Links {
  readonly #context: LinksContext;
  /** In the order of the configuration. */
  #links: ReadonlyMap<string, { readonly signature: string; readonly running: RunningLink }> = new Map();

  constructor(context: LinksContext) {
    this.#context = context;
  }

  /** @throws GatewayError `misconfigured`; what was started stays, for `close` */
  async start(config: Sections): Promise<void> {
    await this.change(config, () => Promise.resolve());
  }

  /** The names of those that go, or are others than before. */
  touched(config: Sections): ReadonlySet<string> {
    const after = new Map(planned(config).map(({ name, signature }) => [name, signature]));
    return new Set(
      [...this.#links].filter(([name, { signature }]) => after.get(name) !== signature).map(([name]) => name),
    );
  }

  /** The names of those that the configuration has and that do not run, be they new or because they did not start. */
  missing(config: Sections): ReadonlySet<string> {
    return new Set(planned(config).flatMap(({ name }) => (this.#links.has(name) ? [] : [name])));
  }

  /**
   * Closes what goes and starts what is new; what stays is left alone.
   * @param released resolves when nobody uses a link any more
   * @throws what the first one said that could not be started; the others are there
   */
  async change(config: Sections, released: (name: string) => Promise<unknown>): Promise<void> {
    const before = this.#links;
    const after = planned(config);
    const stays = (name: string, signature: string) => before.get(name)?.signature === signature;
    const going = [...before].filter(
      ([name]) => !after.some((plan) => plan.name === name && stays(name, plan.signature)),
    );
    // Out of the list at once: whoever asks is told that it is not there.
    const links = new Map([...before].filter(([name]) => !going.some(([gone]) => gone === name)));
    this.#links = links;
    await Promise.all(
      going.map(async ([name, { running }]) => {
        await released(name);
        await running.link.close();
      }),
    );
    const failures: unknown[] = [];
    for (const { name, signature, start } of after) {
      if (stays(name, signature)) continue;
      try {
        links.set(name, { signature, running: await start(this.#context) });
      } catch (error) {
        failures.push(error);
      }
    }
    this.#links = new Map(
      after.flatMap(({ name }) => {
        const link = links.get(name);
        return link === undefined ? [] : [[name, link]];
      }),
    );
    if (failures.length > 0) throw failures[0];
  }

  /** @throws GatewayError `misconfigured` while there is no such link */
  linkTo(link: LinkConfig, device: NamedDevice): LinkKinds[LinkKind] {
    const running = this.#links.get(`${link.kind}/${link.name}`)?.running;
    if (running?.kind === 'mqtt' && link.kind === 'mqtt') return running.link.linkTo(link, device);
    if (running?.kind === 'serial' && link.kind === 'serial') return running.link.linkTo(link);
    if (running?.kind === 'ble' && link.kind === 'ble') return running.link.linkTo(link, device.name);
    if (running?.kind === 'zwave' && link.kind === 'zwave') return running.link.linkTo(link);
    throw new GatewayError('misconfigured', `${link.kind}.${link.name}: there is no such link at the moment.`);
  }

  /** The adapter itself, for what concerns no single device. @throws GatewayError as `linkTo` */
  adapter(name: string): BleAdapter {
    const running = this.#links.get(`ble/${name}`)?.running;
    const adapter = running?.kind === 'ble' ? running.link.adapter(name) : undefined;
    if (adapter !== undefined) return adapter;
    throw new GatewayError('misconfigured', `ble.${name}: there is no such adapter at the moment.`);
  }

  /** A link that is no device's. @throws GatewayError as `linkTo` */
  plainMqttLink(name: string, purpose: string): MqttLink {
    const running = this.#links.get(`mqtt/${name}`)?.running;
    if (running?.kind === 'mqtt') return running.link.plainLinkTo(name, purpose);
    throw new GatewayError('misconfigured', `mqtt.${name}: there is no such broker at the moment.`);
  }

  /** The stick itself, for what concerns its network. @throws GatewayError as `linkTo` */
  stick(name: string): ZwaveStick {
    const running = this.#links.get(`zwave/${name}`)?.running;
    const stick = running?.kind === 'zwave' ? running.link.stick(name) : undefined;
    if (stick !== undefined) return stick;
    throw new GatewayError('misconfigured', `zwave.${name}: there is no such stick at the moment.`);
  }

  telemetryTo(name: string, will: Will): MqttTelemetryClient {
    const running = this.#links.get(`mqtt/${name}`)?.running;
    if (running?.kind === 'mqtt') return running.link.telemetryTo(name, will);
    throw new GatewayError('misconfigured', `mqtt.${name}: there is no such broker in the configuration.`);
  }

  reports(): readonly LinkReport[] {
    return [...this.#links.values()].flatMap(({ running }) => running.link.reports());
  }

  async close(): Promise<void> {
    const links = [...this.#links.values()].reverse();
    this.#links = new Map();
    const ends = await Promise.allSettled(links.map(({ running }) => running.link.close()));
    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, 'Links failed to close.');
  }
}

function planned({ gateway, mqtt, serial, ble, zwave }: Sections): Planned[] {
  return [
    ...mqtt.map((broker): Planned => {
      const files =
        broker.kind === 'embedded' ? [] : [broker.passwordFile, broker.caFile, broker.certFile, broker.keyFile];
      return {
        name: `mqtt/${broker.name}`,
        signature: signatureOf([gateway.id, broker], files),
        start: async (context) => ({
          kind: 'mqtt',
          link: await startMqtt([broker], { ...context, gatewayId: gateway.id }),
        }),
      };
    }),
    ...serial.map(
      (line): Planned => ({
        name: `serial/${line.name}`,
        signature: signatureOf(line, []),
        start: async (context) => ({ kind: 'serial', link: await startSerial([line], context) }),
      }),
    ),
    ...ble.map(
      (adapter): Planned => ({
        name: `ble/${adapter.name}`,
        signature: signatureOf(adapter, []),
        start: async (context) => ({ kind: 'ble', link: await startBle([adapter], context) }),
      }),
    ),
    ...zwave.map(
      (stick): Planned => ({
        name: `zwave/${stick.name}`,
        signature: signatureOf(stick, [stick.keysFile]),
        start: async (context) => ({ kind: 'zwave', link: await startZwave([stick], context) }),
      }),
    ),
  ];
}

/** A digest: passwords are in it. */
function signatureOf(section: unknown, files: readonly (string | undefined)[]): string {
  const digest = createHash('sha256').update(JSON.stringify(section));
  for (const file of files) if (file !== undefined) digest.update(contentOf(file));
  return digest.digest('hex');
}

function contentOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
