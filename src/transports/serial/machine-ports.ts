import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { SerialPort } from 'serialport';
import { type OpenPort, PortError, type PortEvents, type SerialCarrier } from './carrier.ts';
import type { LineSettings } from './line-timing.ts';

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

/** A serial port of the machine: a UART, a USB adapter, or a pseudo terminal, which paces nothing. */
export function ttyCarrier(path: string, settings: LineSettings): SerialCarrier {
  return { path, open: (events) => openTty(path, settings, events) };
}

async function openTty(path: string, settings: LineSettings, events: PortEvents): Promise<OpenPort> {
  // Loaded with the first port: a gateway without one does not pay for it.
  const { SerialPort } = await import('serialport');
  const { baudRate, parity, stopBits } = settings;
  return new Promise((resolve, reject) => {
    const port = new SerialPort({ path, baudRate, parity, stopBits, dataBits: 8, autoOpen: false, lock: true });
    port.on('data', (bytes: Buffer) => events.bytes(bytes));
    // serialport tells a hang-up once for the read that fails and once more for the write that fails.
    port.on('close', (error?: Error | null) => events.lost(lostPort(path, error)));
    port.on('error', (error) => events.lost(lostPort(path, error)));
    port.open((error) => {
      if (error) reject(openFault(path, error));
      else resolve(openPort(path, port));
    });
  });
}

function openPort(path: string, port: SerialPort): OpenPort {
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        const settle = (error?: Error | null) => (error ? reject(lostPort(path, error)) : resolve());
        port.write(bytes, (error) => {
          if (error) settle(error);
        });
        port.drain(settle);
      }),
    flush: () => new Promise((resolve) => port.flush(() => resolve())),
    close: () =>
      new Promise((resolve) => {
        if (port.isOpen) port.close(() => resolve());
        else resolve();
      }),
  };
}

const lostPort = (path: string, cause: Error | null | undefined) =>
  new PortError(
    'port_lost',
    `The serial port ${path} is gone. Check the adapter and its cable; it is opened again by itself.`,
    {
      cause,
    },
  );

/** serialport gives system errors as text alone: `Error: No such file or directory, cannot open /dev/ttyUSB0`. */
export function openFault(path: string, cause: Error): PortError {
  const { message } = cause;
  if (/no such (file|device)|ENOENT|ENODEV|ENXIO|not a directory/i.test(message))
    return new PortError(
      'port_missing',
      `There is no serial port ${path}. Check that the adapter is plugged in; ls -l /dev/serial/by-id lists those that are.`,
      { cause },
    );
  if (/permission denied|not permitted|EACCES|EPERM/i.test(message))
    return new PortError(
      'port_forbidden',
      `This user may not open the serial port ${path}. Add the user to the group that owns it, usually dialout, and start again.`,
      { cause },
    );
  if (/cannot lock|busy|temporarily unavailable|EBUSY|EAGAIN/i.test(message))
    return new PortError(
      'port_busy',
      `The serial port ${path} is used by another program. fuser -v ${path} shows which; ModemManager and a second gateway are the usual ones.`,
      { cause },
    );
  return new PortError('port_unusable', `The serial port ${path} cannot be used: ${message}.`, { cause });
}
