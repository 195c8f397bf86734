import { parse } from 'yaml';
import type { OnboardingFinding } from '../../model/onboarding.ts';
import type { DeviceEntry } from '../../model/reload.ts';
import { announcedFinding, zigbeeFinding } from '../../onboarding/mqtt-scan.ts';

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
