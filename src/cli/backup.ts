import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeJournal } from '../backup/journal.ts';
import { makeBackup } from '../backup/make-backup.ts';
import { loadConfig } from '../config/load.ts';
import type { LoadedConfig } from '../config/loaded-config.ts';
import type { Catalogues } from './catalogues.ts';
import { chooseConfig } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { passphraseFor } from './passphrase.ts';
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
