import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ConfigError } from '../config/problems.ts';
import { GatewayError } from '../contract/index.ts';
import { attemptHistory, getAttempt, listAttempts } from './attempts.ts';
import type { Catalogues } from './catalogues.ts';
import { checkConfig } from './check-config.ts';
import { showClock } from './clock.ts';
import { createCode, deleteCode, listCodes } from './codes.ts';
import { commandTree } from './command-tree.ts';
import { completion, type Shell, shells } from './completion.ts';
import { defineDeviceCommands } from './device-commands.ts';
import { commandDoor } from './door.ts';
import { CommandError, type ExitCode, exitCodes, exitCodesInWords } from './exit.ts';
import { forget } from './forget.ts';
import { fitHelp, HELP_WIDTH } from './help-lines.ts';
import { defineAuditCommands, defineKeyCommands } from './key-commands.ts';
import { manual } from './manual.ts';
import { defineNetworkCommands } from './network-commands.ts';
import { setService } from './service.ts';
import { defineServiceCommands } from './service-commands.ts';
import type { Stop } from './stop-signals.ts';
import type { Terminal } from './terminal.ts';

export interface Program {
  readonly terminal: Terminal;
  readonly catalogues: Catalogues;
  readonly version: string;
  /** Asked for by the commands that run until they are stopped. */
  readonly stop: () => Stop;
  /** Calls back at each SIGHUP; undefined where that means that the terminal is gone. */
  readonly onReload?: (listener: () => void) => void;
}

/** Runs one command line. Never throws: what goes wrong is said on the terminal, and in the exit code. */
export async function runProgram(program: Program, args: readonly string[]): Promise<ExitCode> {
  const { terminal } = program;
  let result: ExitCode = exitCodes.ok;
  const commands = define(program, (code) => {
    result = code;
  });
  try {
    await commands.parseAsync([...args], { from: 'user' });
    return result;
  } catch (error) {
    return explain(terminal, error);
  }
}

function explain(terminal: Terminal, error: unknown): ExitCode {
  // commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof ConfigError) {
    terminal.err(error.message);
    return exitCodes.configuration;
  }
  if (error instanceof CommandError) {
    terminal.err(error.message);
    return error.exitCode;
  }
  if (error instanceof GatewayError) {
    terminal.err(error.message);
    if (error.type !== 'misconfigured') return exitCodes.failed;
    return error.retryAfterSeconds === undefined ? exitCodes.configuration : exitCodes.occupied;
  }
  terminal.err(
    `This is a fault in strikeplate; please report it. ${error instanceof Error ? error.stack : String(error)}`,
  );
  return exitCodes.internal;
}

function define({ terminal, catalogues, version, stop, onReload }: Program, done: (code: ExitCode) => void): Command {
  const program = new Command('strikeplate')
    .description('Locks, keypads and noise sensors of one building, behind the Seam API on your own network.')
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(fitHelp(text.replace(/\n$/, ''))),
      writeErr: (text) => terminal.err(text.replace(/\n$/, '')),
    })
    .configureHelp({ helpWidth: HELP_WIDTH })
    .showHelpAfterError('See: strikeplate --help')
    .addHelpText(
      'after',
      `\n${exitCodesInWords}\n\nConfiguration: $STRIKEPLATE_CONFIG, else /etc/strikeplate/gateway.yaml, else the demonstration that was
started in this folder. "strikeplate demo" starts one.`,
    );

  const configured = (command: Command) =>
    command
      .option(
        '-c, --config <file>',
        "the configuration (default: $STRIKEPLATE_CONFIG, else the site's, else a demonstration in ./var)",
      )
      .option('--json', 'print JSON');
  const connected = (command: Command) =>
    configured(command)
      .option('--url <address>', 'the gateway (default: $STRIKEPLATE_URL, else as the configuration says)')
      .option('--key-file <file>', 'file with an API key (default: $STRIKEPLATE_API_KEY, else the key of this box)')
      .option('--ca-file <file>', 'certificate authority of the gateway, PEM');

  program
    .command('run')
    .description('run the gateway until it is told to stop')
    .option('-c, --config <file>', 'the configuration (default: $STRIKEPLATE_CONFIG)')
    .option('--new-database', 'begin anew where the database was lost; codes on the locks are listed as unmanaged')
    .addHelpText(
      'after',
      `\nSTRIKEPLATE_HTTP_PORT and STRIKEPLATE_STATE_DIR go before what the configuration says.${examples([
        'strikeplate run',
        'strikeplate run --config /etc/strikeplate/gateway.yaml',
      ])}`,
    )
    .action(async (options) => {
      // Loaded when it is wanted: the other commands need a fraction of it and should start at once.
      const { run } = await import('./run.ts');
      done(await run(terminal, catalogues, options, stop(), onReload));
    });

  program
    .command('demo')
    .description('run a small building of simulated devices; what it keeps lies in ./var')
    .addHelpText('after', `\nIt prints its address, a key and commands to try.${examples(['strikeplate demo'])}`)
    .action(async () => {
      const { runDemonstration } = await import('./run.ts');
      done(await runDemonstration(terminal, catalogues, stop()));
    });

  configured(program.command('check-config'))
    .description('say what is wrong with a configuration, all of it, with line and column')
    .option(
      '--user <name>',
      'look at files, folders and ports as this user may (default: as root, the user of the unit)',
    )
    .option('--schema', 'print its JSON Schema, for editors, with the drivers that it brings from outside')
    .addHelpText('after', examples(['strikeplate check-config --config gateway.yaml']))
    .action(async (options) => done(await checkConfig(terminal, catalogues, options)));

  defineDeviceCommands(program, { terminal, catalogues }, connected, done);

  for (const action of ['lock', 'unlock'] as const)
    connected(program.command(`${action} <device>`))
      .description(`${action} a door, wait for the end and say what became of it`)
      .option('--timeout <seconds>', 'how long to wait for the end', seconds, 60)
      .option('--no-wait', 'return as soon as the attempt is accepted')
      .addHelpText(
        'after',
        `\nThe device is named by its short id, its name or its device_id.${examples([
          `strikeplate ${action} front`,
          `strikeplate ${action} "Front door" --json`,
          `strikeplate ${action} front --url https://gateway.lan:8080 --key-file ~/.strikeplate.key`,
        ])}`,
      )
      .action(async (device, options) => done(await commandDoor(terminal, action, device, options)));

  connected(program.command('out-of-service <device>'))
    .description('refuse all commands to a device until it is put back, also over a restart')
    .option('--reason <text>', 'for people: shown with the device')
    .addHelpText('after', examples(['strikeplate out-of-service front --reason "Cylinder is being changed"']))
    .action(async (device, options) => done(await setService(terminal, 'out', device, options)));
  connected(program.command('in-service <device>'))
    .description('take commands to a device again')
    .addHelpText('after', examples(['strikeplate in-service front']))
    .action(async (device, options) => done(await setService(terminal, 'in', device, options)));

  const attempts = program.command('attempts').description('what was asked for and what became of it');
  connected(attempts.command('list', { isDefault: true }))
    .description('the newest attempts')
    .option('--device <device>', 'only those of one device')
    .option('--limit <number>', 'at most so many', wholeNumber, 20)
    .action(async (options) => done(await listAttempts(terminal, options)));
  connected(attempts.command('get <id>'))
    .description('one attempt')
    .action(async (id, options) => done(await getAttempt(terminal, id, options)));
  connected(attempts.command('history <id>'))
    .description('every step of one attempt, with time and reason: why a door did not open')
    .action(async (id, options) => done(await attemptHistory(terminal, id, options)));
  attempts.addHelpText(
    'after',
    examples([
      'strikeplate attempts',
      'strikeplate attempts list --device front --limit 5',
      'strikeplate attempts history ID',
    ]),
  );

  connected(program.command('watch'))
    .description('doors and attempts as they change, until q is pressed; a line for each change in a pipe')
    .addHelpText('after', examples(['strikeplate watch', 'strikeplate watch --json | jq .']))
    .action(async (options) => {
      const { watch } = await import('./watch.ts');
      done(await watch(terminal, options, stopSignal(stop(), 'The watch was ended.')));
    });

  const codes = program.command('codes').description('the access codes of a lock');
  connected(codes.command('list <device>'))
    .description('list them, without their digits, and what is wrong with each')
    .action(async (device, options) => done(await listCodes(terminal, device, options)));
  connected(codes.command('create <device>'))
    .description('put a code on a lock; the gateway chooses its digits and prints them once')
    .option('--name <text>', 'whose code it is')
    .option('--from <time>', 'ISO 8601 with an offset; from now on unless told')
    .option('--until <time>', 'ISO 8601 with an offset; for ever unless told')
    .option('--ask', 'ask for the digits instead')
    .action(async (device, options) => done(await createCode(terminal, device, options)));
  connected(codes.command('delete <id>'))
    .description('take a code off its lock')
    .action(async (id, options) => done(await deleteCode(terminal, id, options)));
  codes.addHelpText(
    'after',
    examples([
      'strikeplate codes list front',
      'strikeplate codes create front --name Ana --until 2030-05-05T12:00:00+02:00',
      'strikeplate codes delete ID',
    ]),
  );

  const clock = program
    .command('clock')
    .description('whether the gateway believes its clock, by which codes begin and end');
  connected(clock.command('show', { isDefault: true }))
    .description('what it shows, and why it is in doubt')
    .action(async (options) => done(await showClock(terminal, 'show', options)));
  connected(clock.command('confirm'))
    .description('say that it is right')
    .action(async (options) => done(await showClock(terminal, 'confirm', options)));
  clock.addHelpText('after', examples(['strikeplate clock', 'strikeplate clock confirm']));

  connected(program.command('forget [name]'))
    .description('take somebody’s name out of everything that is kept: people, codes, history, events, audit log')
    .option('--user-identity <id>', 'instead of a name: a person, with all that names them')
    .action(async (name, options) => done(await forget(terminal, name, options)))
    .addHelpText('after', examples(['strikeplate forget "Ana Meier"', 'strikeplate forget ana@example.com']));

  defineKeyCommands(program, terminal, done);
  defineAuditCommands(program, terminal, done);
  defineServiceCommands(program, { terminal, catalogues, version }, done);

  program
    .command('simulate')
    .description("play the devices of a configuration's simulation section")
    .option('-c, --config <file>', 'the configuration')
    .option('--mqtt <address>', 'play on this broker instead of the configured ones')
    .option('--serial <line=port>', 'the port at the far end of a serial line; may be given for each', farEnd)
    .option(
      '--ble <adapter=port>',
      'a dongle on a serial port that plays a Bluetooth device (H4, 1000000 baud)',
      farEnd,
    )
    .option('--zwave <stick=port>', 'the far end of the port of a Z-Wave stick: plays the stick and its nodes', farEnd)
    .addHelpText(
      'after',
      examples([
        'strikeplate simulate --config gateway.yaml --mqtt mqtt://127.0.0.1:1883',
        'strikeplate simulate --config gateway.yaml --serial bus1=/dev/ttyUSB1',
        'strikeplate simulate --config gateway.yaml --ble radio=/dev/ttyACM1',
        'strikeplate simulate --config gateway.yaml --zwave stick=./far-end',
      ]),
    )
    .action(async (options) => {
      const { simulate } = await import('./simulate.ts');
      done(await simulate(terminal, catalogues, options, stop()));
    });

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
      done(await pair(terminal, catalogues, device, options, stopSignal(stop(), 'The pairing was stopped.')));
    });

  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'which').choices(shells))
    .addHelpText('after', examples(['strikeplate completion bash > /etc/bash_completion.d/strikeplate']))
    .action((shell: Shell) => {
      terminal.out(completion(shell, commandTree(program)));
    });
  program
    .command('manual')
    .description('print the manual page')
    .addHelpText('after', examples(['strikeplate manual | man -l -']))
    .action(() => {
      terminal.out(manual(commandTree(program), version));
    });

  const scan = program.command('scan').description('find hardware, and print lines for the configuration');
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
      const stopped = stopSignal(stop(), 'The scan was stopped.');
      done(await scanSerial(terminal, thisMachine, ports, options, stopped));
    });
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
      done(await scanBle(terminal, catalogues, options, stopSignal(stop(), 'The scan was stopped.')));
    });

  defineNetworkCommands(program, scan, {
    ...{ terminal, connected, examples, seconds, done },
    stopSignal: (message) => stopSignal(stop(), message),
  });
  return program;
}

function stopSignal({ requested }: Stop, message: string): AbortSignal {
  const stopped = new AbortController();
  void requested.then(() => stopped.abort(new CommandError('failed', message)));
  return stopped.signal;
}

const examples = (lines: readonly string[]) => `\n\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 600) return value;
  throw new InvalidArgumentError('It must be a whole number of seconds, at most 600.');
}

function farEnd(text: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const [, line, port] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (line === undefined || port === undefined)
    throw new InvalidArgumentError('It must be the name of a link and a port: bus1=/dev/ttyUSB1.');
  return new Map([...before, [line, port]]);
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

function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 500) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 500.');
}
