import { createCipheriv, createDecipheriv, createHash, scryptSync, timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import type { Secret } from '../contract/index.ts';

/*
 * A file that only its passphrase opens, and in which no bit can change unnoticed:
 *
 *   header  magic, version, cost of the key (log2 N, r, p), salt, first bytes of the nonces
 *   pieces  256 KiB of plaintext each, the last one shorter; AES-256-GCM, with the header as additional data
 *   digest  SHA-256 of everything before it: damage is told from a wrong passphrase
 *
 * A piece's nonce holds its number and whether it is the last one (the construction called STREAM, Hoang, Reyhanitabar,
 * Rogaway and Vizár 2015): pieces cannot be left out, put elsewhere, or cut off at the end.
 */

const magic = Buffer.from('STRIKEPLATE BACKUP\n');
const version = 1;
const saltBytes = 16;
const prefixBytes = 7;
const tagBytes = 16;
const pieceBytes = 256 << 10;
const digestBytes = 32;
const headerBytes = magic.length + 4 + saltBytes + prefixBytes;

/** 32 MiB and three passes: what OWASP's cheat sheet on storing passwords asks of scrypt where memory is short. */
const usualCost = { logN: 15, r: 8, p: 3 };
/** A header is read before anything vouches for it: it must not make this machine run out of memory. */
const highestCost = { logN: 18, r: 16, p: 16 };

/** Why a file cannot be opened. Nothing of its content is in the message. */
export class SealedFileError extends Error {
  override readonly name = 'SealedFileError';
  readonly reason: 'not_one' | 'newer' | 'damaged' | 'wrong_passphrase';

  constructor(reason: SealedFileError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface SealOptions {
  readonly passphrase: Secret;
  readonly randomBytes: (size: number) => Uint8Array;
  /** For tests: a cheaper key. */
  readonly cost?: typeof usualCost;
}

/**
 * Writes what `plaintext` brings into an open file.
 * @returns how long the file is, in bytes, and its digest in hexadecimal
 */
export function seal(
  file: number,
  plaintext: Iterable<Uint8Array>,
  { passphrase, randomBytes, cost = usualCost }: SealOptions,
): { readonly bytes: number; readonly sha256: string } {
  const header = Buffer.concat([
    magic,
    Buffer.of(version, cost.logN, cost.r, cost.p),
    randomBytes(saltBytes),
    randomBytes(prefixBytes),
  ]);
  const key = keyOf(header, passphrase);
  const digest = createHash('sha256');
  let bytes = 0;
  const write = (part: Uint8Array) => {
    for (let done = 0; done < part.length; ) done += writeSync(file, part, done);
    digest.update(part);
    bytes += part.length;
  };
  write(header);
  let number = 0;
  for (const { piece, isLast } of inPieces(plaintext)) {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(header, number++, isLast), { authTagLength: tagBytes });
    cipher.setAAD(header);
    write(cipher.update(piece));
    cipher.final();
    write(cipher.getAuthTag());
  }
  const sha256 = digest.digest();
  writeFileSync(file, sha256);
  return { bytes: bytes + digestBytes, sha256: sha256.toString('hex') };
}

/** Even nothing is one piece: the last. */
function* inPieces(plaintext: Iterable<Uint8Array>): Generator<{ piece: Buffer; isLast: boolean }> {
  let waiting: Buffer = Buffer.alloc(0);
  for (const part of plaintext) {
    waiting = waiting.length === 0 ? Buffer.from(part) : Buffer.concat([waiting, part]);
    while (waiting.length > pieceBytes) {
      yield { piece: waiting.subarray(0, pieceBytes), isLast: false };
      waiting = waiting.subarray(pieceBytes);
    }
  }
  yield { piece: waiting, isLast: true };
}

/**
 * The plaintext of a file, piece by piece. The whole file is looked at before the first one.
 * @throws SealedFileError
 */
export function* unseal(path: string, passphrase: Secret): Generator<Buffer> {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const header = headerOf(file, size, path);
    if (!isWhole(file, size))
      throw new SealedFileError(
        'damaged',
        `${path} is damaged or cut off: its digest does not fit. Take another copy.`,
      );
    const key = keyOf(header, passphrase);
    const end = size - digestBytes;
    let number = 0;
    for (let at = headerBytes; at < end || number === 0; number++) {
      const sealed = readAt(file, at, Math.min(pieceBytes + tagBytes, end - at));
      at += sealed.length;
      const piece = open(key, header, number, at >= end, sealed);
      if (piece === undefined) throw cannotOpen(path, number);
      yield piece;
    }
  } finally {
    closeSync(file);
  }
}

const cannotOpen = (path: string, number: number): SealedFileError =>
  number === 0
    ? new SealedFileError('wrong_passphrase', `${path} does not open with this passphrase.`)
    : new SealedFileError('damaged', `${path} was changed after it was written. Take another copy.`);

function open(key: Buffer, header: Buffer, number: number, isLast: boolean, sealed: Buffer): Buffer | undefined {
  if (sealed.length < tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(header, number, isLast), { authTagLength: tagBytes });
  decipher.setAAD(header);
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function headerOf(file: number, size: number, path: string): Buffer {
  const header = readAt(file, 0, Math.min(headerBytes, size));
  const begins = header.subarray(0, magic.length);
  if (!begins.equals(magic.subarray(0, begins.length)) || begins.length < magic.length)
    throw new SealedFileError('not_one', `${path} is no backup of this program, or its beginning was damaged.`);
  if (size < headerBytes + tagBytes + digestBytes)
    throw new SealedFileError('damaged', `${path} is cut off: it is ${size} bytes long. Take another copy.`);
  if ((header[magic.length] ?? 0) > version && isWhole(file, size))
    throw new SealedFileError('newer', `${path} was written by a newer release. Install that one, then restore.`);
  return header;
}

function isWhole(file: number, size: number): boolean {
  const digest = createHash('sha256');
  const end = size - digestBytes;
  for (let at = 0; at < end; ) {
    const part = readAt(file, at, Math.min(pieceBytes, end - at));
    if (part.length === 0) return false;
    digest.update(part);
    at += part.length;
  }
  const told = readAt(file, end, digestBytes);
  return told.length === digestBytes && timingSafeEqual(digest.digest(), told);
}

function readAt(file: number, at: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const read = readSync(file, buffer, done, length - done, at + done);
    if (read === 0) break;
    done += read;
  }
  return buffer.subarray(0, done);
}

/** @throws SealedFileError when the header asks for more than any release wrote */
function keyOf(header: Buffer, passphrase: Secret): Buffer {
  const [logN = 0, r = 0, p = 0] = header.subarray(magic.length + 1);
  const { logN: mostN, r: mostR, p: mostP } = highestCost;
  const makesNoSense = () =>
    new SealedFileError('damaged', 'The header of the backup makes no sense. Take another copy.');
  if (logN < 1 || logN > mostN || r < 1 || r > mostR || p < 1 || p > mostP) throw makesNoSense();
  const N = 2 ** logN;
  const salt = header.subarray(magic.length + 4, magic.length + 4 + saltBytes);
  try {
    // Typed on one keyboard and on another, an umlaut is not always the same bytes.
    return scryptSync(passphrase.reveal().normalize('NFC'), salt, 32, { N, r, p, maxmem: 256 * (N + p + 8) * r });
  } catch {
    // Without a cause: nothing of the passphrase gets into a message.
    throw makesNoSense();
  }
}

function nonceOf(header: Buffer, number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  header.copy(nonce, 0, headerBytes - prefixBytes);
  nonce.writeUInt32BE(number, prefixBytes);
  nonce.writeUInt8(isLast ? 1 : 0, 11);
  return nonce;
}
