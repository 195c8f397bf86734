import type { DeviceEntry } from '../../model/reload.ts';
import { slugFrom } from './slug.ts';

/** Where bridges and locks announce what they have: retained. */
export const announcements = [
  '+/bridge/devices',
  'homeassistant/lock/+/config',
  'homeassistant/lock/+/+/config',
] as const;

/** Something on a broker that a driver works. */
export interface AnnouncedDevice {
  readonly entry: DeviceEntry & { readonly id: string };
  /** For people: what it is. */
  readonly what: string;
}

/** What was announced, as entries of a configuration. @param link the broker's name in it */
export function announcedDevices(retained: ReadonlyMap<string, Buffer>, link: string): AnnouncedDevice[] {
  const found = [...retained].flatMap(([topic, payload]) => {
    const said = jsonOf(payload);
    if (topic.endsWith('/bridge/devices') && Array.isArray(said))
      return said.flatMap((one) => zigbeeDevice(one, topic.slice(0, -'/bridge/devices'.length)) ?? []);
    return topic.startsWith('homeassistant/lock/') ? (announcedLock(said, topic) ?? []) : [];
  });
  const taken = new Set<string>();
  return found.map(({ name, driver, settings, what }) => {
    const wished = slugFrom(name);
    let id = wished;
    for (let number = 2; taken.has(id); number++) id = `${wished}-${number}`;
    taken.add(id);
    return { entry: { id, name, driver, link: { mqtt: link }, settings }, what };
  });
}

interface Found {
  readonly name: string;
  readonly driver: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly what: string;
}

/** One of Zigbee2MQTT's `bridge/devices`: zigbee2mqtt.io, MQTT topics and messages. */
function zigbeeDevice(said: unknown, base: string): Found | undefined {
  const name = textAt(said, 'friendly_name');
  const definition = fieldAt(said, 'definition');
  const exposes = fieldAt(definition, 'exposes');
  if (name === undefined || !Array.isArray(exposes)) return undefined;
  const isLock = exposes.some((one) => fieldAt(one, 'type') === 'lock');
  const isNoise = exposes.some((one) => fieldAt(one, 'property') === 'noise');
  if (!isLock && !isNoise) return undefined;
  const product = ['vendor', 'model'].flatMap((key) => textAt(definition, key) ?? []).join(' ');
  return {
    name,
    driver: 'mqtt/zigbee2mqtt',
    what: `${isLock ? 'a lock' : 'a noise sensor'}${product === '' ? '' : `, ${product}`}, behind ${base}`,
    settings: {
      ...(!isLock && { kind: 'noise' }),
      ...(base !== 'zigbee2mqtt' && { base_topic: base }),
      friendly_name: name,
    },
  };
}

/** A lock by Home Assistant's MQTT discovery. Zigbee2MQTT's own are left to its list, which says more of them. */
function announcedLock(said: unknown, topic: string): Found | undefined {
  const origin = fieldAt(said, 'origin') ?? fieldAt(said, 'o');
  const maker = textAt(origin, 'name');
  if (typeof said !== 'object' || said === null || maker === 'Zigbee2MQTT' || maker === 'strikeplate') return undefined;
  const device = fieldAt(said, 'device') ?? fieldAt(said, 'dev');
  const name = textAt(said, 'name') ?? textAt(device, 'name') ?? topic.split('/').at(-2) ?? 'lock';
  return {
    name,
    driver: 'mqtt/announced',
    what: `a lock, announced${maker === undefined ? '' : ` by ${maker}`}`,
    settings: { discovery_topic: topic },
  };
}

const fieldAt = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;

function textAt(value: unknown, key: string): string | undefined {
  const text = fieldAt(value, key);
  return typeof text === 'string' && text !== '' ? text : undefined;
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
