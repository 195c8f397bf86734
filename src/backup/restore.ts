import { hash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { GatewayError, type Secret } from '../contract/index.ts';
import { keepOwner } from '../store/keep-owner.ts';
import { syncFolder } from '../store/sync-folder.ts';
import { openBackup } from './backup-file.ts';
import type { BackupEntry, BackupManifest } from './contents.ts';

/** Where everything goes on this box. */
export interface RestorePlan {
  readonly manifest: BackupManifest;
  readonly configFile: string;
  readonly stateDir: string;
  /** Of the database. */
  readonly databaseFile: string;
  readonly targets: ReadonlyMap<BackupEntry, string>;
}

/**
 * Reads a whole backup, changing nothing.
 * @param to where it differs from where it was
 * @throws SealedFileError
 */
export function planRestore(
  file: string,
  passphrase: Secret,
  to: { readonly configFile?: string | undefined; readonly stateDir?: string | undefined },
): RestorePlan {
  const manifest = openBackup(file, passphrase);
  const configFile = resolve(to.configFile ?? manifest.config_file);
  const stateDir = resolve(to.stateDir ?? resolve(dirname(configFile), manifest.state_dir));
  const targetOf = ({ place, path }: BackupEntry): string => {
    switch (place) {
      case 'configuration':
        return configFile;
      case 'beside':
        return join(dirname(configFile), path);
      case 'state':
        return join(stateDir, path);
      case 'elsewhere':
        return path;
    }
  };
  const targets = new Map(manifest.files.map((entry) => [entry, targetOf(entry)]));
  const database = manifest.files.find(({ is_database }) => is_database);
  const databaseFile = (database && targets.get(database)) ?? join(stateDir, 'strikeplate.db');
  return { manifest, configFile, stateDir, databaseFile, targets };
}

/** What lies where the backup goes, and is not the same as what it brings. */
export function inTheWay({ stateDir, databaseFile, configFile, targets }: RestorePlan): string[] {
  const ignored = new Set([`${databaseFile}.lock`, configFile]);
  const inState = existsSync(stateDir) ? readdirSync(stateDir).map((name) => join(stateDir, name)) : [];
  const others = [...targets].filter(([{ place }]) => place !== 'state').map(([entry, file]) => ({ entry, file }));
  return [
    // Where the configuration lies in the state folder, it and its files are judged by what they hold.
    ...inState.filter((file) => !ignored.has(file) && !others.some((other) => other.file === file)),
    ...others.filter(({ entry, file }) => existsSync(file) && !isSame(file, entry)).map(({ file }) => file),
  ];
}

const isSame = (file: string, { bytes, sha256 }: BackupEntry): boolean => {
  const stat = statSync(file);
  return stat.isFile() && stat.size === bytes && hash('sha256', readFileSync(file), 'hex') === sha256;
};

/**
 * Puts everything in its place: written beside it first, and moved there when all of it is on disk. What was there is
 * put into a folder of its own.
 *
 * @returns that folder, when anything was there
 * @throws SealedFileError, GatewayError; nothing has its place then
 */
export function restore(file: string, passphrase: Secret, plan: RestorePlan, stamp: string): string | undefined {
  const staged = new Map<string, string>();
  const made: string[] = [];
  try {
    stage(file, passphrase, plan, staged, made);
  } catch (error) {
    for (const draft of staged.values()) rmSync(draft, { force: true });
    for (const folder of made.reverse()) rmSync(folder, { recursive: true, force: true });
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new GatewayError('misconfigured', `Nothing was restored: ${error.message}. Mend that, and restore again.`, {
      cause: error,
    });
  }
  const aside = putAside(plan, stamp);
  for (const [target, draft] of staged) renameSync(draft, target);
  for (const folder of new Set([...staged.keys()].map((target) => dirname(target)))) syncFolder(folder);
  return aside;
}

function stage(file: string, passphrase: Secret, plan: RestorePlan, staged: Map<string, string>, made: string[]): void {
  makeFolder(plan.stateDir, made);
  let current: { readonly entry: BackupEntry; readonly descriptor: number; readonly draft: string } | undefined;
  const finish = () => {
    if (current === undefined) return;
    fsyncSync(current.descriptor);
    closeSync(current.descriptor);
    giveOwner(current.draft, current.entry, plan);
    current = undefined;
  };
  openBackup(file, passphrase, (entry, part) => {
    if (current === undefined || !isEqual(current.entry, entry)) {
      finish();
      const target = targetIn(plan, entry);
      makeFolder(dirname(target), made);
      const draft = `${target}.restore`;
      rmSync(draft, { force: true });
      current = { entry, draft, descriptor: openSync(draft, 'wx', 0o600) };
      staged.set(target, draft);
    }
    // Whole: one write may take a part of it, on a disk that is nearly full.
    writeFileSync(current.descriptor, part);
  });
  finish();
}

const isEqual = (a: BackupEntry, b: BackupEntry) => a.place === b.place && a.path === b.path;

function targetIn({ targets }: RestorePlan, wanted: BackupEntry): string {
  for (const [entry, target] of targets) if (isEqual(entry, wanted)) return target;
  throw new Error(`the backup changed while it was read: ${wanted.path}`);
}

/** A new one belongs to whoever has the one above it. */
function makeFolder(folder: string, made: string[]): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder), made);
  mkdirSync(folder, { mode: 0o700 });
  keepOwner(folder);
  made.push(folder);
}

/** The gateway's own files are its user's. What it only reads stays root's, but for what nobody else may read. */
function giveOwner(draft: string, { is_gateways, mode }: BackupEntry, { stateDir }: RestorePlan): void {
  chmodSync(draft, is_gateways ? 0o600 : mode);
  if (process.getuid?.() !== 0) return;
  const state = statSync(stateDir);
  if (is_gateways || (mode & 0o040) === 0) chownSync(draft, state.uid, state.gid);
  else chownSync(draft, 0, statSync(dirname(draft)).gid);
}

/** A log of another database beside a restored one would be written into it. */
function putAside(plan: RestorePlan, stamp: string): string | undefined {
  const { databaseFile, targets, stateDir, manifest } = plan;
  const besideDatabase = ['-wal', '-shm', '.reserve'].map((end) => `${databaseFile}${end}`);
  const keys = manifest.files.filter(({ what }) => what === "the store's key").map((entry) => targetIn(plan, entry));
  const pairings = join(stateDir, 'pairings');
  const strangers = existsSync(pairings) ? readdirSync(pairings).map((name) => join(pairings, name)) : [];
  const old = [...targets.values(), ...besideDatabase, ...keys.map((key) => `${key}.unused`), ...strangers];
  const there = [...new Set(old)].filter((file) => existsSync(file) && !file.endsWith('.restore'));
  if (there.length === 0) return undefined;
  const aside = join(stateDir, `before-restore-${stamp}`);
  mkdirSync(aside, { mode: 0o700 });
  keepOwner(aside);
  there.forEach((file, index) => {
    const place = join(aside, `${index + 1}-${basename(file)}`);
    move(file, place);
  });
  return aside;
}

/** Also from one file system to another. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    writeFileSync(to, readFileSync(from), { flag: 'wx', mode: 0o600, flush: true });
    // The copy is all that is left: it is on disk, name and all, before the original goes.
    syncFolder(dirname(to));
    rmSync(from);
  }
}
