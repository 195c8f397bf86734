import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Commands, examples, seconds } from './commands.ts';
import { type ConnectOptions, connect } from './connect.ts';

/** `strikeplate pair`. */
export function definePairCommand({ program, terminal, catalogues, connected, stopSignal, done }: Commands): void {
  connected(program.command('pair [device]'))
    .description('make a lock and this gateway known to each other; somebody stands at the lock')
    .option('--timeout <seconds>', 'how long to wait until the lock is ready', seconds, 120)
    .option('--answer <question=text>', 'an answer that is no secret; may be given for each question', answers)
    .option('--answer-file <question=file>', 'a file whose first line is the answer, such as a PIN', answers)
    .addHelpText(
      'after',
      `\nA gateway that runs pairs with its own adapter, and its doors go on; that needs a key with the scope admin. It says
when to hold the lock's button, asks for what it needs to know (pin, authorize_as for Nuki locks), and keeps the key
sealed in the state directory. Pairing again takes the place of an earlier pairing.${examples([
        'strikeplate pair cellar',
        'strikeplate pair "Cellar door" --config /etc/strikeplate/gateway.yaml',
        'strikeplate pair cellar --answer-file pin=/root/cellar.pin --json',
      ])}`,
    )
    .action(async (device, options) => {
      const { pair } = await import('./pair.ts');
      done(await pair(terminal, catalogues, device, options, stopSignal('The pairing was stopped.')));
    });
}

/** `strikeplate scan`: what a machine has by itself. */
export function defineScanCommands(commands: Commands): Command {
  const scan = commands.program.command('scan').description('find hardware, and print lines for the configuration');
  defineSerialScan(scan, commands);
  defineBluetoothScan(scan, commands);
  return scan;
}

function defineSerialScan(scan: Command, { terminal, stopSignal, done }: Commands): void {
  scan
    .command('serial [ports...]')
    .description('list serial ports, or find the Modbus units on those that are named; it only reads')
    .option('--baud <list>', 'baud rates to try', numbers(300, 921_600), [9_600, 4_800, 19_200, 115_200, 2_400])
    .option('--units <list>', 'addresses to ask, such as 1-16,20', numbers(1, 247), range(1, 16))
    .addOption(new Option('--parity <parity>', 'parity of the line').choices(['none', 'even', 'odd']).default('none'))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nStop the gateway first: a port has one user. An address that nobody has takes 0.6 s at each baud rate.${examples(
        [
          'strikeplate scan serial',
          'strikeplate scan serial /dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10K-if00-port0',
          'strikeplate scan serial /dev/ttyUSB0 --units 1-247 --baud 9600',
        ],
      )}`,
    )
    .action(async (ports, options) => {
      const { scanSerial, thisMachine } = await import('./scan-serial.ts');
      const stopped = stopSignal('The scan was stopped.');
      done(await scanSerial(terminal, thisMachine, ports, options, stopped));
    });
}

function defineBluetoothScan(scan: Command, { terminal, catalogues, connected, stopSignal, done }: Commands): void {
  connected(scan.command('ble'))
    .description('list Bluetooth devices in range, and which driver fits; it only listens')
    .option('--seconds <number>', 'how long to listen', seconds, 10)
    .option('--radio <name>', 'the adapter of the configuration, where it has several')
    .option('--adapter <name>', 'an adapter of this machine, such as hci0, whatever the configuration says')
    .option('--uart <port>', 'a dongle on a serial port, whatever the configuration says')
    .option('--dbus <name>', 'an adapter that BlueZ keeps, such as hci0, whatever the configuration says')
    .option('--baud <rate>', 'its baud rate', baudRate, 1_000_000)
    .option('--all', 'also devices that no driver knows')
    .addHelpText(
      'after',
      `\nA gateway that runs listens with its own adapter, and its doors go on. Without one, listening needs CAP_NET_RAW (or
root) with an adapter of the kernel, the group dialout with a dongle, and neither with BlueZ.${examples([
        'strikeplate scan ble',
        'strikeplate scan ble --adapter hci0 --seconds 30 --all',
        'strikeplate scan ble --uart /dev/ttyACM0 --json | jq -r ".[].address"',
      ])}`,
    )
    .action(async (options) => {
      const { scanBle } = await import('./scan-ble.ts');
      done(await scanBle(terminal, catalogues, options, stopSignal('The scan was stopped.')));
    });
}

function answers(text: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const [, question, answer] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (question === undefined || answer === undefined)
    throw new InvalidArgumentError('It must be the name of a question and its answer: pin=FILE.');
  return new Map([...before, [question, answer]]);
}

function baudRate(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 9_600 && value <= 4_000_000) return value;
  throw new InvalidArgumentError('It must be a baud rate from 9600 to 4000000.');
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** Reads lists such as `1-16,20`. */
const numbers = (least: number, most: number) => (text: string) => {
  const within = (value: number) => Number.isInteger(value) && value >= least && value <= most;
  return text.split(',').flatMap((part) => {
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to)];
    if (within(first) && within(last) && first <= last && (from === to || most <= 247)) return range(first, last);
    throw new InvalidArgumentError(`It must be numbers from ${least} to ${most}, such as ${least},${most}.`);
  });
};

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
    const api = await connect(parts.terminal, options);
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
