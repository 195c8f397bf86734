import nacl from 'tweetnacl';
import { commands } from './catalogue.ts';
import { uint16, uint32 } from './codec-fields.ts';

/** Bytes that are no message of the lock: damaged, cut, or meant for somebody else. */
export class NukiFrameError extends Error {
  override readonly name = 'NukiFrameError';
}

export interface NukiMessage {
  /** One of {@link commands}. */
  readonly command: number;
  readonly payload: Buffer;
}

export const NONCE_BYTES = 24;
const HEADER_BYTES = NONCE_BYTES + 4 + 2;
const TAG_BYTES = nacl.secretbox.overheadLength;
/** The longest message known is a Config of about 80 bytes; a keypad code with its PIN has 110. A guess above both. */
const LONGEST_BOX = 512;

/** CRC-16/CCITT-FALSE: polynomial 0x1021, initial value 0xFFFF, not reflected (Bluetooth API, "CRC calculation"). */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? (crc << 1) & 0xffff : ((crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc;
}

const withCrc = (bytes: Buffer): Buffer => Buffer.concat([bytes, uint16(crc16(bytes))]);

/** Command, payload and CRC: how the pairing characteristic talks, and how errors arrive. */
export const encodePlain = ({ command, payload }: NukiMessage): Buffer =>
  withCrc(Buffer.concat([uint16(command), payload]));

/** @throws NukiFrameError */
export function decodePlain(frame: Buffer): NukiMessage {
  if (frame.length < 4) throw new NukiFrameError('a plain message shorter than its frame');
  const body = frame.subarray(0, -2);
  if (crc16(body) !== frame.readUInt16LE(frame.length - 2))
    throw new NukiFrameError('a plain message with a wrong CRC');
  return { command: body.readUInt16LE(0), payload: body.subarray(2) };
}

/** What a pairing left behind: whom the lock knows us as, and the key both hold. */
export interface Authorization {
  readonly authorizationId: number;
  /** 32 bytes. */
  readonly sharedKey: Uint8Array;
}

/**
 * An encrypted message: nonce, authorization id and length in the clear, then XSalsa20-Poly1305 of authorization id,
 * command, payload and CRC.
 * @param nonce 24 unpredictable bytes, never used before
 */
export function encrypt(authorization: Authorization, nonce: Uint8Array, { command, payload }: NukiMessage): Buffer {
  const id = uint32(authorization.authorizationId);
  const text = withCrc(Buffer.concat([id, uint16(command), payload]));
  const box = nacl.secretbox(text, nonce, authorization.sharedKey);
  return Buffer.concat([nonce, id, uint16(box.length), box]);
}

export interface DecryptedMessage extends NukiMessage {
  /** Some locks leave the inner CRC zero; the tag has proved the message all the same. */
  readonly crcLeftOut: boolean;
}

/** @throws NukiFrameError */
export function decrypt(authorization: Authorization, frame: Buffer): DecryptedMessage {
  const boxLength = frame.length < HEADER_BYTES ? undefined : frame.readUInt16LE(HEADER_BYTES - 2);
  if (boxLength !== frame.length - HEADER_BYTES) throw new NukiFrameError('an encrypted message of a wrong length');
  const id = frame.readUInt32LE(NONCE_BYTES);
  const opened = nacl.secretbox.open(
    frame.subarray(HEADER_BYTES),
    frame.subarray(0, NONCE_BYTES),
    authorization.sharedKey,
  );
  if (opened === null) throw new NukiFrameError('a message that our key does not open');
  const text = Buffer.from(opened);
  if (text.length < 8) throw new NukiFrameError('an encrypted message shorter than its frame');
  if (text.readUInt32LE(0) !== id || id !== authorization.authorizationId)
    throw new NukiFrameError('a message for another authorization');
  const body = text.subarray(0, -2);
  const crc = text.readUInt16LE(text.length - 2);
  if (crc !== crc16(body) && crc !== 0) throw new NukiFrameError('an encrypted message with a wrong CRC');
  return { command: body.readUInt16LE(4), payload: body.subarray(6), crcLeftOut: crc === 0 && crc16(body) !== 0 };
}

/** Puts encrypted frames together again: indications may be cut at 20 bytes or arrive whole. */
export class EncryptedReassembler {
  #pending: Buffer = Buffer.alloc(0);

  /** The frame that `chunk` completed. @throws NukiFrameError when no frame can be that long */
  push(chunk: Buffer): Buffer | undefined {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    if (this.#pending.length < HEADER_BYTES) return undefined;
    const boxLength = this.#pending.readUInt16LE(HEADER_BYTES - 2);
    if (boxLength < TAG_BYTES || boxLength > LONGEST_BOX) {
      this.#pending = Buffer.alloc(0);
      throw new NukiFrameError(`an encrypted message that says it has ${boxLength} bytes`);
    }
    if (this.#pending.length < HEADER_BYTES + boxLength) return undefined;
    const frame = this.#pending.subarray(0, HEADER_BYTES + boxLength);
    this.#pending = this.#pending.subarray(HEADER_BYTES + boxLength);
    return frame;
  }
}

/** Plain messages carry no length: it follows from the command. Bytes, with command and CRC. */
const plainLengths: ReadonlyMap<number, number> = new Map([
  [commands.publicKey, 36],
  [commands.challenge, 36],
  [commands.authorizationId, 88],
  [commands.status, 5],
  [commands.errorReport, 7],
  [commands.authorizationInfo, 5],
]);

/** Puts plain frames together again. */
export class PlainReassembler {
  #pending: Buffer = Buffer.alloc(0);

  /** The frame that `chunk` completed. @throws NukiFrameError on a command that no lock sends in the clear */
  push(chunk: Buffer): Buffer | undefined {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    if (this.#pending.length < 2) return undefined;
    const command = this.#pending.readUInt16LE(0);
    const length = plainLengths.get(command);
    if (length === undefined) {
      this.#pending = Buffer.alloc(0);
      throw new NukiFrameError(`a plain message of the unknown kind 0x${command.toString(16).padStart(4, '0')}`);
    }
    if (this.#pending.length < length) return undefined;
    const frame = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return frame;
  }
}
