import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceIdOf } from '../../src/config/identity.ts';
import { createApiKey } from '../../src/http/api-key-changes.ts';
import { Mosquitto, mosquittoProgram } from '../peers/kit/mosquitto.ts';
import { HelperProcess } from './helper-process.ts';

export interface Broker {
  readonly url: string;
  /** In words, for the report. */
  readonly what: string;
  readonly protocolVersion: 4 | 5;
  close(): Promise<void>;
}

/** mosquitto with TCP_NODELAY where it is installed, the embedded broker in a process of its own otherwise. */
export async function startBroker(embedded: boolean): Promise<Broker> {
  if (!embedded && mosquittoProgram !== undefined) {
    const lines = ['allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 0'];
    const mosquitto = await Mosquitto.start({ lines });
    const what = 'mosquitto with set_tcp_nodelay, MQTT 5';
    return { url: mosquitto.url, what, protocolVersion: 5, close: () => mosquitto.close() };
  }
  const helper = new HelperProcess('broker.mjs', {});
  const url = await helper.ask<string>('address');
  return { url, what: 'the embedded broker (aedes), MQTT 3.1.1', protocolVersion: 4, close: () => helper.stop() };
}

/** A folder that is gone afterwards. Not in memory: what is measured there has to reach a disk. */
export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'strikeplate-bench-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface GatewaySite {
  readonly configFile: string;
  readonly logFile: string;
  readonly stateDir: string;
  readonly apiKey: string;
  readonly deviceIds: readonly string[];
}

export interface SiteWishes {
  readonly folder: string;
  readonly brokerUrl: string;
  /** Its doors are `<base>/door-<number>` on the broker. */
  readonly base: string;
  readonly devices: number;
  readonly monitor: boolean;
  /** Webhooks may be sent to this machine. */
  readonly webhooks: boolean;
  readonly port: number;
  /** Further keys of every device, as YAML. */
  readonly ofEachDevice?: string;
}

/** A gateway with doors of one bridge, configured as a site would: with the log it logs by default. */
export async function configureGateway(wishes: SiteWishes): Promise<GatewaySite> {
  const { folder, brokerUrl, base, devices, monitor, webhooks, port, ofEachDevice } = wishes;
  const slugs = Array.from({ length: devices }, (_, index) => `door-${index}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const configFile = join(folder, 'gateway.yaml');
  const { key } = await createApiKey(join(folder, 'api-keys'), { name: 'bench' }, randomBytes, () => Date.now());
  const lines = [
    'gateway: { id: bench, name: Bench, time_zone: UTC }',
    `http: { port: ${port}, hold_ms: 20000 }`,
    `mqtt: { main: { url: "${brokerUrl}" } }`,
    ...(monitor ? [`monitor: { mqtt: main, base_topic: strikeplate/${base} }`] : []),
    ...(webhooks ? ['webhooks: { private_targets: [127.0.0.0/8] }'] : []),
    'devices:',
    ...slugs.map(
      (slug) =>
        `  - { id: ${slug}, name: Door ${slug}, driver: mqtt/zigbee2mqtt, link: { mqtt: main }, ` +
        `settings: { base_topic: ${base}, friendly_name: ${slug} }${ofEachDevice === undefined ? '' : `, ${ofEachDevice}`} }`,
    ),
  ];
  writeFileSync(configFile, `${lines.join('\n')}\n`);
  return {
    configFile,
    logFile: join(folder, 'log'),
    stateDir: folder,
    apiKey: key,
    deviceIds: slugs.map((slug) => deviceIdOf('bench', slug)),
  };
}
