import nacl from 'tweetnacl';

/**
 * How the simulated lock writes and reads: its own code throughout, so that it can disagree with the driver's. Fields
 * as in the Nuki Bluetooth API, chapters "Data structures" and "Commands".
 */

/** CRC-16/CCITT-FALSE by table. */
const crcTable: readonly number[] = Array.from({ length: 256 }, (_, index) => {
  let value = index << 8;
  for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ ((value & 0x8000) === 0 ? 0 : 0x1021);
  return value & 0xffff;
});

export function checksum(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) crc = ((crc << 8) & 0xffff) ^ (crcTable[((crc >> 8) ^ byte) & 0xff] ?? 0);
  return crc;
}

/** Little-endian fields one after the other. */
export class ByteWriter {
  readonly #parts: number[] = [];

  u8(...values: number[]): this {
    for (const value of values) this.#parts.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value, value >> 8);
  }

  u32(value: number): this {
    return this.u16(value % 0x10000).u16(Math.floor(value / 0x10000));
  }

  bytes(bytes: Uint8Array): this {
    return this.u8(...bytes);
  }

  /** Zero padded. */
  text(value: string, length: number): this {
    const encoded = [...Buffer.from(value, 'utf8')].slice(0, length);
    return this.u8(...encoded, ...new Array<number>(length - encoded.length).fill(0));
  }

  /** Milliseconds since the Unix epoch, as the lock's UTC clock shows them; undefined as zeros. */
  time(epochMs: number | undefined): this {
    if (epochMs === undefined) return this.u8(0, 0, 0, 0, 0, 0, 0);
    const at = new Date(epochMs);
    return this.u16(at.getUTCFullYear()).u8(
      at.getUTCMonth() + 1,
      at.getUTCDate(),
      at.getUTCHours(),
      at.getUTCMinutes(),
      at.getUTCSeconds(),
    );
  }

  build(): Buffer {
    return Buffer.from(this.#parts);
  }
}

/** The fields were not there: what a lock answers with "bad length". */
export class TooShort extends Error {
  override readonly name = 'TooShort';
}

export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  bytes(length: number): Buffer {
    if (this.left < length) throw new TooShort(`${length} bytes wanted, ${this.left} there`);
    this.#at += length;
    return Buffer.from(this.#bytes.subarray(this.#at - length, this.#at));
  }

  u8(): number {
    return this.bytes(1)[0] ?? 0;
  }

  u16(): number {
    return this.u8() + this.u8() * 0x100;
  }

  u32(): number {
    return this.u16() + this.u16() * 0x10000;
  }

  text(length: number): string {
    return this.bytes(length).toString('utf8').replace(/\0+$/, '');
  }

  /** Milliseconds since the Unix epoch, the fields taken as UTC; undefined for zeros. */
  time(): number | undefined {
    const [year, month, day, hour, minute, second] = [
      this.u16(),
      this.u8(),
      this.u8(),
      this.u8(),
      this.u8(),
      this.u8(),
    ];
    return year === 0 ? undefined : Date.UTC(year, month - 1, day, hour, minute, second);
  }
}

export const plainMessage = (command: number, payload: Buffer): Buffer => {
  const body = new ByteWriter().u16(command).bytes(payload).build();
  return new ByteWriter().bytes(body).u16(checksum(body)).build();
};

/** Undefined when the CRC is wrong. */
export function readPlainMessage(bytes: Buffer): { readonly command: number; readonly payload: Buffer } | undefined {
  if (bytes.length < 4 || checksum(bytes.subarray(0, -2)) !== bytes.readUInt16LE(bytes.length - 2)) return undefined;
  return { command: bytes.readUInt16LE(0), payload: bytes.subarray(2, -2) };
}

export function seal(key: Uint8Array, authorizationId: number, nonce: Uint8Array, command: number, payload: Buffer) {
  const body = new ByteWriter().u32(authorizationId).u16(command).bytes(payload).build();
  const text = new ByteWriter().bytes(body).u16(checksum(body)).build();
  const box = nacl.secretbox(text, nonce, key);
  return new ByteWriter().bytes(nonce).u32(authorizationId).u16(box.length).bytes(box).build();
}

export type Unsealed =
  | { readonly problem: 'length' | 'key' | 'crc' }
  | { readonly command: number; readonly payload: Buffer };

export function unseal(key: Uint8Array, frame: Buffer): Unsealed {
  const reader = new ByteReader(frame);
  const nonce = reader.bytes(24);
  const outerId = reader.u32();
  const length = reader.u16();
  if (reader.left !== length) return { problem: 'length' };
  const text = nacl.secretbox.open(reader.bytes(length), nonce, key);
  if (text === null) return { problem: 'key' };
  const body = Buffer.from(text);
  if (body.length < 8) return { problem: 'length' };
  if (checksum(body.subarray(0, -2)) !== body.readUInt16LE(body.length - 2)) return { problem: 'crc' };
  const inner = new ByteReader(body.subarray(0, -2));
  if (inner.u32() !== outerId) return { problem: 'key' };
  return { command: inner.u16(), payload: inner.bytes(inner.left) };
}
