import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** A serial port of this machine. */
export interface PortDescription {
  /** The name that stays when it is plugged in elsewhere, where it has one. */
  readonly path: string;
  /** `/dev/ttyUSB0`, the name of today. */
  readonly device: string;
  readonly manufacturer: string | undefined;
  /** `0403:6001` */
  readonly usbId: string | undefined;
  readonly serialNumber: string | undefined;
}

/** Sockets on the board that the kernel always names, whether or not there is anything behind them. */
const builtIn = /^\/dev\/ttyS\d+$/;

/** What an adapter is called by the kernel: USB bridges, modems, and ports of single-board computers. */
const adapter = /^tty(USB|ACM|AMA|XR|SC)\d+$/;

/** The ports without built-in ones: those that udev knows, and without udev what the kernel has named. */
export async function listPorts(folder = '/dev'): Promise<readonly PortDescription[]> {
  const { SerialPort } = await import('serialport');
  // It runs `udevadm`, which a container or a small system has not.
  const ports = await SerialPort.list().catch(() => undefined);
  if (ports === undefined) return namedPorts(folder);
  return ports
    .filter(({ path }) => !builtIn.test(path))
    .map(({ path, pnpId, manufacturer, vendorId, productId, serialNumber }) => ({
      path: pnpId === undefined ? path : `/dev/serial/by-id/${pnpId}`,
      device: path,
      manufacturer,
      usbId: vendorId && productId ? `${vendorId}:${productId}` : undefined,
      serialNumber,
    }))
    .sort((a, b) => a.device.localeCompare(b.device));
}

/** @param folder where the kernel names devices */
export function namedPorts(folder: string): readonly PortDescription[] {
  const entries = (below: string): string[] => {
    try {
      return readdirSync(below);
    } catch {
      return [];
    }
  };
  const lasting = new Map(
    entries(join(folder, 'serial/by-id')).map((name) => {
      const path = join(folder, 'serial/by-id', name);
      return [realpathSync(path), path];
    }),
  );
  const unknown = { manufacturer: undefined, usbId: undefined, serialNumber: undefined };
  return entries(folder)
    .filter((name) => adapter.test(name))
    .map((name) => join(folder, name))
    .map((device) => ({ path: lasting.get(device) ?? device, device, ...unknown }))
    .sort((a, b) => a.device.localeCompare(b.device));
}
