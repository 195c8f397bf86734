import { InvalidArgumentError } from 'commander';
import { checkConfig } from './check-config.ts';
import { type Commands, examples } from './commands.ts';

/** `strikeplate run`, `demo` and `check-config`. */
export function defineGatewayCommands({
  program,
  terminal,
  catalogues,
  stop,
  onReload,
  configured,
  done,
}: Commands): void {
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
}

/** `strikeplate simulate`. */
export function defineSimulateCommand({ program, terminal, catalogues, stop, done }: Commands): void {
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
}

function farEnd(text: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const [, line, port] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (line === undefined || port === undefined)
    throw new InvalidArgumentError('It must be the name of a link and a port: bus1=/dev/ttyUSB1.');
  return new Map([...before, [line, port]]);
}
