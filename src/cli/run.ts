import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { dirname, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { type Logger, pino } from 'pino';
import { systemClock } from '../clock/system-clock.ts';
import { processMemory, startGateway } from '../composition/gateway.ts';
import { pairSimulated } from '../composition/pairing.ts';
import { loadConfig } from '../config/load.ts';
import type { LoadedConfig } from '../config/loaded-config.ts';
import { formatProblem } from '../config/problems.ts';
import { GatewayError } from '../contract/index.ts';
import { createApiKey, revokeApiKey } from '../http/api-key-changes.ts';
import { hashOfApiKey, listApiKeys } from '../http/api-key-file.ts';
import { LogTap } from '../monitor/log-tap.ts';
import { loadRecognisers } from '../onboarding/bluetooth-scan.ts';
import { placesOf } from '../simulation/places.ts';
import { PlayedDevices } from '../simulation/played-devices.ts';
import { type RunningSimulator, startSimulation } from '../simulation/simulator.ts';
import { pairingFilesOf } from '../store/pairing-files.ts';
import type { WriterAhead } from '../store/writer-ahead.ts';
import { SimulatedRadios } from '../transports/ble/simulated-radios.ts';
import { SimulatedLines } from '../transports/serial/index.ts';
import { type Catalogues, withOutside } from './catalogues.ts';
import { type ConfigChoice, chooseConfig, demonstration } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { logFormat, logLine, serviceManager } from './service-manager.ts';
import { isOnRadio, playRadios } from './simulate.ts';
import type { Stop } from './stop-signals.ts';
import type { Terminal } from './terminal.ts';

/** Calls back whenever somebody outside wishes that the configuration is read anew. */
export type OnReload = (listener: () => void) => void;

export interface RunParts {
  readonly onReload?: OnReload | undefined;
  /** The store's thread, which comes up meanwhile. */
  readonly writerAhead: WriterAhead;
}

/** Runs the gateway until it is told to stop. */
export const run = (
  terminal: Terminal,
  catalogues: Catalogues,
  options: { readonly config?: string; readonly newDatabase?: boolean },
  stop: Stop,
  parts: RunParts,
): Promise<ExitCode> =>
  runConfig(terminal, catalogues, chooseConfig(terminal, options.config, { orSite: false }), stop, {
    ...options,
    ...parts,
  });

/** Runs a small building of simulated devices until it is told to stop. */
export const runDemonstration = (
  terminal: Terminal,
  catalogues: Catalogues,
  stop: Stop,
  parts: RunParts,
): Promise<ExitCode> => runConfig(terminal, catalogues, demonstration(terminal), stop, parts);

async function runConfig(
  terminal: Terminal,
  own: Catalogues,
  { file, ...place }: ConfigChoice,
  stop: Stop,
  { newDatabase = false, onReload, writerAhead }: RunParts & { readonly newDatabase?: boolean },
): Promise<ExitCode> {
  const manager = serviceManager(terminal.env);
  const clock = systemClock;
  const load = (text?: string) =>
    loadConfig(file, {
      ...{ ...own, ...place, env: terminal.env, now: clock.wallTime() },
      ...(text !== undefined && { text }),
    });
  const config = await load();
  const catalogues = withOutside(own, config);
  const logTap = new LogTap();
  const log = openLog(config, terminal, logTap);
  for (const warning of config.warnings)
    log.warn({ problem: formatProblem(warning) }, 'the configuration has a weakness');

  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<Error>((resolve) => {
    fail = resolve;
  });
  const { demoKeyFile, apiKeysFile } = config.http;
  const key = demoKeyFile === undefined ? undefined : await demoKey(demoKeyFile, apiKeysFile, clock.wallTime);
  const simulatedLines = new SimulatedLines();
  const simulatedRadios = new SimulatedRadios();
  const played = new PlayedDevices();
  const radios = await startRadios(config, catalogues, { simulatedRadios, played }, log);
  const places = placesOf(config, { lines: simulatedLines });
  const world = { clock, random: Math.random, log };
  const play = (peers: LoadedConfig['simulation']) =>
    startSimulation(peers, catalogues.simulators, places, world, played).catch((error: unknown) => {
      throw cannotPlay(error);
    });
  // Units are on their line before the gateway looks for them; those behind a broker need it to be there first.
  const units = await play(config.simulation.filter(isOnLine));
  const started = startGateway({
    ...{ config, log, logTap, clock, simulatedLines, simulatedRadios, played, newDatabase, writerAhead },
    memory: processMemory(),
    makeBackup: () => backupInOwnProcess(config, terminal),
    recognisers: () => loadRecognisers(catalogues.drivers),
    loadAgain: load,
    onFatal: fail,
  });
  const gateway = await started.catch((error: unknown) => {
    throw notListening(config, error);
  });
  let simulation: RunningSimulator | undefined;
  try {
    simulation = await play(config.simulation.filter((peer) => !isOnRadio(peer) && !isOnLine(peer)));
  } catch (error) {
    await gateway.close();
    throw error;
  }
  if (key !== undefined) terminal.out(welcome(config, gateway.url, key));
  // Under systemd the log said so already, in the same journal.
  else if (!terminal.env.NOTIFY_SOCKET) terminal.out(`Strikeplate listens on ${gateway.url}`);
  manager.ready(`listening on ${gateway.url}, devices: ${config.devices.length}`);

  onReload?.(() => {
    gateway.reload({ kind: 'cli' }).catch((error: unknown) => log.error({ why: wordsOf(error) }, notTakenOver));
  });
  const end = await Promise.race([stop.requested, failed]);
  if (end instanceof Error) {
    // Nothing more can be made durable, so nothing more may be answered: the process ends as it is.
    log.fatal({ err: end }, 'the gateway cannot go on');
    throw new CommandError('failed', `The gateway cannot go on: ${end.message}`, { cause: end });
  }
  log.info({ signal: end }, 'stopping');
  // The simulated devices go last: commands under way still wait for their answers.
  const closed = gateway.close().then(() => Promise.all([simulation?.close(), units.close(), radios?.close()]));
  await Promise.all([manager.stopping(), closed]);
  return exitCodes.ok;
}

const notTakenOver = 'the configuration was not taken over';
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Written at once: what was said before a crash is the most interesting. */
function openLog(config: LoadedConfig, terminal: Terminal, logTap: LogTap): Logger {
  return pino(
    { level: config.logLevel },
    pino.multistream([
      { level: 'trace', stream: logStream(config, terminal) },
      { level: 'warn', stream: logTap.stream },
    ]),
  );
}

/** Standard error, written at once, as JSON or in words. */
function logStream(config: LoadedConfig, { env }: Terminal): { write(line: string): void } {
  const stream = pino.destination({ dest: 2, sync: true });
  const format = logFormat(config.logFormat, env, isatty(2));
  return format === 'json' ? stream : { write: (line) => stream.write(logLine(line, format)) };
}

/** Simulated Bluetooth devices are there before the gateway, and paired with it: it reads its pairings as it starts. */
async function startRadios(
  config: LoadedConfig,
  { simulators }: Catalogues,
  { simulatedRadios, played }: { readonly simulatedRadios: SimulatedRadios; readonly played: PlayedDevices },
  log: Logger,
): Promise<RunningSimulator | undefined> {
  if (!config.simulation.some(isOnRadio)) return undefined;
  const clock = systemClock;
  try {
    const ctx = { clock, random: Math.random, log, buttonsHeld: false };
    const radios = await playRadios(config, simulators, simulatedRadios, ctx, played);
    const pairings = pairingFilesOf(config, randomBytes);
    await pairSimulated(config, radios.waiting, { clock, log, simulatedRadios, pairings });
    return radios;
  } catch (error) {
    throw cannotPlay(error);
  }
}

const isOnLine = ({ link }: LoadedConfig['simulation'][number]): boolean => link.kind === 'serial';

const cannotPlay = (error: unknown): CommandError =>
  new CommandError('failed', error instanceof Error ? error.message : String(error), { cause: error });

function notListening({ http: { host, port } }: LoadedConfig, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== 'listen') return error;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there already. Stop it, or set http.port or STRIKEPLATE_HTTP_PORT',
    EACCES: 'ports below 1024 are not for ordinary users. Set http.port or STRIKEPLATE_HTTP_PORT',
    EADDRNOTAVAIL: 'this machine does not have that address. Set http.host',
  };
  return new CommandError(
    code === 'EADDRINUSE' ? 'occupied' : 'failed',
    `Cannot listen on ${host}:${port}: ${reasons[code ?? ''] ?? code}.`,
    {
      cause: error,
    },
  );
}

/** Behind everything else on this machine, its disk included: ioprio_set(2) follows from it. */
const niceness = 15;

/**
 * Runs `strikeplate backup --scheduled` beside the gateway: copying and encrypting a database takes seconds, in which no
 * door may wait.
 * @throws Error with what it said
 */
function backupInOwnProcess({ file, stateDir }: LoadedConfig, { env }: Terminal): Promise<void> {
  const program = process.argv[1];
  if (program === undefined) return Promise.reject(new Error('the program does not know where it lies'));
  const { PATH, NODE_OPTIONS } = env;
  return new Promise((done, fail) => {
    const child = spawn(
      process.execPath,
      [...process.execArgv, program, 'backup', '--scheduled', '--config', resolve(file)],
      {
        env: { PATH, NODE_OPTIONS, STRIKEPLATE_STATE_DIR: stateDir },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    try {
      if (child.pid !== undefined) setPriority(child.pid, niceness);
    } catch {
      // It ended already, or may not be made to wait: it goes on as it is.
    }
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-2_000);
    });
    child.once('error', fail);
    child.once('close', (code) => (code === 0 ? done() : fail(new Error(said.trim() || `it ended with ${code}`))));
  });
}

const name = 'demonstration';

/**
 * The demonstration's key: made at the first start, kept with mode 0600 so that it can be printed again, and made anew
 * when one of the two files was lost.
 */
export async function demoKey(keyFile: string, apiKeysFile: string, wallTime: () => number): Promise<string> {
  const kept = readKey(keyFile);
  const known = await listApiKeys(apiKeysFile);
  if (kept !== undefined) {
    const hash = hashOfApiKey(kept).toString('hex');
    if (known.some((key) => key.hash === hash)) return kept;
  }
  if (known.some((key) => key.name === name)) await revokeApiKey(apiKeysFile, name, wallTime);
  const { key } = await createApiKey(apiKeysFile, { name }, randomBytes, wallTime);
  mkdirSync(dirname(keyFile), { recursive: true, mode: 0o700 });
  // Moved into place, so that the mode holds even where a file of that name was open to others.
  writeFileSync(`${keyFile}.new`, `${key}\n`, { mode: 0o600 });
  renameSync(`${keyFile}.new`, keyFile);
  return key;
}

function readKey(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new GatewayError(
      'misconfigured',
      `The demonstration’s key cannot be read: ${(error as Error).message}. Check the state directory (state_dir, or ` +
        'STRIKEPLATE_STATE_DIR).',
    );
  }
}

/** What somebody who tries the gateway needs to see: where it is, the key, and three commands that work as printed. */
export function welcome(config: LoadedConfig, url: string, key: string): string {
  const bearer = `-H 'Authorization: Bearer ${key}'`;
  const [first] = config.devices;
  const doors = config.devices.map((device) => `  ${device.slug.padEnd(8)} ${device.name}`).join('\n');
  return `Strikeplate listens on ${url}

${doors}

API key: ${key}
(kept in ${config.http.demoKeyFile})

List the devices, unlock ${first?.name ?? 'a door'}, and see what became of it:

curl -s ${bearer} ${url}/devices/list

curl -s ${bearer} -H 'Content-Type: application/json' -d '{"device_id":"${first?.deviceId}"}' ${url}/locks/unlock_door

curl -s ${bearer} '${url}/action_attempts/list?limit=1'

Or with the command line:  npx strikeplate devices    npx strikeplate unlock ${first?.slug ?? 'DEVICE'}
Stop with Ctrl-C.`;
}
