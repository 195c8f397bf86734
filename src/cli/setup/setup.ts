import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { isIP } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { pino } from 'pino';
import { parse } from 'yaml';
import { z } from 'zod';
import { startGateway } from '../../composition/gateway.ts';
import { DisplayName, Slug, TimeZone } from '../../config/field-types.ts';
import { loadConfig } from '../../config/load.ts';
import { slugFrom } from '../../config/slug.ts';
import { newZwaveKeys } from '../../config/zwave-keys.ts';
import { GatewayError } from '../../contract/index.ts';
import { createApiKey, revokeApiKey } from '../../http/api-key-changes.ts';
import { permissionScopes } from '../../model/permission.ts';
import type { DeviceEntry } from '../../model/reload.ts';
import { serviceUser } from '../as-user.ts';
import type { Catalogues } from '../catalogues.ts';
import { commandDoor } from '../door.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { askForBroker } from './broker-steps.ts';
import { type AnnouncedDevice, announcedDevices, askForHardware } from './device-steps.ts';
import { Interview, type SetupAnswers } from './interview.ts';
import { KeptFiles } from './kept-files.ts';
import { authorityFiles, issueCertificate } from './own-authority.ts';
import type { SetupSurroundings } from './surroundings.ts';
import { type Wanted, writtenConfiguration } from './written-configuration.ts';

export interface SetupOptions {
  readonly config?: string;
  readonly answers?: string;
  readonly yes?: boolean;
  readonly replace?: boolean;
}

const SITE_FILE = '/etc/strikeplate/gateway.yaml';
const answersSchema = z.record(
  z.string(),
  z.union([z.string(), z.number().transform(String), z.boolean().transform(String), z.array(z.string())]),
);

/** From nothing to the first door: asks, finds, and writes what a gateway needs. */
export async function setup(
  terminal: Terminal,
  catalogues: Catalogues,
  world: SetupSurroundings,
  options: SetupOptions,
): Promise<ExitCode> {
  const isRoot = process.getuid?.() === 0;
  const usual = isRoot ? SITE_FILE : 'gateway.yaml';
  const file = resolve(terminal.cwd, options.config ?? (terminal.env.STRIKEPLATE_CONFIG || usual));
  if (existsSync(file) && !options.replace)
    throw new CommandError(
      'failed',
      `${file} exists already, and nothing was done. A device more: strikeplate devices add. ` +
        'Anew, with the old one put beside: strikeplate setup --replace',
    );
  const folder = dirname(file);
  const files = new KeptFiles();
  files.folder(folder);
  const progress = new Progress(file, files);
  const given = options.answers === undefined ? {} : answersIn(resolve(terminal.cwd, options.answers));
  const earlier = progress.read();
  if (Object.keys(earlier).length > 0)
    terminal.err('A set-up was interrupted here: what was answered then is not asked again.');
  const interview = new Interview({
    ...{ terminal, given, earlier, yes: options.yes ?? false },
    keep: (answers) => progress.keep(answers),
  });
  const identity = await askWhoItIs(interview, world);
  const http = await askForReach(interview, world);
  const stateDir = file === SITE_FILE ? '/var/lib/strikeplate' : './state';
  const broker = await askForBroker({ terminal, interview, world, files, given, folder, gatewayId: identity.id });
  const hardware = await askForHardware(interview, world);
  const devices = await askForDevices(interview, broker === undefined ? [] : announcedDevices(broker.retained, 'main'));
  const watched = await askWhoWatches(interview, broker !== undefined);
  const application = await interview.ask({
    key: 'application',
    text: 'The name of an application that is to use the gateway, for its key; or none.',
    usual: 'none',
  });
  const door = await askForTestDoor(interview, devices);

  const wanted: Wanted = {
    ...{ stateDir, ...identity, http, ...hardware, devices, ...watched },
    broker: broker?.broker,
  };
  const keysFile = await writeSecrets(files, folder, wanted, { name: identity.name, names: http.names });
  const text = writtenConfiguration(wanted);
  const config = await loadConfig(file, { ...catalogues, env: {}, now: Date.now(), text });
  if (existsSync(file))
    terminal.err(
      `The old configuration is in ${files.aside(file, new Date().toISOString().slice(0, 19).replaceAll(':', ''))}.`,
    );
  files.write(file, text, { secret: true });
  terminal.out(`${file} is written: gateway ${config.gateway.id}, devices: ${config.devices.length}.`);
  if (http.isSecure)
    terminal.out(
      `Applications trust ${authorityFiles(folder).caFile}, and reach the gateway at https://${http.names[0]}:${http.port}.`,
    );
  if (application !== 'none') await makeKey(terminal, keysFile, application);
  const isServed = isRoot && file === SITE_FILE && serviceUser() !== undefined;
  const isRestarted =
    isServed &&
    (await interview.confirm({ key: 'restart_service', text: 'Start the gateway with it now?', usual: true }));
  if (isRestarted) execFileSync('systemctl', ['restart', 'strikeplate'], { stdio: 'inherit' });
  progress.done();
  const verdict = door === 'none' ? exitCodes.ok : await tryDoor(terminal, catalogues, file, door, isRestarted);
  sayWhatIsNext(terminal, file, wanted);
  return verdict;
}

/** Who is told on the broker what happens. */
async function askWhoWatches(interview: Interview, hasBroker: boolean) {
  const isMonitored =
    hasBroker &&
    (await interview.confirm({
      key: 'monitor',
      text: 'Tell on the broker what happens at the doors, for alarms and dashboards?',
      usual: true,
    }));
  const homeAssistant =
    isMonitored &&
    (await interview.confirm({ key: 'home_assistant', text: 'Show the doors in Home Assistant?', usual: false }));
  return { isMonitored, homeAssistant };
}

const askForTestDoor = (interview: Interview, devices: Wanted['devices']): Promise<string> =>
  interview.ask({
    key: 'test_door',
    text: 'Unlock a door now, to try it? Somebody stands at it. Its short id, or none.',
    usual: 'none',
    check: (id) =>
      id === 'none' || devices.some((entry) => entry.id === id)
        ? undefined
        : `there is no door "${id}"; there are: ${devices.map((entry) => entry.id).join(', ') || 'none'}.`,
  });

/** Certificate and keys, where there are none yet. @returns the file with the API keys */
async function writeSecrets(
  files: KeptFiles,
  folder: string,
  wanted: Wanted,
  subject: { readonly name: string; readonly names: Parameters<typeof issueCertificate>[2] },
): Promise<string> {
  const { http, stateDir } = wanted;
  const state = resolve(folder, stateDir);
  files.stateFolder(state);
  if (http.isSecure) {
    const { caFile, certFile, keyFile } = authorityFiles(folder);
    if (!existsSync(certFile) || !existsSync(keyFile)) issueCertificate(folder, subject.name, subject.names);
    for (const public_ of [caFile, certFile]) files.share(public_, { secret: false });
    files.share(keyFile, { secret: true });
  }
  if (wanted.sticks.size > 0 && !existsSync(join(state, 'zwave.keys')))
    files.writeState(join(state, 'zwave.keys'), newZwaveKeys(randomBytes), state);
  const keysFile = join(state, 'api-keys');
  if (!existsSync(join(state, 'cli.key'))) {
    // One that an interrupted set-up made, and nobody has.
    await revokeApiKey(keysFile, 'cli', Date.now).catch(() => undefined);
    const { key } = await createApiKey(keysFile, { name: 'cli', scopes: permissionScopes }, randomBytes, Date.now);
    files.writeState(join(state, 'cli.key'), `${key}\n`, state);
  }
  return keysFile;
}

async function makeKey(terminal: Terminal, keysFile: string, name: string): Promise<void> {
  try {
    const { key } = await createApiKey(keysFile, { name }, randomBytes, Date.now);
    terminal.out(`The key of ${name}, shown this once: ${key}`);
  } catch (error) {
    if (!(error instanceof GatewayError && error.type === 'invalid_input')) throw error;
    terminal.err(`${name} has no new key: ${error.message} Another secret: strikeplate keys rotate ${name}`);
  }
}

/** Kept beside the configuration until it is written. No secret is in it. */
class Progress {
  readonly #file: string;
  readonly #files: KeptFiles;

  constructor(configFile: string, files: KeptFiles) {
    this.#file = join(dirname(configFile), `.${basename(configFile)}.setup`);
    this.#files = files;
  }

  read(): SetupAnswers {
    try {
      return answersSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
    } catch {
      return {};
    }
  }

  keep(answers: SetupAnswers): void {
    this.#files.write(this.#file, JSON.stringify(answers), { secret: true });
  }

  done(): void {
    rmSync(this.#file, { force: true });
  }
}

function answersIn(file: string): SetupAnswers {
  try {
    return answersSchema.parse(parse(readFileSync(file, 'utf8')) ?? {});
  } catch (error) {
    const why = error instanceof z.ZodError ? 'it must be a list of questions and answers' : (error as Error).message;
    throw new CommandError('usage', `The answers in ${file} cannot be read: ${why.split('\n')[0]}.`, { cause: error });
  }
}

const checkedBy = (schema: z.ZodType) => (answer: string) => schema.safeParse(answer).error?.issues[0]?.message;

async function askWhoItIs(interview: Interview, world: SetupSurroundings) {
  const host = slugFrom(world.hostname().split('.')[0] ?? '', 'gateway');
  const name = await interview.ask({
    key: 'gateway_name',
    text: 'The name of this gateway, for people:',
    usual: host.charAt(0).toUpperCase() + host.slice(1),
    check: checkedBy(DisplayName),
  });
  const id = await interview.ask({
    key: 'gateway_id',
    text: 'Its short id. Device ids and MQTT topics are made of it: it stays.',
    usual: slugFrom(name, 'gateway'),
    check: checkedBy(Slug),
  });
  const timeZone = await interview.ask({
    key: 'time_zone',
    text: 'The time zone of the building:',
    usual: world.timeZone(),
    check: checkedBy(TimeZone),
  });
  return { id, name, timeZone };
}

async function askForReach(interview: Interview, world: SetupSurroundings) {
  const reach = await interview.ask({
    key: 'reach',
    text: 'Who uses the gateway?',
    usual: 'network',
    choices: [
      ['network', 'applications on the network, over HTTPS'],
      ['this-machine', 'applications on this machine alone'],
    ],
  });
  const isSecure = reach === 'network';
  const host = world.hostname().toLowerCase();
  const likely = [
    host,
    ...(host.includes('.') ? [] : [`${host}.local`]),
    ...world.addresses(),
    'localhost',
    '127.0.0.1',
  ];
  const names = isSecure
    ? await interview.ask({
        key: 'names',
        text: 'The names and addresses by which they reach it, with commas between, for its certificate:',
        usual: [...new Set(likely)].join(','),
        check: (answer) => {
          const wrong = answer
            .split(',')
            .find((one) => !isIP(one.trim()) && !/^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i.test(one.trim()));
          return wrong === undefined ? undefined : `"${wrong}" is neither a name nor an address.`;
        },
      })
    : 'localhost';
  const port = await interview.ask({
    key: 'port',
    text: 'The TCP port to listen on:',
    usual: isSecure ? '8443' : '8080',
    check: (answer) => (/^\d+$/.test(answer) && Number(answer) <= 65_535 ? undefined : 'a number from 1 to 65535.'),
  });
  return {
    host: isSecure ? '0.0.0.0' : '127.0.0.1',
    port: Number(port),
    isSecure,
    names: names.split(',').map((name) => name.trim()),
  };
}

async function askForDevices(interview: Interview, found: readonly AnnouncedDevice[]): Promise<readonly DeviceEntry[]> {
  if (found.length === 0) return [];
  const chosen = await interview.ask({
    key: 'devices',
    text: 'These were found on the broker. Which are to be the gateway’s? Numbers or ids with commas between; all, or none.',
    usual: 'all',
    several: true,
    choices: [...found.map(({ entry, what }) => [entry.id, what] as const), ['all', 'all'], ['none', 'none']],
  });
  const ids = chosen.split(',').map((id) => id.trim());
  return found.filter(({ entry }) => ids.includes('all') || ids.includes(entry.id)).map(({ entry }) => entry);
}

/** Through the gateway that runs, or one that is started for as long as one command takes. */
async function tryDoor(
  terminal: Terminal,
  catalogues: Catalogues,
  file: string,
  door: string,
  isRunning: boolean,
): Promise<ExitCode> {
  const command = { config: file, timeout: 60, wait: true };
  if (isRunning) return commandDoor(terminal, 'unlock', door, command);
  const config = await loadConfig(file, { ...catalogues, env: {}, now: Date.now() });
  const gateway = await startGateway({
    config,
    log: pino({ level: 'silent' }),
    onFatal: (error) => terminal.err(`The gateway cannot go on: ${error.message}`),
  }).catch((error: unknown) => {
    if (!(error instanceof GatewayError) || error.retryAfterSeconds === undefined) throw error;
    const now = `systemctl restart strikeplate && strikeplate unlock ${door}`;
    throw new CommandError('occupied', `A gateway runs here with what was before; the door was not tried. Run: ${now}`);
  });
  try {
    return await commandDoor(terminal, 'unlock', door, command);
  } finally {
    await gateway.close();
  }
}

function sayWhatIsNext(terminal: Terminal, file: string, { adapters, lines, sticks, devices }: Wanted): void {
  const service = file === SITE_FILE;
  const named = service ? '' : ` --config ${file}`;
  const next = [
    ...[...lines.values()].map((port) => `strikeplate scan serial ${port}`),
    ...(adapters.size > 0 ? [`strikeplate scan ble${named}`] : []),
    ...(sticks.size > 0 ? ['apt install ./strikeplate-zwave_*_all.deb'] : []),
    service ? 'systemctl restart strikeplate' : `strikeplate run --config ${file}`,
    service ? 'strikeplate doctor' : `strikeplate check-config${named}`,
    ...(devices[0] === undefined ? [] : [`strikeplate unlock ${String(devices[0].id)}${named}`]),
  ];
  terminal.err(`What is next:\n${next.map((line) => `  ${line}`).join('\n')}`);
}
