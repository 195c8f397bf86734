import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { isBleDevice } from '../../composition/pairing.ts';
import type { BleAdapterConfig } from '../../config/loaded-config.ts';
import { pairingFilesOf } from '../../store/pairing-files.ts';
import { bad, type Finding, ok, quoted } from './finding.ts';
import type { Patient } from './patient.ts';
import type { Surroundings } from './surroundings.ts';

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
