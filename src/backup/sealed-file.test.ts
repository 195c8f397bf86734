import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { Secret } from '../contract/index.ts';
import { SealedFileError, seal, unseal } from './sealed-file.ts';

const cost = { logN: 2, r: 1, p: 1 };
const passphrase = new Secret('correct horse battery');
const pieceBytes = 256 << 10;
/** Magic, version and cost, salt, nonces' beginning. */
const headerBytes = 19 + 4 + 16 + 7;

function sealedFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-sealed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'a.backup');
  const write = (parts: Iterable<Uint8Array>) => {
    const file = openSync(path, 'w', 0o600);
    try {
      return seal(file, parts, { passphrase, randomBytes, cost });
    } finally {
      closeSync(file);
    }
  };
  const read = (secret = passphrase) => Buffer.concat([...unseal(path, secret)]);
  const refusal = (bytes: Uint8Array, secret = passphrase): string => {
    writeFileSync(path, bytes);
    const shown: Buffer[] = [];
    try {
      for (const piece of unseal(path, secret)) shown.push(piece);
    } catch (error) {
      if (!(error instanceof SealedFileError)) throw error;
      return shown.length === 0 ? error.reason : `${error.reason} after ${shown.length}`;
    }
    return 'none';
  };
  return { path, write, read, refusal };
}

/** As somebody would who can change the file and not open it. */
function withDigest(bytes: Buffer): Buffer {
  const body = bytes.subarray(0, -32);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

describe('a sealed file', () => {
  it.each([0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, 3 * pieceBytes])(
    'gives %s bytes back as they were',
    (length) => {
      const { write, read, path } = sealedFolder();
      const content = randomBytes(length);
      const parts = [content.subarray(0, length >> 1), content.subarray(length >> 1)];
      const { bytes } = write(parts);
      expect(read().equals(content)).toBe(true);
      expect(readFileSync(path).length).toBe(bytes);
      if (length > 64) expect(readFileSync(path).includes(content.subarray(0, 32))).toBe(false);
    },
  );

  it('takes a passphrase however its letters were put together', () => {
    const { path, read } = sealedFolder();
    const file = openSync(path, 'w');
    seal(file, [Buffer.from('x')], { passphrase: new Secret('Türöffner 1234'.normalize('NFD')), randomBytes, cost });
    closeSync(file);
    expect(read(new Secret('Türöffner 1234'.normalize('NFC'))).toString()).toBe('x');
  });

  it('refuses each flipped bit before it shows anything, wherever it is', () => {
    const { path, write, refusal } = sealedFolder();
    write([randomBytes(2_000)]);
    const whole = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(7), (at, bit) => {
        const flipped = Buffer.from(whole);
        flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
        expect(refusal(flipped)).toMatch(/^(damaged|not_one)$/);
      }),
      { numRuns: 400 },
    );
    // Every bit of the header, which decides how the rest is read.
    for (let bit = 0; bit < headerBytes * 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(refusal(flipped), `bit ${bit}`).toMatch(/^(damaged|not_one)$/);
    }
  });

  it('refuses each flipped bit also when the digest was made to fit', () => {
    const { path, write, refusal } = sealedFolder();
    write([randomBytes(2_000)]);
    const whole = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(whole.length - 33), fc.nat(7), (at, bit) => {
        const flipped = Buffer.from(whole);
        flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
        expect(refusal(withDigest(flipped))).toMatch(/^(damaged|not_one|newer|wrong_passphrase)$/);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses what was cut off or added to, at every length', () => {
    const { path, write, refusal } = sealedFolder();
    write([randomBytes(300)]);
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length++)
      expect(refusal(whole.subarray(0, length)), `${length} bytes`).toMatch(/^(damaged|not_one)$/);
    expect(refusal(Buffer.concat([whole, Buffer.of(0)]))).toBe('damaged');
  });

  it('refuses pieces that were left out, cut off or put elsewhere, with a digest that fits', () => {
    const { path, write, refusal } = sealedFolder();
    write([randomBytes(3 * pieceBytes)]);
    const whole = readFileSync(path);
    const header = whole.subarray(0, headerBytes);
    const [a, b, c] = [0, 1, 2].map((number) => {
      const at = headerBytes + number * (pieceBytes + 16);
      return whole.subarray(at, at + pieceBytes + 16);
    }) as [Buffer, Buffer, Buffer];
    const made = (...pieces: Buffer[]) => refusal(withDigest(Buffer.concat([header, ...pieces, Buffer.alloc(32)])));
    expect(made(a, b, c)).toBe('none');
    expect(made(a, b)).toBe('damaged after 1');
    expect(made(b, a, c)).toBe('wrong_passphrase');
    expect(made(a, c)).toBe('damaged after 1');
    expect(made(a, b, c, c)).toMatch(/^damaged after/);
    expect(made()).toBe('damaged');
  });

  it('says that a passphrase is wrong, and not that the file is damaged', () => {
    const { path, write, refusal } = sealedFolder();
    write([randomBytes(100)]);
    expect(refusal(readFileSync(path), new Secret('correct horse batterz'))).toBe('wrong_passphrase');
  });

  it('says that another file is none', () => {
    const { refusal } = sealedFolder();
    for (const text of ['', 'SQLite format 3', 'STRIKEPLATE BACKUX\n'.padEnd(500, 'x')])
      expect(refusal(Buffer.from(text))).toBe('not_one');
  });

  it('asks for no more memory than a release ever did, whatever a header says', () => {
    const { path, write, refusal } = sealedFolder();
    write([randomBytes(100)]);
    const whole = readFileSync(path);
    for (const place of [20, 21, 22])
      for (const value of [0, 64, 255]) {
        const changed = Buffer.from(whole);
        changed.writeUInt8(value, place);
        expect(refusal(withDigest(changed))).toMatch(/^damaged$/);
      }
  });

  it('knows a newer form', () => {
    const { path, write, refusal } = sealedFolder();
    write([randomBytes(100)]);
    const changed = Buffer.from(readFileSync(path));
    changed.writeUInt8(2, 19);
    expect(refusal(withDigest(changed))).toBe('newer');
  });
});
