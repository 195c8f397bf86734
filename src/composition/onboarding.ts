import { randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { timeOrderedIds } from '../attempts/ids.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { type Clock, GatewayError } from '../contract/index.ts';
import type { Onboarding, OnboardingKind, OnboardingRequest } from '../model/onboarding.ts';
import type { Recogniser } from '../onboarding/bluetooth-scan.ts';
import { bluetoothScan } from '../onboarding/bluetooth-scan.ts';
import { mqttScan } from '../onboarding/mqtt-scan.ts';
import { OnboardingDesk, type OnboardingPlan } from '../onboarding/onboarding-desk.ts';
import { assertFriendlyName, zigbeeJoin } from '../onboarding/zigbee-join.ts';
import type { PairingFiles } from '../store/pairing-files.ts';
import type { Core } from './core.ts';
import type { Links } from './links.ts';
import { type BleDeviceConfig, isBleDevice } from './pairing.ts';
import { assertAnswers, pairOn } from './pairing-visit.ts';
import type { Reloader } from './reload.ts';
import { zwavePlan } from './zwave-onboarding.ts';

export interface OnboardingParts {
  readonly core: Core;
  readonly links: Links;
  readonly reloader: Reloader;
  readonly pairings: PairingFiles;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recognisers: () => Promise<readonly Recogniser[]>;
}

/** What one link of a kind is for, and how long it takes unless told. */
const kinds = {
  bluetooth_scan: { medium: 'ble', seconds: 10, longest: 120 },
  device_pairing: { medium: 'ble', seconds: 120, longest: 600 },
  mqtt_scan: { medium: 'mqtt', seconds: 4, longest: 60 },
  // Zigbee2MQTT opens its network for 254 seconds at most.
  zigbee_join: { medium: 'mqtt', seconds: 180, longest: 254 },
  zwave_inclusion: { medium: 'zwave', seconds: 300, longest: 900 },
  zwave_smart_start: { medium: 'zwave', seconds: 900, longest: 3_600 },
  zwave_exclusion: { medium: 'zwave', seconds: 60, longest: 300 },
  zwave_replacement: { medium: 'zwave', seconds: 300, longest: 900 },
  zwave_removal: { medium: 'zwave', seconds: 60, longest: 300 },
  zwave_route_rebuild: { medium: 'zwave', seconds: 1_800, longest: 7_200 },
} as const satisfies Record<OnboardingKind, { medium: 'ble' | 'mqtt' | 'zwave'; seconds: number; longest: number }>;

/** Getting to know devices over the links of the running gateway. Close it before the links. */
export function startOnboarding(parts: OnboardingParts): Onboarding & { close(): Promise<void> } {
  const { core, audit, clock, log } = parts;
  const desk = new OnboardingDesk({
    ...{ clock, log, audit },
    newId: timeOrderedIds(() => clock.wallTime(), randomBytes),
    tell: (drafts) => core.events.append(drafts),
  });
  return {
    start: async (request, by) => desk.begin(await planFor(request, parts), by),
    answer: (onboardingId, answers) => desk.answer(onboardingId, answers),
    cancel: (onboardingId) => desk.cancel(onboardingId),
    get: (onboardingId) => desk.get(onboardingId),
    list: () => desk.list(),
    close: () => desk.close(),
  };
}

/** @throws GatewayError as {@link Onboarding.start} */
async function planFor(request: OnboardingRequest, parts: OnboardingParts): Promise<OnboardingPlan> {
  const { kind } = request;
  const seconds = secondsOf(request);
  if (kind === 'device_pairing') return pairingPlan(request, seconds, parts);
  const { medium } = kinds[kind];
  const name = linkOf(request, medium, parts);
  const common = { kind, radio: `${medium}/${name}`, deviceId: undefined, seconds, tooLate: undefined };
  switch (kind) {
    case 'bluetooth_scan':
      return { ...common, message: `Listening on ble.${name}.`, work: await scanWork(name, parts) };
    case 'mqtt_scan': {
      const { config } = parts.reloader;
      const link = parts.links.plainMqttLink(name, 'The scan');
      const bases = config.devices.flatMap(({ settings }) => baseTopicOf(settings) ?? []);
      const work = mqttScan({ link, broker: name, bases, known: knownOn(parts), gatewayId: config.gateway.id });
      return { ...common, message: `Listening to mqtt.${name}.`, work };
    }
    case 'zigbee_join':
      return { ...common, ...zigbeePlan(name, seconds, request, parts) };
    default:
      return { ...common, ...zwavePlan(kind, name, request, parts) };
  }
}

/** @throws GatewayError `invalid_input` */
function secondsOf({ kind, seconds }: OnboardingRequest): number {
  const { seconds: usual, longest } = kinds[kind];
  if (seconds === undefined) return usual;
  if (seconds >= 1 && seconds <= longest) return seconds;
  throw new GatewayError('invalid_input', `seconds must be 1 to ${longest} for ${kind}.`);
}

/** @throws GatewayError `invalid_input` */
function linkOf({ link }: OnboardingRequest, medium: 'ble' | 'mqtt' | 'zwave', { reloader }: OnboardingParts): string {
  const names = reloader.config[medium].map(({ name }) => name);
  const all = names.map((name) => `${medium}/${name}`).join(', ') || 'none';
  if (link === undefined) {
    const [only, another] = names;
    if (only !== undefined && another === undefined) return only;
    if (only === undefined)
      throw new GatewayError('invalid_input', `The configuration has no section ${medium} with a link for this.`);
    throw new GatewayError('invalid_input', `Say which link is meant (link). There are: ${all}.`);
  }
  const name = link.startsWith(`${medium}/`) ? link.slice(medium.length + 1) : link;
  if (names.includes(name)) return name;
  throw new GatewayError('invalid_input', `The configuration has no link ${medium}/${name}. There are: ${all}.`);
}

async function scanWork(name: string, { reloader, links, recognisers }: OnboardingParts) {
  const { config } = reloader;
  const adapterConfig = config.ble.find((adapter) => adapter.name === name);
  if (adapterConfig === undefined) throw new GatewayError('misconfigured', `ble.${name}: there is no such adapter.`);
  const slugAt = (address: string) =>
    config.devices.filter(isBleDevice).find(({ link }) => link.address === address)?.slug;
  return bluetoothScan(links.adapter(name), adapterConfig, await recognisers(), slugAt);
}

function zigbeePlan(broker: string, seconds: number, { name, baseTopic }: OnboardingRequest, parts: OnboardingParts) {
  const { links, clock } = parts;
  if (name !== undefined) assertFriendlyName(name);
  const base = baseTopic ?? 'zigbee2mqtt';
  assertFriendlyName(base);
  const link = links.plainMqttLink(broker, 'Zigbee2MQTT');
  const known = knownOn(parts);
  return {
    message: `Looking for Zigbee2MQTT at ${base}.`,
    tooLate: 'No device has joined. Put it into its pairing mode, close to the coordinator, and try again.',
    work: zigbeeJoin({ link, clock, broker, base, name, seconds, known, own: `strikeplate-${randomUUID()}` }),
  };
}

const knownOn = ({ reloader }: OnboardingParts) =>
  reloader.config.devices
    .filter(({ link }) => link.kind === 'mqtt')
    .map(({ slug, link, settings }) => ({ slug, link: link.name, settings }));

function baseTopicOf(settings: unknown): string | undefined {
  const { base_topic: base } = (settings ?? {}) as { readonly base_topic?: unknown };
  return typeof base === 'string' ? base : undefined;
}

function pairingPlan(request: OnboardingRequest, seconds: number, parts: OnboardingParts): OnboardingPlan {
  const { links, reloader, pairings, clock, log } = parts;
  const device = pairable(request, parts);
  const { name: adapterName } = device.link;
  assertAnswers(device.driver.pairing?.questions ?? [], request.answers);
  const adapter = links.adapter(adapterName);
  return {
    kind: 'device_pairing',
    radio: `ble/${adapterName}`,
    deviceId: device.deviceId,
    seconds,
    message: `${device.name} is to be paired.`,
    tooLate: `${device.name} was not made ready in time. Do what its steps say, and try again.`,
    work: async ({ signal, say }) => {
      if (adapter.state.status === 'down') throw new GatewayError('link_unavailable', adapter.state.hint);
      const reading = await pairOn({
        gatewayId: reloader.config.gateway.id,
        ...{ adapter, device, pairings, clock, log, signal, say, answers: request.answers, random: Math.random },
        waitMs: undefined,
      });
      // It was opened without the key.
      await reloader.reopen(device.deviceId);
      if (reading instanceof GatewayError)
        return `${device.name} is paired, but could not be read yet: ${reading.message}`;
      const state = reading?.state === undefined ? '' : `, and says that it is ${reading.state}`;
      return `${device.name} is paired${state}.`;
    },
  };
}

/** @throws GatewayError `device_not_found`, `invalid_input` */
function pairable({ deviceId }: OnboardingRequest, { reloader }: OnboardingParts): BleDeviceConfig {
  const devices = reloader.config.devices.filter(isBleDevice).filter(({ driver }) => driver.pairing !== undefined);
  const names = devices.map(({ slug, name }) => `${slug} (${name})`).join(', ') || 'none';
  if (deviceId === undefined)
    throw new GatewayError(
      'invalid_input',
      `Say which device is to be paired (device_id). Those that can be: ${names}.`,
    );
  const device = devices.find((one) => one.deviceId === deviceId);
  if (device !== undefined) return device;
  const other = reloader.config.devices.find((one) => one.deviceId === deviceId);
  if (other === undefined)
    throw new GatewayError(
      'device_not_found',
      `No device of the running configuration has this id. Add it, and reload. Those that can be paired: ${names}.`,
    );
  throw new GatewayError(
    'invalid_input',
    `${other.name} needs no pairing: its driver, ${other.driver.id}, works without.`,
  );
}
