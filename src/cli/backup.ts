import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeBackup } from '../backup/backup-file.ts';
import type { BackupManifest } from '../backup/contents.ts';
import { writeJournal } from '../backup/journal.ts';
import { inTheWay, planRestore, type RestorePlan, restore } from '../backup/restore.ts';
import { SealedFileError } from '../backup/sealed-file.ts';
import { loadConfig } from '../config/load.ts';
import type { LoadedConfig } from '../config/loaded-config.ts';
import { ConfigError } from '../config/problems.ts';
import { Secret } from '../contract/index.ts';
import type { Catalogues } from './catalogues.ts';
import { chooseConfig } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { whileStopped } from './idle-gateway.ts';
import { json, type Terminal } from './terminal.ts';

export interface BackupCommandOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly passphraseFile?: string;
  /** As the section backup says: there, with that passphrase, and old ones are deleted. */
  readonly scheduled?: boolean;
}

/** Writes one encrypted file with everything of this gateway, which may be running. */
export async function backup(
  terminal: Terminal,
  catalogues: Catalogues,
  version: string,
  given: string | undefined,
  options: BackupCommandOptions,
): Promise<ExitCode> {
  const { file: configFile, ...place } = chooseConfig(terminal, options.config, { orSite: true });
  const now = Date.now();
  const config = await loadConfig(configFile, { ...catalogues, ...place, env: terminal.env, now });
  if (options.scheduled && config.backup === undefined)
    throw new CommandError('configuration', `${configFile} has no section backup.`);
  const file =
    given === undefined ? join(folderFor(config, terminal), nameOf(config, now)) : resolve(terminal.cwd, given);
  if (existsSync(file)) throw new CommandError('failed', `${file} exists already. Name another file.`);
  const passphrase = await passphraseFor(terminal, options.passphraseFile ?? config.backup?.passphraseFile, {
    isNew: true,
  });
  const { bytes, sha256, manifest } = makeBackup(config, file, { passphrase, randomBytes, now, version });
  writeJournal(config.stateDir, { kind: 'made', at: now, by: options.scheduled ? 'schedule' : 'cli', bytes, sha256 });
  if (options.scheduled) deleteOld(config);
  const files = manifest.files.map(({ path, what, bytes: size }) => ({ path, what, bytes: size }));
  if (options.json) terminal.out(json({ file, bytes, sha256, made_at: manifest.made_at, files }));
  else {
    terminal.out(`${file} holds everything of this gateway: ${files.length} files, ${size(bytes)}. It was read again.`);
    terminal.err('Nothing opens it without the passphrase. Keep both on other machines than this one, and apart.');
  }
  return exitCodes.ok;
}

const folderFor = ({ backup: configured }: LoadedConfig, { cwd }: Terminal) => configured?.folder ?? cwd;

const beginOf = ({ gateway }: LoadedConfig) => `strikeplate-${gateway.id}-`;
/** To the millisecond: two that are made one after the other have a name each. */
const nameOf = (config: LoadedConfig, now: number) =>
  `${beginOf(config)}${new Date(now).toISOString().replace(/[-:.]/g, '')}.backup`;

/** Names are in the order of time. Only what has the form of a name is deleted. */
function deleteOld(config: LoadedConfig): void {
  const { backup: configured } = config;
  if (configured === undefined) return;
  const { folder, keep } = configured;
  const own = readdirSync(folder).filter(
    (name) => name.startsWith(beginOf(config)) && /-\d{8}T\d{6}(?:\d{3})?Z\.backup$/.test(name),
  );
  for (const name of own.sort().slice(0, -keep)) rmSync(join(folder, name));
}

const size = (bytes: number) =>
  bytes < 1 << 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;

export interface RestoreCommandOptions {
  readonly config?: string;
  readonly stateDir?: string;
  readonly passphraseFile?: string;
  /** Also where something lies already. */
  readonly replace?: boolean;
  /** Only show what is in it. */
  readonly list?: boolean;
  readonly json?: boolean;
}

/** Puts a backup in place, and says what is left to do by hand. */
export async function restoreBackup(
  terminal: Terminal,
  catalogues: Catalogues,
  given: string,
  options: RestoreCommandOptions,
): Promise<ExitCode> {
  const file = resolve(terminal.cwd, given);
  const passphrase = await passphraseFor(terminal, options.passphraseFile, { isNew: false });
  const plan = opened(() =>
    planRestore(file, passphrase, {
      configFile: options.config,
      stateDir: options.stateDir ?? (terminal.env.STRIKEPLATE_STATE_DIR || undefined),
    }),
  );
  if (options.list) {
    show(terminal, options, plan);
    return exitCodes.ok;
  }
  refuseWhatIsThere(plan, options);
  const now = Date.now();
  const aside = await putBack(file, passphrase, plan, now);
  const config = await loadConfig(plan.configFile, {
    ...catalogues,
    env: { ...terminal.env, STRIKEPLATE_STATE_DIR: plan.stateDir },
    now,
  }).catch((error: unknown) => {
    if (error instanceof ConfigError) return error;
    throw error;
  });
  const left = byHand(plan, config, aside);
  if (options.json) {
    const { made_at, gateway } = plan.manifest;
    const by_hand = left.map(({ what, run }) => ({ what, ...(run !== undefined && { run }) }));
    terminal.out(
      json({ gateway: gateway.id, made_at, config_file: plan.configFile, state_dir: plan.stateDir, by_hand }),
    );
  } else {
    terminal.out(`${plan.manifest.gateway.name} is back as it was on ${plan.manifest.made_at}. Left to do by hand:`);
    left.forEach(({ what, run }, index) => {
      terminal.out(`${String(index + 1).padStart(2)}. ${what}`);
      if (run !== undefined) terminal.out(`      ${run}`);
    });
  }
  return exitCodes.ok;
}

function opened<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof SealedFileError)
      throw new CommandError('failed', `${error.message} Nothing was changed.`, { cause: error });
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CommandError('failed', `${path ?? 'The backup'} cannot be read (${code}). Nothing was changed.`, {
      cause: error,
    });
  }
}

function refuseWhatIsThere(plan: RestorePlan, { replace }: RestoreCommandOptions): void {
  const there = inTheWay(plan);
  if (there.length === 0 || replace) return;
  const some = there.slice(0, 5).join(', ');
  const more = there.length > 5 ? ` and ${there.length - 5} more` : '';
  throw new CommandError(
    'failed',
    `There is something already: ${some}${more}. With --replace it is put into a folder beside, and the backup takes its ` +
      'place. Nothing was changed.',
  );
}

async function putBack(file: string, passphrase: Secret, plan: RestorePlan, now: number): Promise<string | undefined> {
  const stamp = new Date(now).toISOString().replace(/[-:.]/g, '');
  const { made_at } = plan.manifest;
  return whileStopped(
    { store: { path: plan.databaseFile } },
    'Its database cannot be exchanged under it.',
    async () => {
      const aside = opened(() => restore(file, passphrase, plan, stamp));
      writeJournal(plan.stateDir, { kind: 'restored', at: now, made_at });
      return aside;
    },
  );
}

function show(terminal: Terminal, { json: asJson }: RestoreCommandOptions, { manifest }: RestorePlan): void {
  if (asJson) terminal.out(json(manifest));
  else {
    terminal.out(`${manifest.gateway.name} (${manifest.gateway.id}), ${manifest.made_at}, release ${manifest.version}`);
    for (const { what, path, bytes } of manifest.files) terminal.out(`  ${path}  ${bytes} bytes, ${what}`);
  }
}

interface Chore {
  readonly what: string;
  readonly run?: string;
}

/** What a backup cannot bring along. */
function byHand(
  { manifest, configFile, stateDir }: RestorePlan,
  config: LoadedConfig | ConfigError,
  aside: string | undefined,
): Chore[] {
  const chores: Chore[] = [
    { what: 'Switch the old box off for good: two gateways at the same doors contradict each other.' },
    ...hardware(config),
    ...manifest.driver_packages.map((name) => ({
      what: `Install the driver ${name} again.`,
      run: `npm install ${name}`,
    })),
  ];
  if (config instanceof ConfigError)
    chores.push({
      what: `Mend the configuration, which does not fit this box: ${config.message.split('\n').join(' ')}`,
      run: `strikeplate check-config --config ${configFile}`,
    });
  chores.push(
    {
      what: 'Start the gateway, and look whether it is well.',
      run: 'systemctl start strikeplate && strikeplate doctor',
    },
    {
      what: `Look over the codes. Codes made after ${madeAt(manifest)} are on the locks and unknown: they are listed as unmanaged. Codes deleted after it are put on the locks again: delete them again.`,
      run: 'strikeplate codes list DEVICE',
    },
    {
      what: 'Look over the API keys: one that was revoked since is taken again, one that was made since is not.',
      run: 'strikeplate keys list',
    },
  );
  if (aside !== undefined) chores.push({ what: `Delete what was here before, once nobody misses it: ${aside}` });
  if (resolve(stateDir) !== resolve(configFile, '..', manifest.state_dir))
    chores.push({
      what: `The state is in ${stateDir}, and the configuration says otherwise: set state_dir, or STRIKEPLATE_STATE_DIR in the unit.`,
    });
  return chores;
}

const madeAt = ({ made_at }: BackupManifest) => made_at;

function hardware(config: LoadedConfig | ConfigError): Chore[] {
  if (config instanceof ConfigError)
    return [{ what: 'Plug in the serial adapters, sticks and dongles of the old box.' }];
  const ports = [
    ...config.serial.map(({ path }) => path),
    ...config.zwave.map(({ path }) => path),
    ...config.ble.map(({ radio }) => (radio.kind === 'uart' ? radio.path : undefined)),
  ].filter((path) => path !== undefined);
  const radios = config.ble.flatMap(({ name, radio }) =>
    radio.kind === 'kernel' || radio.kind === 'dbus' ? [`ble.${name} (${radio.adapter})`] : [],
  );
  return [
    ...(ports.length > 0
      ? [{ what: `Plug the old box's adapters into this one: ${ports.join(', ')}.`, run: 'strikeplate scan serial' }]
      : []),
    ...(radios.length > 0
      ? [
          {
            what: `Check that the Bluetooth adapter is the one that is named: ${radios.join(', ')}. Pairings came along; locks need not be paired again.`,
            run: 'strikeplate scan ble',
          },
        ]
      : []),
    ...(config.http.tls === undefined
      ? []
      : [{ what: 'If this box has another name or address, clients must be told, and the certificate must have it.' }]),
  ];
}

/** A backup may lie where others can try passphrases for years. A guess: four words, or twelve letters at random. */
const LEAST_LENGTH = 12;

/**
 * The passphrase of a backup: from a file, or asked for; never from the command line, which every process can read.
 * @param isNew it is going to protect something: it must be long, and is asked for twice
 * @throws CommandError
 */
export async function passphraseFor(
  terminal: Terminal,
  file: string | undefined,
  { isNew }: { readonly isNew: boolean },
): Promise<Secret> {
  const text = file === undefined ? await asked(terminal, isNew) : inFile(resolve(terminal.cwd, file));
  if (isNew && text.length < LEAST_LENGTH)
    throw new CommandError(
      'usage',
      `The passphrase has ${text.length} characters; it must have ${LEAST_LENGTH} at least. Four random words are easy to write down.`,
    );
  if (text === '') throw new CommandError('usage', 'The passphrase is empty.');
  return new Secret(text);
}

async function asked({ ask }: Terminal, isNew: boolean): Promise<string> {
  if (ask === undefined)
    throw new CommandError(
      'usage',
      'Nobody can be asked for the passphrase here. Give it with --passphrase-file FILE.',
    );
  const text = (await ask('Passphrase:', { secret: true })).trim();
  if (!isNew) return text;
  if ((await ask('Once more:', { secret: true })).trim() !== text)
    throw new CommandError('usage', 'The two were not the same. Nothing was done.');
  return text;
}

function inFile(file: string): string {
  try {
    if ((statSync(file).mode & 0o007) !== 0)
      throw new CommandError('usage', `Everybody on this machine can read ${file}. Run: chmod o= ${file}`);
    return (readFileSync(file, 'utf8').split('\n', 1)[0] ?? '').trim();
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError('failed', `The passphrase in ${file} cannot be read. Check that it is there and readable.`, {
      cause,
    });
  }
}
