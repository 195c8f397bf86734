import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayBox } from './gateway/gateway-box.ts';

/** Configurations of fifty doors behind two brokers, and what people do to them. */

const DOORS = 50;
export const brokers = ['main', 'side'] as const;

/** A device as the file has it. */
interface Entry {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly link: { readonly mqtt: string };
  readonly settings: object;
  readonly limits?: object;
  readonly door?: object;
}

export interface SiteFile {
  readonly devices: readonly Entry[];
  readonly monitor: object | undefined;
  /** The content of each broker's password file: anything will do. */
  readonly passwords: Readonly<Record<string, string>>;
}

export const brokerOf = (slug: string) => brokers[Number(slug.slice(1)) % 2] ?? 'main';

export const entry = (slug: string): Entry => ({
  id: slug,
  name: slug,
  driver: 'mqtt/zigbee2mqtt',
  link: { mqtt: brokerOf(slug) },
  settings: { friendly_name: slug },
  limits: { door: { send_by_ms: 20_000, deadline_ms: 40_000 } },
});

/** Everything that there is. */
export const all = Array.from({ length: DOORS }, (_, index) => `d${index}`);
export const first: SiteFile = { devices: all.map(entry), monitor: undefined, passwords: { main: 'a', side: 'a' } };

/** Writes it as a box's own. @param urls of the brokers, by name */
export function writeSite(box: GatewayBox, urls: Readonly<Record<string, string>>, file: SiteFile): void {
  const { devices, monitor, passwords } = file;
  for (const broker of brokers)
    writeFileSync(join(box.folder, `${broker}.pw`), `${passwords[broker]}\n`, { mode: 0o600 });
  const mqtt = Object.fromEntries(
    brokers.map((name) => [name, { url: urls[name], username: 'gw', password_file: `${name}.pw` }]),
  );
  box.configure({ devices, mqtt, ...(monitor && { monitor }) });
}

/** Some of what people do to a file, several things at a time. */
export function edited(file: SiteFile, random: () => number, number: number): SiteFile {
  const some = (most: number, of: readonly Entry[]) =>
    new Set(of.filter(() => random() < most / Math.max(1, of.length)).map(({ id }) => id));
  const gone = some(3, file.devices);
  const changed = some(4, file.devices);
  const missing = all.filter((slug) => !file.devices.some(({ id }) => id === slug));
  const back = missing.filter(() => random() < 0.5).map(entry);
  const changes: ((device: Entry) => Entry)[] = [
    (device) => ({ ...device, name: `${device.id} ${number}` }),
    (device) => ({ ...device, door: { held_open_s: 10 + number } }),
    (device) => ({ ...device, settings: { ...device.settings, model: `Model ${number}` } }),
    (device) => ({ ...device, limits: { door: { send_by_ms: 20_000 + number, deadline_ms: 40_000 } } }),
  ];
  const devices = [...file.devices.filter(({ id }) => !gone.has(id)), ...back].map((device) =>
    changed.has(device.id) ? (changes[Math.floor(random() * changes.length)]?.(device) ?? device) : device,
  );
  if (random() < 0.2) devices.reverse();
  const monitors = [undefined, { mqtt: 'main' }, { mqtt: 'side', interval_s: 5 + (number % 50) }];
  return {
    devices,
    monitor: random() < 0.2 ? monitors[Math.floor(random() * 3)] : file.monitor,
    passwords: random() < 0.15 ? { ...file.passwords, side: `b${number}` } : file.passwords,
  };
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Doors that the change has nothing to do with. */
export function untouched(before: SiteFile, after: SiteFile): string[] {
  const now = new Map(after.devices.map((device) => [device.id, device]));
  return before.devices
    .filter((device) => same(now.get(device.id), device))
    .filter(({ link }) => before.passwords[link.mqtt] === after.passwords[link.mqtt])
    .map(({ id }) => id);
}
