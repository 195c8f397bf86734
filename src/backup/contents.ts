import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import type { LoadedConfig } from '../config/loaded-config.ts';

/** Where a file lies, so that it finds its place on another box: `elsewhere` alone has an absolute path. */
export const places = ['configuration', 'beside', 'state', 'elsewhere'] as const;

const inside = (path: string) => path !== '' && !isAbsolute(path) && !path.split('/').includes('..');

const entry = z
  .strictObject({
    place: z.enum(places),
    path: z.string().min(1),
    /** What it is, for people. */
    what: z.string(),
    bytes: z.int().min(0),
    /** Permission bits. */
    mode: z.int().min(0).max(0o777),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** Whether the gateway writes it. */
    is_gateways: z.boolean(),
    is_database: z.boolean(),
  })
  .refine(({ place, path }) => (place === 'elsewhere' ? isAbsolute(path) : inside(path)));

/** What a backup says of itself, before the files follow one after the other. */
export const manifest = z.strictObject({
  format: z.literal(1),
  made_at: z.iso.datetime(),
  /** Of the program that made it. */
  version: z.string(),
  gateway: z.strictObject({ id: z.string(), name: z.string() }),
  /** Absolute. */
  config_file: z.string(),
  /** Relative to the configuration, or absolute. */
  state_dir: z.string(),
  /** Packages with drivers, which come from npm again. */
  driver_packages: z.array(z.string()),
  files: z.array(entry),
});

export type BackupManifest = z.output<typeof manifest>;
export type BackupEntry = z.output<typeof entry>;

/** One file of the gateway, where it is now. */
export interface BackupSource {
  readonly place: BackupEntry['place'];
  /** As in the backup. */
  readonly path: string;
  /** Where it is. */
  readonly file: string;
  readonly what: string;
  readonly isGateways: boolean;
  readonly isDatabase: boolean;
}

/** Everything that a gateway needs to go on elsewhere as if nothing had happened. What is not there is left out. */
export function sourcesOf(config: LoadedConfig): BackupSource[] {
  const { http, mqtt, zwave, store, stateDir, pairingsDir, backup } = config;
  const configFile = resolve(config.file);
  const found: BackupSource[] = [];
  const add = (file: string | undefined, what: string, isGateways: boolean) => {
    if (file === undefined || !isFile(file) || found.some((source) => source.file === file)) return;
    found.push({ ...placeOf(file, configFile, stateDir), file, what, isGateways, isDatabase: file === store.path });
  };
  add(configFile, 'configuration', false);
  add(http.tls?.certFile, 'certificate', false);
  add(http.tls?.keyFile, 'key of the certificate', false);
  for (const broker of mqtt) {
    if (broker.kind !== 'external') continue;
    add(broker.passwordFile, `password at the broker ${broker.name}`, false);
    add(broker.caFile, `certificate authority of the broker ${broker.name}`, false);
    add(broker.certFile, `certificate for the broker ${broker.name}`, false);
    add(broker.keyFile, `key of the certificate for the broker ${broker.name}`, false);
  }
  for (const module of config.driverModules)
    if (isPath(module)) add(resolve(dirname(configFile), module), 'driver from outside', false);
  add(backup?.passphraseFile, 'passphrase of the backups', false);

  add(store.path, 'database', true);
  add(store.keyFile, "the store's key", true);
  add(http.apiKeysFile, 'API keys', true);
  add(`${http.apiKeysFile}.used`, 'when API keys were used', true);
  add(http.demoKeyFile, "the demonstration's key", true);
  add(join(stateDir, 'cli.key'), 'key for commands on this box', true);
  for (const file of filesBelow(pairingsDir)) add(file, 'pairing', true);
  for (const stick of zwave) {
    add(stick.keysFile, `keys of the Z-Wave network at ${stick.name}`, true);
    for (const file of filesBelow(stick.cacheDir)) add(file, `what is known of the nodes at ${stick.name}`, true);
  }
  return found;
}

/** A driver's module rather than the name of a package. */
export const isPath = (module: string): boolean => module.startsWith('.') || isAbsolute(module);

function placeOf(file: string, configFile: string, stateDir: string): Pick<BackupSource, 'place' | 'path'> {
  if (file === configFile) return { place: 'configuration', path: 'gateway.yaml' };
  const below = (folder: string) => relative(folder, file);
  if (inside(below(stateDir))) return { place: 'state', path: below(stateDir) };
  if (inside(below(dirname(configFile)))) return { place: 'beside', path: below(dirname(configFile)) };
  return { place: 'elsewhere', path: file };
}

function filesBelow(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => lstatSync(file, { throwIfNoEntry: false })?.isFile() === true && !file.endsWith('.lock'))
    .sort();
}

const isFile = (file: string) => statSync(file, { throwIfNoEntry: false })?.isFile() === true;

/** A guess: a file that is written to all the time is taken as it is at the last try. */
const TRIES = 5;

/** A small file, as it was at one moment. */
export function readWhole(file: string): Buffer {
  const stampOf = () => {
    const { mtimeMs, size } = statSync(file);
    return `${mtimeMs} ${size}`;
  };
  for (let tries = 1; ; tries++) {
    const before = stampOf();
    const content = readFileSync(file);
    if (before === stampOf() || tries === TRIES) return content;
  }
}
