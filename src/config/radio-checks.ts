import { isDeepStrictEqual } from 'node:util';
import type { Findings } from './problems.ts';
import { entriesAt, isRaw, listAt, rawAt } from './raw-values.ts';

/** Bluetooth adapters: each is one thing, and has one user. */
export function checkAdapters(file: unknown, findings: Findings): void {
  const adapters = rawAt(file, 'ble');
  if (!isRaw(adapters)) return;
  const users = ['serial', 'zwave'].flatMap((section) =>
    entriesAt(file, section).map(([name, { path }]): [unknown, string] => [path, `${section}.${name}`]),
  );
  const usedElsewhere = new Map(users);
  const used = new Map<unknown, string>();
  for (const [name, adapter] of Object.entries(adapters)) {
    if (!isRaw(adapter)) continue;
    const path = ['ble', name];
    const kinds = ['adapter', 'uart', 'dbus', 'simulated'].filter((kind) => adapter[kind] !== undefined);
    if (kinds.length !== 1)
      findings.addAtKey(
        path,
        'a Bluetooth adapter is adapter (one of the kernel), uart (a dongle on a serial port), dbus (one that BlueZ keeps) ' +
          `or simulated (inside the gateway): ${kinds.length === 0 ? 'one of them is missing' : `not ${kinds.join(' and ')} together`}.`,
      );
    if (adapter.baud_rate !== undefined && adapter.uart === undefined)
      findings.addAtKey([...path, 'baud_rate'], 'belongs to an adapter with uart.');
    if (adapter.user_channel !== undefined && adapter.adapter === undefined)
      findings.addAtKey([...path, 'user_channel'], 'belongs to an adapter of the kernel.');
    for (const kind of ['adapter', 'uart', 'dbus']) {
      const value = adapter[kind];
      if (typeof value !== 'string') continue;
      const key = value.toLowerCase();
      const before = used.get(key) ?? usedElsewhere.get(value);
      if (before !== undefined) findings.add([...path, kind], `${before} uses this already.`);
      else used.set(key, `ble.${name}`);
    }
  }
}

/** A Bluetooth device is one device, by whatever adapter it is reached. */
export function checkSharedAddresses(file: unknown, findings: Findings): void {
  const first = new Map<string, number>();
  const devices = listAt(file, 'devices');
  devices.forEach((device, index) => {
    const link = rawAt(device, 'link');
    const address = rawAt(link, 'address');
    if (rawAt(link, 'ble') === undefined || typeof address !== 'string') return;
    const before = first.get(address.toLowerCase());
    if (before === undefined) first.set(address.toLowerCase(), index);
    // Devices that are equal altogether are found with the other duplicates.
    else if (
      !['driver', 'link', 'settings'].every((key) => isDeepStrictEqual(rawAt(devices[before], key), rawAt(device, key)))
    )
      findings.add(['devices', index, 'link', 'address'], `devices.${before} has this address already.`);
  });
}
