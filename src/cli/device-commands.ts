import { type Command, InvalidArgumentError } from 'commander';
import type { Commands } from './commands.ts';
import type { Setting } from './device-settings.ts';
import { listDevices } from './devices.ts';

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
