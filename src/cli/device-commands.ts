import { type Command, InvalidArgumentError } from 'commander';
import type { Commands } from './commands.ts';
import { type ConnectOptions, connect } from './connect.ts';
import type { Setting } from './device-settings.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { allDevices, slugOf } from './find-device.ts';
import { columnsOf, json, type Terminal, table } from './terminal.ts';
import type { DeviceAnswer } from './wire.ts';

/** `strikeplate devices`. */
export function defineDeviceCommands({ program, terminal, catalogues, connected, done }: Commands): void {
  const devices = program
    .command('devices')
    .description('list locks and sensors, and how they are; add, change and remove them');
  connected(devices.command('list', { isDefault: true }))
    .description('list them, and how they are')
    .action(async (options) => done(await listDevices(terminal, options)));

  const described = (command: Command) =>
    connected(command)
      .option('--name <text>', 'its name for people')
      .option('--driver <driver>', 'which driver speaks to it, such as mqtt/zigbee2mqtt')
      .option('--link <parts>', 'how it is reached: mqtt=main, or serial=bus1,unit=2', link)
      .option('--set <place=value>', 'a setting of its driver; may be given for each: pin_slots.count=20', setting, [])
      .option('--from <file>', 'its entry as YAML, as the scans print it; - reads from standard input');
  described(devices.command('add <id>'))
    .description('write a device into the configuration, and have it taken over')
    .action(async (id, options) => {
      const { changeDevice } = await import('./change-device.ts');
      done(await changeDevice(terminal, catalogues, 'add', id, options));
    });
  described(devices.command('change <id>'))
    .description('change what is named, and nothing else of it')
    .option('--unset <place>', 'take a setting away; may be given for each', collected, [])
    .option('--out-of-service', 'refuse all commands to it')
    .option('--in-service', 'take commands to it again')
    .action(async (id, options) => {
      const { changeDevice } = await import('./change-device.ts');
      done(await changeDevice(terminal, catalogues, 'change', id, options));
    });
  connected(devices.command('remove <id>'))
    .description('take a device out of the configuration, and let go of it')
    .action(async (id, options) => {
      const { changeDevice } = await import('./change-device.ts');
      done(await changeDevice(terminal, catalogues, 'remove', id, options));
    });
  devices.addHelpText(
    'after',
    `\nThe configuration file is changed in place: comments, order and everything else in it stay. It is judged before it is
written; with a mistake nothing is changed. Run it as root on the gateway's box, or with --url from elsewhere.

Examples:
  strikeplate devices
  strikeplate devices --json | jq -r ".[].device_id"
  strikeplate devices add side --name "Side door" --driver mqtt/zigbee2mqtt --link mqtt=main --set friendly_name="Side Door"
  strikeplate scan serial /dev/ttyUSB0 > found.yaml
  strikeplate devices add yard --from found.yaml
  strikeplate devices change side --name "Side entrance" --set pin_slots.count=30
  strikeplate devices remove side`,
  );
}

function setting(text: string, before: readonly Setting[]): readonly Setting[] {
  const [, place, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (place === undefined || value === undefined)
    throw new InvalidArgumentError('It must be a setting and its value: friendly_name=Front.');
  return [...before, [place.trim(), value]];
}

const collected = (text: string, before: readonly string[]): readonly string[] => [...before, text];

function link(text: string): readonly Setting[] {
  return text.split(',').reduce<readonly Setting[]>((before, part) => setting(part, before), []);
}

async function listDevices(
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
