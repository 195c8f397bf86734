/** MODBUS over Serial Line V1.02, section 6.2.2: polynomial 0xA001 (reflected), seed 0xFFFF. */
const POLYNOMIAL = 0xa001;
const SEED = 0xffff;

const table = Uint16Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** The checksum of a Modbus RTU frame's bytes. It travels low byte first. */
export function crc16(bytes: Uint8Array): number {
  let value = SEED;
  for (const byte of bytes) value = (value >>> 8) ^ (table[(value ^ byte) & 0xff] ?? 0);
  return value;
}

/** The frame with its checksum appended. */
export function withCrc(body: readonly number[]): Buffer {
  const frame = Buffer.alloc(body.length + 2);
  frame.set(body);
  frame.writeUInt16LE(crc16(frame.subarray(0, body.length)), body.length);
  return frame;
}

/** True when the last two bytes are the checksum of those before. */
export function crcMatches(frame: Buffer): boolean {
  return frame.length > 2 && crc16(frame.subarray(0, -2)) === frame.readUInt16LE(frame.length - 2);
}
