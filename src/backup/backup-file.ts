import { createHash, hash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { LoadedConfig } from '../config/loaded-config.ts';
import { GatewayError, type Secret } from '../contract/index.ts';
import { copyDatabase } from '../store/database-copy.ts';
import { keepOwner } from '../store/keep-owner.ts';
import { syncFolder } from '../store/sync-folder.ts';
import { type BackupEntry, type BackupManifest, isPath, manifest, readWhole, sourcesOf } from './contents.ts';
import { SealedFileError, type SealOptions, seal, unseal } from './sealed-file.ts';

export interface BackupOptions extends Pick<SealOptions, 'randomBytes' | 'cost'> {
  readonly passphrase: Secret;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly version: string;
}

export interface MadeBackup {
  readonly file: string;
  readonly bytes: number;
  /** Hexadecimal, of everything but itself. */
  readonly sha256: string;
  readonly manifest: BackupManifest;
}

const partBytes = 1 << 20;

/**
 * Writes everything of a gateway into one encrypted file, beside a gateway that may be running, and reads it again before
 * it gets its name.
 *
 * @throws GatewayError when something cannot be read or written; there is no file then
 */
export function makeBackup(config: LoadedConfig, file: string, options: BackupOptions): MadeBackup {
  const draft = `${file}.part`;
  const database = copyDatabase(config.store.path);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    rmSync(draft, { force: true });
    const { manifest, plaintext } = gather(config, database.path, options);
    const output = openSync(draft, 'wx', 0o600);
    let written: ReturnType<typeof seal>;
    try {
      written = seal(output, plaintext, options);
      fsyncSync(output);
    } finally {
      closeSync(output);
    }
    // What cannot be opened today is no backup.
    openBackup(draft, options.passphrase);
    keepOwner(draft);
    renameSync(draft, file);
    syncFolder(dirname(file));
    return { file, ...written, manifest };
  } catch (error) {
    rmSync(draft, { force: true });
    if (error instanceof GatewayError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new GatewayError(
      'internal_error',
      `The backup ${file} was not made: ${why}. Check that its folder has room and may be written, and make it again.`,
      { cause: error },
    );
  } finally {
    database.dispose();
  }
}

function gather(config: LoadedConfig, databaseCopy: string, { now, version }: BackupOptions) {
  const parts = sourcesOf(config).map(({ place, path, file, what, isGateways, isDatabase }) => {
    const content = isDatabase ? undefined : readWhole(file);
    const mode = statSync(file).mode & 0o777;
    const about = { place, path, what, mode, is_gateways: isGateways, is_database: isDatabase };
    const measured = content === undefined ? measure(databaseCopy) : { bytes: content.length, sha256: digest(content) };
    return { content, entry: { ...about, ...measured } };
  });
  const manifest: BackupManifest = {
    format: 1,
    made_at: new Date(now).toISOString(),
    version,
    gateway: { id: config.gateway.id, name: config.gateway.name },
    config_file: resolve(config.file),
    state_dir: config.stateDirInFile,
    driver_packages: config.driverModules.filter((module) => !isPath(module)),
    files: parts.map(({ entry }) => entry),
  };
  function* plaintext(): Generator<Uint8Array> {
    const text = Buffer.from(JSON.stringify(manifest));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    yield length;
    yield text;
    for (const { content } of parts) {
      if (content === undefined) yield* partsOf(databaseCopy);
      else yield content;
    }
  }
  return { manifest, plaintext: plaintext() };
}

const digest = (content: Uint8Array) => hash('sha256', content, 'hex');

function measure(file: string): { bytes: number; sha256: string } {
  const sum = createHash('sha256');
  for (const part of partsOf(file)) sum.update(part);
  return { bytes: statSync(file).size, sha256: sum.digest('hex') };
}

function* partsOf(file: string): Generator<Buffer> {
  const descriptor = openSync(file, 'r');
  try {
    for (;;) {
      const part = Buffer.alloc(partBytes);
      const read = readSync(descriptor, part);
      if (read === 0) return;
      yield part.subarray(0, read);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** More than a manifest with ten thousand files takes. */
const maxManifestBytes = 8 << 20;

/**
 * Reads a backup from end to end and compares each file with its digest.
 * @param take is given each part of each file; nothing it does can be taken back when a later part is damaged
 * @throws SealedFileError
 */
export function openBackup(
  path: string,
  passphrase: Secret,
  take: (entry: BackupEntry, part: Uint8Array) => void = () => undefined,
): BackupManifest {
  const pieces = unseal(path, passphrase);
  try {
    return readAll(path, new Incoming(pieces), take);
  } finally {
    pieces.return(undefined);
  }
}

function readAll(path: string, bytes: Incoming, take: (entry: BackupEntry, part: Uint8Array) => void): BackupManifest {
  const damaged = () => new SealedFileError('damaged', `${path} does not hold what it says. Take another copy.`);
  const length = bytes.take(4)?.readUInt32BE() ?? Number.POSITIVE_INFINITY;
  const text = length > maxManifestBytes ? undefined : bytes.take(length);
  if (text === undefined) throw damaged();
  const about = manifestIn(text, path);
  for (const entry of about.files) {
    const sum = createHash('sha256');
    for (let left = entry.bytes; left > 0; ) {
      const part = bytes.some(left);
      if (part === undefined) throw damaged();
      sum.update(part);
      take(entry, part);
      left -= part.length;
    }
    // An empty file, too, is told of.
    if (entry.bytes === 0) take(entry, Buffer.alloc(0));
    if (sum.digest('hex') !== entry.sha256) throw damaged();
  }
  if (bytes.some(1) !== undefined) throw damaged();
  return about;
}

function manifestIn(text: Buffer, path: string): BackupManifest {
  let value: unknown;
  try {
    value = JSON.parse(text.toString('utf8'));
  } catch {
    value = undefined;
  }
  const read = manifest.safeParse(value);
  if (read.success) return read.data;
  throw new SealedFileError('newer', `${path} was written by another release. Install that one, then restore.`);
}

/** Pieces of any length, taken in the lengths that are wanted. */
class Incoming {
  readonly #pieces: Iterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(pieces: Iterable<Buffer>) {
    this.#pieces = pieces[Symbol.iterator]();
  }

  /** At least one byte and at most so many; undefined at the end. */
  some(most: number): Buffer | undefined {
    while (this.#rest.length === 0) {
      const next = this.#pieces.next();
      if (next.done === true) return undefined;
      this.#rest = next.value;
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  /** Exactly so many. */
  take(length: number): Buffer | undefined {
    const parts: Buffer[] = [];
    for (let left = length; left > 0; ) {
      const part = this.some(left);
      if (part === undefined) return undefined;
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }
}
