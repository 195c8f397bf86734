import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isBleDevice } from '../../composition/pairing.ts';
import type { BleAdapterConfig } from '../../config/loaded-config.ts';
import { pairingFilesOf } from '../../store/pairing-files.ts';
import { localDateTime } from '../terminal.ts';
import { bad, type Finding, ok, quoted, warning } from './finding.ts';
import type { Patient } from './patient.ts';
import type { Surroundings } from './surroundings.ts';

/** Node.js 20 gets no more security updates since then. https://nodejs.org/en/about/previous-releases */
const RECOMMENDED_MAJOR = 22;
/** This program is younger than that: a clock before it is wrong. */
const EARLIEST = Date.UTC(2026, 0, 1);
/** The database needs a few MiB, and its log grows to 12. A guess with room for backups. */
const LEAST_FREE_BYTES = 64 << 20;
/** A door's command waits for two synced writes. Milliseconds. */
const SLOW_SYNC_MS = 100;
const UNBEARABLE_SYNC_MS = 1_000;
/** Half of what the unit allows: docs/performance.md has what a gateway takes. */
const LEAST_LIMIT_BYTES = 256 << 20;
const LEAST_AVAILABLE_BYTES = 48 << 20;
/** So many are within what the unit allows; systemd/many-doors.conf allows more. */
const MANY_DEVICES = 4_500;
const LIMIT_OF_MANY_BYTES = 1024 << 20;

const mib = (bytes: number) => `${Math.round(bytes / (1 << 20))} MiB`;

export function checkNode({ nodeVersion }: Surroundings): Finding[] {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    return [bad('node', `Node.js ${nodeVersion} is too old; 20.19 is the least.`, 'apt-get install -y nodejs')];
  if (major < RECOMMENDED_MAJOR)
    return [warning('node', `Node.js ${nodeVersion} gets no security updates any more. Install Node.js 24.`)];
  return [ok('node', `Node.js ${nodeVersion}.`)];
}

export async function checkClock(world: Surroundings): Promise<Finding[]> {
  const now = new Date(world.now());
  const run = 'timedatectl set-ntp true';
  if (now.getTime() < EARLIEST)
    return [bad('clock', `The clock shows ${localDateTime(now.getTime())}: codes begin and end by it.`, run)];
  if (await world.isClockSynchronised())
    return [ok('clock', `The clock is kept by NTP: ${localDateTime(now.getTime())}.`)];
  return [
    bad('clock', `Nothing keeps the clock right (${localDateTime(now.getTime())}): codes begin and end by it.`, run),
  ];
}

export function checkDisk({ target }: Patient, world: Surroundings): Finding[] {
  if (target === undefined || !existsSync(target.stateDir)) return [];
  const folder = existsSync(dirname(target.store.path)) ? dirname(target.store.path) : target.stateDir;
  let disk: ReturnType<Surroundings['disk']>;
  try {
    disk = world.disk(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const full = code === 'ENOSPC';
    const why = full ? 'is full' : `cannot be written to (${code})`;
    return [
      bad(
        'disk',
        `The disk with ${folder} ${why}.`,
        full
          ? 'journalctl --vacuum-size=100M'
          : `mount -o remount,rw "$(df --output=target ${quoted(folder)} | tail -1)"`,
      ),
    ];
  }
  const { freeBytes, syncMs } = disk;
  if (freeBytes < LEAST_FREE_BYTES)
    return [
      bad('disk', `Only ${mib(freeBytes)} are free on the disk with ${folder}.`, 'journalctl --vacuum-size=100M'),
    ];
  const slow = `A synced write takes ${Math.round(syncMs)} ms in ${folder}, and each door command waits for two. Use an SSD, or another card.`;
  if (syncMs >= UNBEARABLE_SYNC_MS) return [bad('disk', slow)];
  if (syncMs >= SLOW_SYNC_MS) return [warning('disk', slow)];
  return [ok('disk', `${mib(freeBytes)} free, ${syncMs.toFixed(1)} ms for a synced write.`)];
}

/** @param devices how many are configured */
export function checkMemory(devices: number, world: Surroundings): Finding[] {
  const { limitBytes, availableBytes } = world.memory();
  if (limitBytes !== undefined && limitBytes < LEAST_LIMIT_BYTES)
    return [
      bad(
        'memory',
        `The service may take ${mib(limitBytes)}, which is too little.`,
        'systemctl set-property strikeplate.service MemoryMax=512M',
      ),
    ];
  if (limitBytes !== undefined && devices > MANY_DEVICES && limitBytes < LIMIT_OF_MANY_BYTES)
    return [
      warning(
        'memory',
        `The service may take ${mib(limitBytes)}; with ${devices} devices it is slow under load in less than ${mib(LIMIT_OF_MANY_BYTES)}.`,
        'install -D -m 644 /usr/share/doc/strikeplate/examples/many-doors.conf /etc/systemd/system/strikeplate.service.d/many-doors.conf && systemctl daemon-reload && systemctl restart strikeplate',
      ),
    ];
  if (availableBytes < LEAST_AVAILABLE_BYTES)
    return [warning('memory', `Only ${mib(availableBytes)} of memory are available on this machine.`)];
  return [ok('memory', `${mib(availableBytes)} of memory are available.`)];
}

/** Packages that the configuration needs beside the program. */
export function checkVersions({ config, version }: Patient, world: Surroundings): Finding[] {
  if (config === undefined) return [];
  const needed = [
    ...(config.zwave.length > 0 ? [{ name: 'zwave-js', version: '15.29.0', extra: 'zwave' }] : []),
    ...(config.ble.some(({ radio }) => radio.kind === 'dbus')
      ? [{ name: '@jellybrick/dbus-next', version: '0.11.3', extra: 'dbus' }]
      : []),
  ];
  const found = needed.flatMap(({ name, version: wanted, extra }): Finding[] => {
    const there = world.packageVersion(name);
    const run = `apt-get install -y strikeplate-${extra}`;
    if (there === undefined)
      return [bad('versions', `The configuration needs the package ${name}, which is not installed.`, run)];
    return there === wanted
      ? []
      : [warning('versions', `${name} is ${there}; this release was tested with ${wanted}.`, run)];
  });
  return found.length > 0 ? found : [ok('versions', `Strikeplate ${version}.`)];
}

/** Ports of serial lines, sticks and dongles. */
export async function checkSerial({ config, user, uid }: Patient, world: Surroundings): Promise<Finding[]> {
  if (config === undefined) return [];
  const unit = await world.unit();
  const groups = [...world.groupsOf(user), ...(unit?.groups ?? [])];
  const ports = [
    ...config.serial.flatMap(({ name, path }) => (path === undefined ? [] : [{ what: `serial.${name}`, path }])),
    ...config.zwave.map(({ name, path }) => ({ what: `zwave.${name}`, path })),
    ...config.ble.flatMap(({ name, radio }) =>
      radio.kind === 'uart' ? [{ what: `ble.${name}`, path: radio.path }] : [],
    ),
  ];
  return ports.map(({ what, path }) => {
    if (!existsSync(path)) {
      const byId = '/dev/serial/by-id';
      const there = existsSync(byId) ? readdirSync(byId).map((name) => `${byId}/${name}`) : [];
      const instead = there.length > 0 ? ` There are: ${there.join(', ')}.` : ' No serial adapter is plugged in.';
      return bad('serial', `${what}: there is no ${path}.${instead}`, 'strikeplate scan serial');
    }
    if (unit?.privateDevices === true)
      return bad('serial', `${what}: the service sees no devices: its drop-in serial.conf is missing.`, dropIn);
    if (!mayUse(path, uid, groups))
      return bad(
        'serial',
        `${what}: ${user} may not use ${path}.`,
        `usermod -aG "$(stat -Lc %G ${quoted(path)})" ${quoted(user)}`,
      );
    const holder = world.holderOf(path);
    const isOwn = holder === undefined || /^(node|strikeplate)\b/.test(holder);
    if (!isOwn && /^ModemManager/.test(holder))
      return bad('serial', `${what}: ModemManager has ${path} open.`, 'systemctl disable --now ModemManager');
    if (!isOwn)
      return bad('serial', `${what}: ${holder} has ${path} open. A port has one user.`, `fuser -k ${quoted(path)}`);
    return ok('serial', `${what}: ${path} is there.`);
  });
}

/** By the bits of the file: the doctor is asked by root, who may use everything. */
function mayUse(path: string, uid: number, groups: readonly number[]): boolean {
  const { mode, uid: owner, gid } = statSync(path);
  if (uid === 0) return true;
  if (owner === uid) return (mode & 0o600) === 0o600;
  if (groups.includes(gid)) return (mode & 0o060) === 0o060;
  return (mode & 0o006) === 0o006;
}

/** Where the package and the checkout keep it. */
const dropIn =
  'install -D -m 644 "$(ls /usr/share/doc/strikeplate/examples/serial.conf /opt/strikeplate/systemd/serial.conf 2>/dev/null | head -1)" ' +
  '/etc/systemd/system/strikeplate.service.d/serial.conf && systemctl daemon-reload && systemctl restart strikeplate';

export async function checkRadio({ config }: Patient, world: Surroundings): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const adapter of config?.ble ?? []) found.push(...(await checkAdapter(adapter, world)));
  return found;
}

async function checkAdapter({ name, radio }: BleAdapterConfig, world: Surroundings): Promise<Finding[]> {
  if (radio.kind !== 'kernel' && radio.kind !== 'dbus') return [];
  const where = `ble.${name}`;
  let adapters: Awaited<ReturnType<Surroundings['kernelAdapters']>>;
  try {
    adapters = await (radio.kind === 'kernel' ? world.kernelAdapters() : world.bluezAdapters());
  } catch (error) {
    return [
      radio.kind === 'kernel'
        ? bad('radio', `${where}: this machine has no Bluetooth.`, 'modprobe bluetooth')
        : bad('radio', `${where}: ${(error as Error).message}`, 'systemctl enable --now bluetooth'),
    ];
  }
  const wanted = radio.adapter;
  const adapter = adapters.find(({ index, address }) => `hci${index}` === wanted || address.toLowerCase() === wanted);
  if (adapter === undefined) {
    const there = adapters.map(({ index, address }) => `hci${index} (${address})`).join(', ') || 'none';
    return [bad('radio', `${where}: the adapter ${wanted} is not there. There are: ${there}.`, 'strikeplate scan ble')];
  }
  const hci = `hci${adapter.index}`;
  if (radio.kind === 'dbus' && !adapter.powered)
    return [
      bad('radio', `${where}: ${hci} is switched off in BlueZ.`, 'rfkill unblock bluetooth; bluetoothctl power on'),
    ];
  if (radio.kind === 'kernel' && radio.userChannel === adapter.powered)
    return [
      adapter.powered
        ? bad('radio', `${where}: ${hci} is up, and with user_channel it must be down.`, `hciconfig ${hci} down`)
        : bad('radio', `${where}: ${hci} is switched off.`, `rfkill unblock bluetooth; hciconfig ${hci} up`),
    ];
  return [ok('radio', `${where}: ${hci} is there.`)];
}

/** Whether each Bluetooth lock and this gateway know each other. */
export function checkPairing({ config }: Patient): Finding[] {
  if (config === undefined) return [];
  const pairings = pairingFilesOf(config, randomBytes);
  return config.devices
    .filter(isBleDevice)
    .filter(({ driver }) => driver.pairing !== undefined)
    .map(({ slug, name, deviceId, driver }) => {
      const run = `strikeplate pair ${quoted(slug)}`;
      try {
        if (pairings.read({ deviceId, driver: driver.id, name }) === undefined)
          return bad('pairing', `${name} was never paired with this gateway.`, run);
        return ok('pairing', `${name} is paired.`);
      } catch (error) {
        return bad('pairing', (error as Error).message, run);
      }
    });
}
