import { createHash } from 'node:crypto';
import { slugFrom } from '../config/slug.ts';
import { yamlString } from '../config/yaml-text.ts';
import { GatewayError, type MqttLink, type MqttMessage } from '../contract/index.ts';
import type { OnboardingFinding } from '../model/onboarding.ts';
import { isEntry, jsonOf, textOf } from './bridge-talk.ts';
import type { OnboardingWork } from './onboarding-desk.ts';
import { untilAborted } from './until-aborted.ts';

/** `bridge/devices` of a large network. Bytes. */
const LARGE = 4 * 1_024 * 1_024;

export interface MqttScanOptions {
  readonly link: MqttLink;
  /** Its name in the configuration. */
  readonly broker: string;
  /** Base topics with several levels are not found by themselves: those of the configuration. */
  readonly bases: readonly string[];
  readonly known: readonly KnownDevice[];
  /** Our own announcements to Home Assistant are none of a lock to be worked. */
  readonly gatewayId: string;
}

/** Lists what bridges and locks announce on a broker. It publishes nothing. */
export function mqttScan({ link, broker, bases, known, gatewayId }: MqttScanOptions): OnboardingWork {
  return async (talk) => {
    if (link.state.status === 'down') throw new GatewayError('link_unavailable', link.state.hint);
    talk.say('listening', `Listening to what is announced on mqtt.${broker}.`);
    const hearDevices = (base: string, message: MqttMessage) => {
      const listed = jsonOf(message);
      if (!Array.isArray(listed)) return;
      for (const entry of listed) {
        const finding = zigbeeFinding(entry, { base, broker, known });
        if (finding !== undefined) talk.find(finding);
      }
    };
    const hearAnnouncement = (message: MqttMessage) => {
      const said = jsonOf(message);
      const finding = announcedFinding(message.topic, said, { broker, known });
      if (finding === undefined || isListed(said, bases)) return;
      if (!message.topic.includes(`/strikeplate_${gatewayId}/`)) talk.find(finding);
    };
    const stops = [
      link.subscribe('+/bridge/devices', (message) => hearDevices(baseOf(message.topic), message), { maxBytes: LARGE }),
      ...bases
        .filter((base) => base.includes('/'))
        .map((base) =>
          link.subscribe(`${base}/bridge/devices`, (message) => hearDevices(base, message), { maxBytes: LARGE }),
        ),
      ...['homeassistant/+/+/config', 'homeassistant/+/+/+/config'].map((filter) =>
        link.subscribe(filter, hearAnnouncement, { maxBytes: LARGE }),
      ),
    ];
    try {
      return await untilAborted(talk.signal);
    } finally {
      for (const stop of stops) stop();
    }
  };
}

const baseOf = (topic: string): string => topic.slice(0, -'/bridge/devices'.length);

/** Zigbee2MQTT announces its locks to Home Assistant as well; where its own list is heard, that says more of them. */
function isListed(said: unknown, bases: readonly string[]): boolean {
  if (!isEntry(said)) return false;
  const origin = said.origin ?? said.o;
  if (!isEntry(origin) || textOf(origin.name) !== 'Zigbee2MQTT') return false;
  const base = /"([^"]+)\/bridge\/state"/.exec(JSON.stringify(said))?.[1];
  return base !== undefined && (!base.includes('/') || bases.includes(base));
}

/** A device of the configuration that is reached over MQTT. */
export interface KnownDevice {
  readonly slug: string;
  /** Name of the broker in the configuration. */
  readonly link: string;
  readonly settings: unknown;
}

/** Lines for one device behind a broker. */
function fragment(broker: string, name: string, driver: string, settings: Readonly<Record<string, unknown>>): string[] {
  return [
    'devices:',
    `  - id: ${idFrom(name)}`,
    `    name: ${yamlString(name)}`,
    `    driver: ${driver}`,
    `    link: { mqtt: ${broker} }`,
    // JSON is YAML, and keeps whatever a bridge calls its devices in quotes.
    `    settings: ${JSON.stringify(settings)}`,
  ];
}

/** A name without a letter of the alphabet still gives the same id each time. */
const idFrom = (name: string): string =>
  slugFrom(name, `device-${createHash('sha256').update(name).digest('hex').slice(0, 6)}`);

/** How a setting's text is compared: IEEE addresses are told in either case. */
const same = (setting: unknown, text: string) => textOf(setting)?.toLowerCase() === text.toLowerCase();

const settingsOf = ({ settings }: KnownDevice) => (isEntry(settings) ? settings : {});

/** One entry of Zigbee2MQTT's `bridge/devices`, if it is something that a driver works. */
export function zigbeeFinding(
  entry: unknown,
  { base, broker, known }: { readonly base: string; readonly broker: string; readonly known: readonly KnownDevice[] },
): OnboardingFinding | undefined {
  if (!isEntry(entry)) return undefined;
  const ieee = textOf(entry.ieee_address)?.toLowerCase();
  const name = textOf(entry.friendly_name);
  if (ieee === undefined || name === undefined || entry.type === 'Coordinator') return undefined;
  const definition = isEntry(entry.definition) ? entry.definition : {};
  const exposes = Array.isArray(definition.exposes) ? definition.exposes.filter(isEntry) : [];
  const kind = exposes.some(({ type }) => type === 'lock')
    ? 'lock'
    : exposes.some(({ property }) => property === 'noise')
      ? 'noise'
      : undefined;
  const vendor = textOf(definition.vendor);
  const model = textOf(definition.model);
  const product = [vendor, model].filter((word) => word !== undefined).join(' ') || 'device without a converter';
  const isSupported = entry.supported !== false && Object.keys(definition).length > 0;
  const configuredAs = known.find((device) => {
    const { base_topic: theirs = 'zigbee2mqtt', friendly_name: called, ieee_address: address } = settingsOf(device);
    if (device.link !== broker || theirs !== base) return false;
    return same(called, name) || same(called, ieee) || same(address, ieee);
  })?.slug;
  const hasPins = exposes.some((one) => JSON.stringify(one).includes('"pin_code"'));
  const settings = {
    ...(kind === 'noise' && { kind }),
    ...(base !== 'zigbee2mqtt' && { base_topic: base }),
    friendly_name: name,
    ieee_address: ieee,
    ...(vendor !== undefined && { manufacturer: vendor }),
    ...(model !== undefined && { model }),
    ...(kind === 'lock' && hasPins && { pin_slots: { first: 1, count: 10 } }),
  };
  const driver = kind === undefined || !isSupported ? undefined : 'mqtt/zigbee2mqtt';
  const lines = driver === undefined || configuredAs !== undefined ? [] : fragment(broker, name, driver, settings);
  return {
    address: `${base}/${ieee}`,
    what: kind === undefined ? product : `${kind === 'lock' ? 'lock' : 'noise sensor'} "${name}" (${product})`,
    driver,
    note: isSupported ? undefined : 'Zigbee2MQTT has no converter for it',
    configuredAs,
    configuration: lines,
    details: { ieee_address: ieee, friendly_name: name, base_topic: base, takes_codes: hasPins },
  };
}

/** Home Assistant's discovery: the topic's levels, and what lies there. Undefined for what is no lock. */
export function announcedFinding(
  topic: string,
  payload: unknown,
  { broker, known }: { readonly broker: string; readonly known: readonly KnownDevice[] },
): OnboardingFinding | undefined {
  if (!isEntry(payload)) return undefined;
  const [, component] = topic.split('/');
  const parts = payload.components ?? payload.cmps;
  const components = isEntry(parts) ? Object.entries(parts) : [];
  const locks = components.filter(([, one]) => isEntry(one) && (one.platform ?? one.p) === 'lock');
  const isLock = component === 'lock' || (component === 'device' && locks.length > 0);
  if (!isLock) return undefined;
  const about = payload.device ?? payload.dev;
  const device = isEntry(about) ? about : {};
  const maker = textOf(device.manufacturer ?? device.mf);
  const model = textOf(device.model ?? device.mdl);
  const name = textOf(payload.name) ?? textOf(device.name) ?? topic.split('/').at(-2) ?? 'lock';
  const uniqueId = textOf(payload.unique_id ?? payload.uniq_id);
  const from = payload.origin ?? payload.o;
  const origin = isEntry(from) ? textOf(from.name) : undefined;
  const configuredAs = known.find((one) => one.link === broker && settingsOf(one).discovery_topic === topic)?.slug;
  const settings = {
    discovery_topic: topic,
    ...(locks.length > 1 && { component: locks[0]?.[0] }),
    ...(uniqueId !== undefined && { unique_id: uniqueId }),
    ...(maker !== undefined && { manufacturer: maker }),
    ...(model !== undefined && { model }),
  };
  return {
    address: topic,
    what: `lock "${name}"${origin === undefined ? '' : `, announced by ${origin}`}`,
    driver: 'mqtt/announced',
    note: locks.length > 1 ? `it has ${locks.length} locks: set component to the one that is meant` : undefined,
    configuredAs,
    configuration: configuredAs === undefined ? fragment(broker, name, 'mqtt/announced', settings) : [],
    details: { discovery_topic: topic, origin: origin ?? null, unique_id: uniqueId ?? null },
  };
}
