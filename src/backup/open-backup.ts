import { createHash } from 'node:crypto';
import type { Secret } from '../contract/index.ts';
import { type BackupEntry, type BackupManifest, manifest } from './contents.ts';
import { SealedFileError, unseal } from './sealed-file.ts';

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
