import { accessSync, constants, existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { configJsonSchema } from '../config/json-schema.ts';
import { loadConfig } from '../config/load.ts';
import type { LoadedConfig } from '../config/loaded-config.ts';
import { ConfigError, type ConfigProblem, formatProblem } from '../config/problems.ts';
import { WriterAhead } from '../store/writer-ahead.ts';
import { runAs, serviceUser } from './as-user.ts';
import { type Catalogues, withOutside } from './catalogues.ts';
import { type Commands, examples } from './commands.ts';
import { chooseConfig } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal } from './terminal.ts';

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
      await withWriter(async (writerAhead) => {
        // Loaded when it is wanted: the other commands need a fraction of it and should start at once.
        const { run } = await import('./run.ts');
        done(await run(terminal, catalogues, options, stop(), { onReload, writerAhead }));
      });
    });

  program
    .command('demo')
    .description('run a small building of simulated devices; what it keeps lies in ./var')
    .addHelpText('after', `\nIt prints its address, a key and commands to try.${examples(['strikeplate demo'])}`)
    .action(async () => {
      await withWriter(async (writerAhead) => {
        const { runDemonstration } = await import('./run.ts');
        done(await runDemonstration(terminal, catalogues, stop(), { writerAhead }));
      });
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

async function withWriter(start: (writerAhead: WriterAhead) => Promise<void>): Promise<void> {
  const writerAhead = new WriterAhead();
  try {
    await start(writerAhead);
  } finally {
    writerAhead.dismiss();
  }
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

export async function checkConfig(
  terminal: Terminal,
  catalogues: Catalogues,
  options: { readonly config?: string; readonly json?: boolean; readonly schema?: boolean; readonly user?: string },
): Promise<ExitCode> {
  const { file, ...place } = chooseConfig(terminal, options.config, { orSite: true });
  // Root may everything: what the service may is known by asking as its user.
  const asRoot = process.getuid?.() === 0;
  const unit = asRoot && !options.schema ? serviceUser() : undefined;
  const user = options.user === undefined ? unit : { name: options.user, groups: unit?.groups ?? [] };
  if (options.user !== undefined && !asRoot)
    throw new CommandError('usage', 'Only root can look as somebody else: sudo strikeplate check-config --user ...');
  if (user !== undefined && user.name !== 'root')
    return runAs(user, ['check-config', '--config', resolve(file), ...(options.json ? ['--json'] : [])], terminal);
  try {
    const config = await loadConfig(file, { ...catalogues, ...place, env: terminal.env, now: Date.now() });
    const reach = options.schema ? { problems: [], warnings: [] } : outOfReach(config);
    const who = userInfo().username;
    if (reach.problems.length > 0)
      throw new ConfigError(reach.problems.map((what) => ({ ...nowhere(file), message: `${who} ${what}` })));
    const warnings = [...config.warnings, ...reach.warnings.map((message) => ({ ...nowhere(file), message }))];
    if (options.schema) terminal.out((await configSchemaText(withOutside(catalogues, config))).trimEnd());
    else if (options.json) terminal.out(json({ file, ok: true, problems: [], warnings }));
    else {
      for (const warning of warnings) terminal.err(`warning: ${formatProblem(warning)}`);
      const { devices, mqtt, gateway } = config;
      terminal.out(
        `${file} is in order: gateway ${gateway.id}, ${count(devices, 'device')}, ${count(mqtt, 'broker')}.`,
      );
    }
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof ConfigError) || !options.json) throw error;
    terminal.out(json({ file, ok: false, problems: error.problems satisfies readonly ConfigProblem[], warnings: [] }));
    return exitCodes.configuration;
  }
}

/** About no line of the file, but about what it leads to. */
const nowhere = (file: string) => ({ file, line: 1, column: 1, path: '' });

const count = (list: readonly unknown[], what: string) => `${list.length} ${what}${list.length === 1 ? '' : 's'}`;

/** The text of config/gateway.schema.json: everything that this build can be told. */
export async function configSchemaText({ drivers, simulators }: Catalogues): Promise<string> {
  const schema = configJsonSchema(await loadAll(drivers), await loadAll(simulators));
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

async function loadAll<T>(catalogue: Readonly<Record<string, () => Promise<T>>>): Promise<Map<string, T>> {
  const loaded = await Promise.all(Object.entries(catalogue).map(async ([id, load]) => [id, await load()] as const));
  return new Map(loaded);
}

/** What the one who asks cannot do and the gateway must, in words; nothing is opened or made for it. */
function outOfReach(config: LoadedConfig): { readonly problems: string[]; readonly warnings: string[] } {
  const problems: string[] = [];
  const warnings: string[] = [];
  const files = [config.store.path, config.http.apiKeysFile, config.store.keyFile];
  const folders = [config.stateDir, config.pairingsDir, ...files.map((file) => dirname(file))];
  for (const folder of new Set([...folders, ...config.zwave.map(({ cacheDir }) => cacheDir)])) {
    const standing = firstThatIs(folder);
    if (!may(standing, constants.W_OK | constants.X_OK))
      problems.push(
        standing === folder ? `may not write into ${folder}.` : `may not make ${folder}: ${standing} is not writable.`,
      );
  }
  for (const file of files) if (existsSync(file) && !may(file, constants.R_OK)) problems.push(`may not read ${file}.`);
  if (existsSync(config.store.path) && !may(config.store.path, constants.W_OK))
    problems.push(`may not write ${config.store.path}.`);
  for (const { name, port } of portsOf(config)) {
    if (!existsSync(port)) warnings.push(`${name}: ${port} is not there now.`);
    else if (!may(port, constants.R_OK | constants.W_OK))
      problems.push(`may not open ${port} (${name}): is the user in its group, dialout say?`);
  }
  const { port } = config.http;
  if (port > 0 && port < 1024 && process.getuid?.() !== 0)
    problems.push(`may not listen on port ${port}: those below 1024 are root's. Take another.`);
  return { problems, warnings };
}

function portsOf({ serial, zwave, ble }: LoadedConfig): { readonly name: string; readonly port: string }[] {
  return [
    ...serial.flatMap(({ name, path }) => (path === undefined ? [] : [{ name: `serial.${name}`, port: path }])),
    ...zwave.map(({ name, path }) => ({ name: `zwave.${name}`, port: path })),
    ...ble.flatMap(({ name, ...one }) =>
      'radio' in one && one.radio.kind === 'uart' ? [{ name: `ble.${name}`, port: one.radio.path }] : [],
    ),
  ];
}

/** The folder itself, or the nearest above it: that is where it would be made. */
function firstThatIs(folder: string): string {
  for (let at = folder; ; at = dirname(at)) if (existsSync(at) || at === dirname(at)) return at;
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
