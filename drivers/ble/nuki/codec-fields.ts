/** A moment as locks write it: wall-clock fields without a zone. */
export interface LockTime {
  readonly year: number;
  /** 1 to 12 */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export const uint8 = (value: number): Buffer => Buffer.from([value]);

export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** 7 bytes. */
export const lockTime = (time: LockTime): Buffer =>
  Buffer.concat([uint16(time.year), Buffer.from([time.month, time.day, time.hour, time.minute, time.second])]);

/** 7 bytes of zeros: no time. */
export const NO_TIME: LockTime = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };

export const readLockTime = (bytes: Buffer, offset: number): LockTime => ({
  year: bytes.readUInt16LE(offset),
  month: bytes.readUInt8(offset + 2),
  day: bytes.readUInt8(offset + 3),
  hour: bytes.readUInt8(offset + 4),
  minute: bytes.readUInt8(offset + 5),
  second: bytes.readUInt8(offset + 6),
});

/** UTF-8, zero padded, cut where a character ends. */
export function text(value: string, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let used = 0;
  for (const character of value) {
    const encoded = Buffer.from(character, 'utf8');
    if (used + encoded.length > length) break;
    encoded.copy(bytes, used);
    used += encoded.length;
  }
  return bytes;
}

export function readText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end === -1 ? bytes.length : end).toString('utf8');
}
