import { type ConnectOptions, connect } from './connect.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { allDevices, slugOf } from './find-device.ts';
import { columnsOf, json, type Terminal, table } from './terminal.ts';
import type { DeviceAnswer } from './wire.ts';

export async function listDevices(
  terminal: Terminal,
  options: ConnectOptions & { readonly json?: boolean },
): Promise<ExitCode> {
  const devices = await allDevices(connect(terminal, options));
  if (options.json) terminal.out(json(devices));
  else if (devices.length === 0) terminal.err('No devices are configured.');
  else {
    const heading = ['DEVICE', 'NAME', 'HEALTH', 'STATE', 'BATTERY'];
    for (const line of table([heading, ...devices.map(rowOf)], columnsOf(terminal))) terminal.out(line);
  }
  return exitCodes.ok;
}

const rowOf = (device: DeviceAnswer): string[] => [
  slugOf(device),
  device.display_name,
  healthOf(device),
  stateOf(device),
  batteryOf(device),
];

function healthOf({ properties: { strikeplate_metadata: own } }: DeviceAnswer): string {
  if (own.out_of_service) return 'out of service';
  const health = own.health.replaceAll('_', ' ');
  return own.health_reason === null ? health : `${health} (${own.health_reason.replaceAll('_', ' ')})`;
}

function stateOf({ properties }: DeviceAnswer): string {
  const { strikeplate_metadata: own, noise_level_decibels: level, door_open: open } = properties;
  const parts = [
    own.lock_state,
    open === undefined ? undefined : `door ${open ? 'open' : 'closed'}`,
    level === undefined ? undefined : `${level.toFixed(1)} dB${own.noise_metric ? ` (${own.noise_metric})` : ''}`,
  ];
  return parts.filter((part) => part !== undefined).join(', ') || '-';
}

function batteryOf({ properties: { battery_level: level, strikeplate_metadata: own } }: DeviceAnswer): string {
  const percent = level === undefined ? '' : `${Math.round(level * 100)} %`;
  if (own.battery_low !== true) return percent || '-';
  return percent === '' ? 'low' : `${percent}, low`;
}
