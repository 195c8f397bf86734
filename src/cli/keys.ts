import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readTarget, type Target } from '../config/load.ts';
import { type ApiKeyScope, apiKeyScopes, createApiKey, listApiKeys, revokeApiKey } from '../http/api-key-file.ts';
import { chooseConfig, ownKeyFile } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal, table } from './terminal.ts';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

/** The file that keys are kept in: it is changed directly, so that the first key can be made before the first start. */
function targetOf(terminal: Terminal, options: Options): Target {
  const choice = chooseConfig(terminal, options.config, { orSite: true });
  return readTarget(choice.file, {
    env: terminal.env,
    ...(choice.stateDir !== undefined && { stateDir: choice.stateDir }),
  });
}

export async function createKey(
  terminal: Terminal,
  options: Options & { readonly name: string; readonly scopes?: string; readonly save?: string | true },
): Promise<ExitCode> {
  const target = targetOf(terminal, options);
  const scopes = options.scopes === undefined ? undefined : scopesIn(options.scopes);
  const saveTo =
    options.save === true ? ownKeyFile(target.stateDir) : options.save && resolve(terminal.cwd, options.save);
  const { id, key } = await createApiKey(
    target.http.apiKeysFile,
    { name: options.name, ...(scopes !== undefined && { scopes }) },
    randomBytes,
    Date.now,
  );
  if (saveTo !== undefined) await saveKey(target, saveTo, id, key);
  if (options.json)
    terminal.out(json({ id, name: options.name, ...(saveTo === undefined ? { key } : { key_file: saveTo }) }));
  else if (saveTo === undefined) {
    terminal.out(key);
    terminal.err(`This is the only time the key is shown. It is called ${id}; a running gateway takes it at once.`);
  } else terminal.out(`${id} is kept in ${saveTo}.`);
  return exitCodes.ok;
}

/** A key that cannot be kept is taken back: nobody would ever know it. */
async function saveKey(target: Target, file: string, id: string, key: string): Promise<void> {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${key}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    await revokeApiKey(target.http.apiKeysFile, id, Date.now);
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'EEXIST' ? 'it exists already; delete it first if its key is not used' : String(code);
    throw new CommandError('failed', `The key was not made, because ${file} cannot be written: ${why}.`, {
      cause: error,
    });
  }
}

function scopesIn(list: string): ApiKeyScope[] {
  return list.split(',').map((word) => {
    const scope = apiKeyScopes.find((known) => known === word.trim());
    if (scope === undefined)
      throw new CommandError('usage', `"${word.trim()}" is not a scope; there are: ${apiKeyScopes.join(', ')}.`);
    return scope;
  });
}

export async function listKeys(terminal: Terminal, options: Options): Promise<ExitCode> {
  const file = targetOf(terminal, options).http.apiKeysFile;
  const keys = await listApiKeys(file);
  if (options.json) terminal.out(json(keys.map(({ hash: _, ...shown }) => shown)));
  else if (keys.length === 0)
    terminal.err(`There are no keys in ${file}. Make one: strikeplate keys create --name NAME`);
  else
    for (const line of table(keys.map((key) => [key.id, key.name, key.scopes.join(','), key.created_at])))
      terminal.out(line);
  return exitCodes.ok;
}

export async function revokeKey(terminal: Terminal, wanted: string, options: Options): Promise<ExitCode> {
  const file = targetOf(terminal, options).http.apiKeysFile;
  const keys = await listApiKeys(file);
  if (!keys.some((key) => key.id === wanted || key.name === wanted))
    throw new CommandError('notFound', `There is no key "${wanted}" in ${file}. See: strikeplate keys list`);
  const revoked = await revokeApiKey(file, wanted, Date.now);
  if (options.json) terminal.out(json({ id: revoked.id, name: revoked.name }));
  else terminal.out(`${revoked.id} (${revoked.name}) is revoked; a running gateway refuses it within a second.`);
  return exitCodes.ok;
}
