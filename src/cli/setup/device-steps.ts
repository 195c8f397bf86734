import { parse } from 'yaml';
import { slugFrom } from '../../config/slug.ts';
import type { OnboardingFinding } from '../../model/onboarding.ts';
import type { DeviceEntry } from '../../model/reload.ts';
import { announcedFinding, zigbeeFinding } from '../../onboarding/mqtt-scan.ts';
import type { PortDescription } from '../../transports/serial/index.ts';
import type { Interview } from './interview.ts';
import type { SetupSurroundings } from './surroundings.ts';
import type { Wanted } from './written-configuration.ts';

/** Sticks by what they call themselves, and one that says nothing: Silicon Labs' and Sigma Designs' own product id. */
const zwaveWords = /z-?wave|zooz|aeotec|zwa-2/i;
const zwaveIds = new Set(['0658:0200']);

/** Coordinators of Zigbee are Zigbee2MQTT's. */
const zigbeeWords = /zigbee|conbee|raspbee|skyconnect|slaesh|zstack/i;

/** Asks what the ports and adapters of this machine are there for. Nothing is opened. */
export async function askForHardware(
  interview: Interview,
  world: SetupSurroundings,
): Promise<Pick<Wanted, 'lines' | 'sticks' | 'adapters'>> {
  const [ports, adapters] = await Promise.all([world.ports(), world.adapters()]);
  const lines = new Map<string, string>();
  const sticks = new Map<string, string>();
  const radios = new Map<string, string>();
  for (const port of ports.filter((one) => !zigbeeWords.test(inWords(one)))) {
    const isStick = zwaveWords.test(inWords(port)) || zwaveIds.has(port.usbId ?? '');
    const use = await interview.ask({
      key: `port_${slugFrom(port.path.split('/').at(-1) ?? port.path, 'port')}`,
      text: `${port.path}${port.manufacturer === undefined ? '' : ` (${port.manufacturer})`}: what is it?`,
      usual: isStick ? 'zwave' : 'nothing',
      choices: [
        ['rs485', 'a line with relays or noise meters (Modbus)'],
        ['zwave', 'a Z-Wave stick'],
        ['nothing', 'nothing of the gateway’s'],
      ],
    });
    if (use === 'rs485') lines.set(`bus${lines.size + 1}`, port.path);
    if (use === 'zwave') sticks.set(sticks.size === 0 ? 'stick' : `stick${sticks.size + 1}`, port.path);
  }
  for (const adapter of adapters) {
    const isUsed = await interview.confirm({
      key: `bluetooth_${adapter}`,
      text: `Are there Bluetooth locks to reach with ${adapter}?`,
      usual: false,
    });
    if (isUsed) radios.set(radios.size === 0 ? 'radio' : `radio${radios.size + 1}`, adapter);
  }
  return { lines, sticks, adapters: radios };
}

const inWords = ({ path, manufacturer = '' }: PortDescription) => `${path} ${manufacturer}`;

/** Where bridges and locks announce what they have: retained. */
export const announcements = ['+/bridge/devices', 'homeassistant/+/+/config', 'homeassistant/+/+/+/config'] as const;

/** Something on a broker that a driver works. */
export interface AnnouncedDevice {
  readonly entry: DeviceEntry & { readonly id: string };
  /** For people: what it is. */
  readonly what: string;
}

/** What was announced, as entries of a configuration. @param broker its name in it */
export function announcedDevices(retained: ReadonlyMap<string, Buffer>, broker: string): AnnouncedDevice[] {
  const known = { broker, known: [] };
  const found = [...retained].flatMap(([topic, payload]) => {
    const said = jsonOf(payload);
    if (!topic.endsWith('/bridge/devices')) {
      // Zigbee2MQTT's own list says more of its locks, and our own announcements are none to be worked.
      const isOthers = !/"(?:Zigbee2MQTT|strikeplate)"/i.test(JSON.stringify(said ?? null));
      return (isOthers && announcedFinding(topic, said, known)) || [];
    }
    const base = topic.slice(0, -'/bridge/devices'.length);
    return Array.isArray(said) ? said.flatMap((one) => zigbeeFinding(one, { base, ...known }) ?? []) : [];
  });
  const taken = new Set<string>();
  return found.flatMap((finding) => {
    const entry = entryOf(finding);
    if (entry === undefined) return [];
    let id = entry.id;
    for (let number = 2; taken.has(id); number++) id = `${entry.id}-${number}`;
    taken.add(id);
    return [{ entry: { ...entry, id }, what: finding.what }];
  });
}

/** From the lines that a scan prints. */
function entryOf({ configuration }: OnboardingFinding): AnnouncedDevice['entry'] | undefined {
  const said = parse(configuration.join('\n')) as { readonly devices?: readonly AnnouncedDevice['entry'][] } | null;
  return said?.devices?.[0];
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
