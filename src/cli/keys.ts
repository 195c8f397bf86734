import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { type GatewayTarget, readTarget } from '../config/load.ts';
import { newZwaveKeys } from '../config/zwave-keys.ts';
import { createApiKey, revokeApiKey, rotateApiKey, updateApiKey } from '../http/api-key-changes.ts';
import { type ApiKeyRecord, listApiKeys } from '../http/api-key-file.ts';
import { keyUseFileOf, readKeyUse } from '../http/key-use.ts';
import { type PermissionScope, permissionScopes } from '../model/permission.ts';
import { keepOwner } from '../store/keep-owner.ts';
import type { Commands } from './commands.ts';
import { chooseConfig, ownKeyFile } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { columnsOf, json, localTime, type Terminal, table } from './terminal.ts';

/** `strikeplate keys`. */
export function defineKeyCommands({ program, terminal, done }: Commands): void {
  const keys = program
    .command('keys')
    .description('make, change, list and revoke API keys; change the store’s key; make the keys of a Z-Wave network');
  const configured = (command: Command) =>
    command.option('-c, --config <file>', 'the configuration').option('--json', 'print JSON');
  const reaching = (command: Command, whole: string) =>
    configured(command)
      .option('--scopes <list>', `what it may do: read, control, codes, metrics, admin${whole}`)
      .option('--devices <list>', 'the devices it is for, by their ids in the configuration; no others exist for it')
      .option('--spaces <list>', 'the same by space_ids: the doors that are in them at any moment')
      .option('--expires <when>', 'when it ends: a number of days (90d) or a time (2027-01-31T12:00:00Z)');
  const saved = (command: Command) =>
    command.option(
      '--save [file]',
      'keep it in a file instead of printing it (default: where commands on this box look)',
    );

  saved(reaching(keys.command('create'), ' (default: all but admin; with a bare --save all)'))
    .description('make a key and print it, once; a running gateway takes it at once')
    .requiredOption('--name <name>', 'who or what will use it')
    .action(async (options) => done(await createKey(terminal, options)));
  configured(keys.command('list'))
    .description('list the keys; the keys themselves are kept nowhere')
    .action(async (options) => done(await listKeys(terminal, options)));
  reaching(keys.command('change <key>'), '')
    .description('change what a key may do, where, and until when')
    .option('--name <name>', 'another name')
    .option('--all-devices', 'it is for all devices from now on')
    .option('--never-expires', 'it does not end')
    .action(async (key, options) => done(await changeKey(terminal, key, options)));
  saved(configured(keys.command('rotate <key>')))
    .description('give a key another secret, under the same id and name')
    .option('--overlap <hours>', 'how long the old secret is still taken', hours, 24 * 3_600_000)
    .action(async (key, options) => done(await rotateKey(terminal, key, options)));
  configured(keys.command('revoke <key>'))
    .description('make a key invalid, by its id or its name')
    .action(async (key, options) => done(await revokeKey(terminal, key, options)));
  configured(keys.command('rekey-store'))
    .description(
      'seal everything with a new store key, while no gateway runs; cut off, it is finished at the next start',
    )
    .action(async (options) => {
      const { rekey } = await import('./rekey.ts');
      done(await rekey(terminal, options));
    });
  keys
    .command('zwave <file>')
    .description('make the security keys of a new Z-Wave network, for keys_file of its stick')
    .action((file) => done(createZwaveKeys(terminal, file)));
  keys.addHelpText('after', `\n\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
}

const examples = [
  'strikeplate keys create --name booking-system --scopes read,control',
  'strikeplate keys create --name flat-3 --scopes read,control --devices flat-3,entrance --expires 365d',
  'strikeplate keys create --name cli --save',
  'strikeplate keys rotate booking-system --overlap 48',
  'strikeplate keys revoke booking-system',
];

/** @returns milliseconds */
function hours(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 24 * 90) return value * 3_600_000;
  throw new InvalidArgumentError('It must be a whole number of hours, at most 2160.');
}

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

/** What a key may do, where, and until when, as it is written on a command line. */
interface Reach {
  readonly scopes?: string;
  readonly devices?: string;
  readonly spaces?: string;
  readonly expires?: string;
}

/** The file that keys are kept in: it is changed directly, so that the first key can be made before the first start. */
function targetOf(terminal: Terminal, options: Options): Promise<GatewayTarget> {
  const choice = chooseConfig(terminal, options.config, { orSite: true });
  return readTarget(choice.file, {
    env: terminal.env,
    ...(choice.stateDir !== undefined && { stateDir: choice.stateDir }),
  });
}

async function createKey(
  terminal: Terminal,
  options: Options & Reach & { readonly name: string; readonly save?: string | true },
): Promise<ExitCode> {
  const target = await targetOf(terminal, options);
  const saveTo = placeFor(terminal, target, options.save);
  const { id, key } = await createApiKey(
    target.http.apiKeysFile,
    { name: options.name, ...ofThisBox(options), ...reachOf(target, options) },
    randomBytes,
    Date.now,
  );
  if (saveTo !== undefined) {
    try {
      saveKey(saveTo, key);
    } catch (error) {
      // A key that cannot be kept is taken back: nobody would ever know it.
      await revokeApiKey(target.http.apiKeysFile, id, Date.now);
      throw error;
    }
  }
  show(terminal, options, { id, name: options.name, key, saveTo });
  return exitCodes.ok;
}

async function rotateKey(
  terminal: Terminal,
  wanted: string,
  options: Options & { readonly overlap: number; readonly save?: string | true },
): Promise<ExitCode> {
  const target = await targetOf(terminal, options);
  const saveTo = placeFor(terminal, target, options.save);
  const { name } = await known(target, wanted);
  const { id, key } = await rotateApiKey(target.http.apiKeysFile, wanted, options.overlap, randomBytes, Date.now);
  if (saveTo !== undefined) saveKey(saveTo, key);
  show(terminal, options, { id, name, key, saveTo });
  if (!options.json) {
    const hours = options.overlap / 3_600_000;
    terminal.err(
      hours === 0 ? 'The old one is refused from now on.' : `The old one is taken for ${hours} hours longer.`,
    );
  }
  return exitCodes.ok;
}

async function changeKey(
  terminal: Terminal,
  wanted: string,
  options: Options & Reach & { readonly name?: string; readonly allDevices?: boolean; readonly neverExpires?: boolean },
): Promise<ExitCode> {
  const target = await targetOf(terminal, options);
  await known(target, wanted);
  const patch = {
    ...reachOf(target, options),
    ...(options.allDevices === true && { devices: null, spaces: null }),
    ...(options.neverExpires === true && { expiresAt: null }),
    ...(options.name !== undefined && { name: options.name }),
  };
  const changed = await updateApiKey(target.http.apiKeysFile, wanted, patch, Date.now);
  if (options.json) terminal.out(json(shown(changed)));
  else terminal.out(`${changed.id} (${changed.name}) is changed; a running gateway knows within a second.`);
  return exitCodes.ok;
}

const placeFor = (terminal: Terminal, target: GatewayTarget, save: string | true | undefined): string | undefined =>
  save === true ? ownKeyFile(target.stateDir) : save && resolve(terminal.cwd, save);

function show(
  terminal: Terminal,
  options: Options,
  { id, name, key, saveTo }: { id: string; name: string; key: string; saveTo: string | undefined },
): void {
  if (options.json) terminal.out(json({ id, name, ...(saveTo === undefined ? { key } : { key_file: saveTo }) }));
  else if (saveTo === undefined) {
    terminal.out(key);
    terminal.err(`This is the only time the key is shown. It is called ${id}; a running gateway takes it at once.`);
  } else terminal.out(`${id} is kept in ${saveTo}.`);
}

function saveKey(file: string, key: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${key}\n`, { mode: 0o600, flag: 'wx' });
    keepOwner(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'EEXIST' ? 'it exists already; delete it first if its key is not used' : String(code);
    throw new CommandError('failed', `The key was not made, because ${file} cannot be written: ${why}.`, {
      cause: error,
    });
  }
}

/**
 * The key that commands on this box use may do whatever a command may: it lies beside the file of all keys, so whoever
 * reads it could as well make one that does.
 */
const ofThisBox = ({ save }: { readonly save?: string | true }) =>
  save === true ? { scopes: [...permissionScopes] } : {};

function reachOf(target: GatewayTarget, { scopes, devices, spaces, expires }: Reach) {
  return {
    ...(scopes !== undefined && { scopes: scopesIn(scopes) }),
    ...(devices !== undefined && { devices: devicesIn(target, devices) }),
    ...(spaces !== undefined && { spaces: spacesIn(spaces) }),
    ...(expires !== undefined && { expiresAt: momentIn(expires) }),
  };
}

function scopesIn(list: string): PermissionScope[] {
  return list.split(',').map((word) => {
    const scope = permissionScopes.find((one) => one === word.trim());
    if (scope === undefined)
      throw new CommandError('usage', `"${word.trim()}" is not a scope; there are: ${permissionScopes.join(', ')}.`);
    return scope;
  });
}

function devicesIn(target: GatewayTarget, list: string): string[] {
  return list.split(',').map((word) => {
    const device = target.deviceIdOf(word.trim());
    if (device === undefined)
      throw new CommandError('notFound', `There is no device "${word.trim()}" in the configuration.`);
    return device;
  });
}

/** Spaces are in the database, which is the running gateway's: a space that there is not reaches nothing. */
function spacesIn(list: string): string[] {
  return list.split(',').map((word) => {
    const id = word.trim().toLowerCase();
    if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id;
    throw new CommandError('usage', `"${word.trim()}" is no space_id. /spaces/list shows them.`);
  });
}

/** Days from now, or a time. @returns milliseconds since the Unix epoch */
function momentIn(text: string): number {
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? [];
  if (days !== undefined) return Date.now() + Number(days) * 86_400_000;
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new CommandError('usage', `"${text}" is neither a number of days (90d) nor a time (2027-01-31T12:00:00Z).`);
}

async function listKeys(terminal: Terminal, options: Options): Promise<ExitCode> {
  const file = (await targetOf(terminal, options)).http.apiKeysFile;
  const keys = await listApiKeys(file);
  const used = await readKeyUse(keyUseFileOf(file));
  const lastUse = ({ id }: ApiKeyRecord) => (used[id] === undefined ? undefined : new Date(used[id]).toISOString());
  if (options.json) terminal.out(json(keys.map((key) => ({ ...shown(key), last_used_at: lastUse(key) ?? null }))));
  else if (keys.length === 0)
    terminal.err(`There are no keys in ${file}. Make one: strikeplate keys create --name NAME`);
  else
    for (const line of table(
      [
        ['ID', 'NAME', 'SCOPES', 'DEVICES', 'MADE', 'EXPIRES', 'USED'],
        ...keys.map((key) => [
          key.id,
          key.name,
          key.scopes.join(','),
          whereOf(key),
          localTime(Date.parse(key.created_at)),
          key.expires_at === undefined ? 'never' : localTime(Date.parse(key.expires_at)),
          used[key.id] === undefined ? 'never' : localTime(used[key.id] ?? 0),
        ]),
      ],
      columnsOf(terminal),
    ))
      terminal.out(line);
  return exitCodes.ok;
}

function whereOf({ devices, spaces }: ApiKeyRecord): string {
  const parts = [devices && String(devices.length), spaces && `of ${spaces.length} spaces`];
  return parts.filter((part) => part !== undefined).join(', ') || 'all';
}

const shown = ({ hash: _, previous, ...key }: ApiKeyRecord) => ({
  ...key,
  ...(previous && { previous_until: previous.until }),
});

async function revokeKey(terminal: Terminal, wanted: string, options: Options): Promise<ExitCode> {
  const target = await targetOf(terminal, options);
  await known(target, wanted);
  const revoked = await revokeApiKey(target.http.apiKeysFile, wanted, Date.now);
  if (options.json) terminal.out(json({ id: revoked.id, name: revoked.name }));
  else terminal.out(`${revoked.id} (${revoked.name}) is revoked; a running gateway refuses it within a second.`);
  return exitCodes.ok;
}

/** @throws CommandError */
async function known({ http: { apiKeysFile } }: GatewayTarget, wanted: string): Promise<ApiKeyRecord> {
  const found = (await listApiKeys(apiKeysFile)).find(({ id, name }) => id === wanted || name === wanted);
  if (found !== undefined) return found;
  throw new CommandError('notFound', `There is no key "${wanted}" in ${apiKeysFile}. See: strikeplate keys list`);
}

/** Makes the security keys of a new Z-Wave network, never over others: locks obey nobody who has lost theirs. */
export function createZwaveKeys(terminal: Terminal, name: string): ExitCode {
  const file = resolve(terminal.cwd, name);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, newZwaveKeys(randomBytes), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EEXIST' ? 'it exists already, and the locks of its network need the keys in it' : String(code);
    throw new CommandError('failed', `No keys were made, because ${file} cannot be written: ${why}.`, { cause: error });
  }
  terminal.out(`The keys of a new Z-Wave network are in ${file}. Back it up before the first lock is included.`);
  return exitCodes.ok;
}
