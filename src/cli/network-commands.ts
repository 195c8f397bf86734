import { type Command, InvalidArgumentError } from 'commander';
import { type Commands, examples, seconds } from './commands.ts';
import { type ConnectOptions, connect } from './connect.ts';

interface NetworkOptions extends ConnectOptions {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly link?: string;
  readonly seconds?: number;
  readonly name?: string;
  readonly baseTopic?: string;
  readonly pinFile?: string;
  readonly dskFile?: string;
}

/** What takes devices into networks, and out of them, through the running gateway. */
export function defineNetworkCommands(scan: Command, parts: Commands): void {
  const { program, connected } = parts;
  const run = async (kind: string, options: NetworkOptions, more: Readonly<Record<string, unknown>> = {}) => {
    const { onboard } = await import('./onboarding.ts');
    const { readAnswers } = await import('./answers.ts');
    const answers = await readAnswers(parts.terminal, options);
    const request = {
      kind,
      ...given('link', options.link),
      ...given('seconds', options.seconds),
      ...(answers.size > 0 && { answers: Object.fromEntries(answers) }),
      ...more,
    };
    const api = connect(parts.terminal, options);
    parts.done(await onboard(parts.terminal, api, request, options, parts.stopSignal('It was called off.')));
  };
  const timed = (command: Command) =>
    connected(command)
      .option('--link <name>', 'where it is to be done, such as zwave/stick, where there are several')
      .option('--seconds <number>', 'how long at most', seconds);

  timed(scan.command('mqtt'))
    .description('list what bridges and locks announce on the broker, with lines for the configuration')
    .option('--all', 'also devices that no driver knows')
    .addHelpText('after', examples(['strikeplate scan mqtt', 'strikeplate scan mqtt --link mqtt/main --json']))
    .action((options: NetworkOptions) => run('mqtt_scan', options));

  const zigbee = program.command('zigbee').description('take devices into the network of Zigbee2MQTT');
  timed(zigbee.command('join'))
    .description('open the network until one device has joined, name it, and close the network')
    .option('--name <name>', 'how the device is to be called')
    .option('--base-topic <topic>', 'of Zigbee2MQTT, unless it is zigbee2mqtt')
    .action((options: NetworkOptions) =>
      run('zigbee_join', options, { ...given('name', options.name), ...given('base_topic', options.baseTopic) }),
    );
  zigbee.addHelpText('after', examples(['strikeplate zigbee join --name "Front door"']));

  const zwave = program.command('zwave').description('take devices into a Z-Wave network, and out of it');
  const joining = (command: Command) =>
    timed(command)
      .option('--pin-file <file>', 'file whose first line is the device’s PIN; else it is asked for')
      .option('--dsk-file <file>', 'file whose first line is the device’s DSK, which the PIN is a part of');
  joining(zwave.command('include'))
    .description('take one device in, with S2 and its PIN where it has that')
    .action((options: NetworkOptions) => run('zwave_inclusion', options));
  timed(zwave.command('smart-start'))
    .description('let the device with a DSK join by itself as soon as it has power')
    .option('--dsk-file <file>', 'file whose first line is the DSK; else it is asked for')
    .action(async (options: NetworkOptions) => {
      const { askedDsk } = await import('./answers.ts');
      await run('zwave_smart_start', options, await askedDsk(parts.terminal, options));
    });
  timed(zwave.command('exclude'))
    .description('let one device go, also from another network')
    .action((options: NetworkOptions) => run('zwave_exclusion', options));
  joining(zwave.command('replace'))
    .argument('<node>', 'the dead one', nodeNumber)
    .description('put a new device into the place of a dead one, under its number')
    .action((node: number, options: NetworkOptions) => run('zwave_replacement', options, { node }));
  timed(zwave.command('remove'))
    .argument('<node>', 'the dead one', nodeNumber)
    .description('forget a dead node')
    .action((node: number, options: NetworkOptions) => run('zwave_removal', options, { node }));
  timed(zwave.command('heal'))
    .argument('[node]', 'unless all', nodeNumber)
    .description('find new ways through the network, for one node or all')
    .action((node: number | undefined, options: NetworkOptions) =>
      run('zwave_route_rebuild', options, given('node', node)),
    );
  zwave.addHelpText(
    'after',
    `\nEach needs a key with the scope admin and somebody at the device. Doors go on meanwhile.${examples([
      'strikeplate zwave include',
      'strikeplate zwave smart-start --dsk-file /root/cellar.dsk',
      'strikeplate zwave replace 7',
      'strikeplate zwave heal',
    ])}`,
  );
}

const given = <T>(name: string, value: T | undefined): Readonly<Record<string, T>> =>
  value === undefined ? {} : { [name]: value };

function nodeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 2 && value <= 4_000) return value;
  throw new InvalidArgumentError('It must be the number of a node, from 2 on.');
}
