import type { SerialScan } from '../../../src/contract/index.ts';
import { crcMatches } from './crc.ts';

/** What a unit answered: data, or an exception code (MODBUS Application Protocol V1.1b3, section 7). */
export type ModbusReply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly exception: number };

/** The reply that one request can have. */
export interface ExpectedReply<T> {
  readonly request: Buffer;
  /** Of the whole frame, checksum included. */
  readonly length: number;
  /** The value in a frame of that length whose unit, function and checksum match, or undefined when it is malformed. */
  read(frame: Buffer): T | undefined;
}

const EXCEPTION_LENGTH = 5;
const SHORTEST_FRAME = 5;
/** Requests of the functions 1 to 6 all have this length. */
const SHORT_REQUEST_LENGTH = 8;

/**
 * Finds the reply anywhere in the bytes received, behind noise and other frames. Taken is only a frame whose unit,
 * function, shape and checksum are those the request must have; the rest is named for the message, whole frames of
 * other units first: their data may look like the beginning of a frame of this one.
 *
 * RTU replies do not say which request they answer, so a reply behind somebody else's question to the same unit is
 * not taken either: it answers that question.
 */
export function scanForReply<T>(received: Buffer, expected: ExpectedReply<T>): SerialScan<ModbusReply<T>> {
  const { request } = expected;
  const unit = request.readUInt8(0);
  const functionCode = request.readUInt8(1);
  let corrupt: string | undefined;

  for (let start = 0; start + SHORTEST_FRAME <= received.length; start++) {
    const rest = received.subarray(start);
    if (rest.readUInt8(0) !== unit) continue;
    const code = rest.readUInt8(1);
    if (code === (functionCode | 0x80)) {
      const frame = rest.subarray(0, EXCEPTION_LENGTH);
      if (crcMatches(frame)) return { found: true, value: { ok: false, exception: frame.readUInt8(2) } };
      corrupt ??= WRONG_CHECKSUM;
      continue;
    }
    if (code !== functionCode) continue;
    if (rest.length >= expected.length) {
      const frame = rest.subarray(0, expected.length);
      if (crcMatches(frame)) {
        const value = expected.read(frame);
        if (value !== undefined) return { found: true, value: { ok: true, value } };
        corrupt ??= MALFORMED;
        continue;
      }
    }
    if (isForeignRequest(rest, request)) return { found: false, saw: 'another master asking the same unit' };
    corrupt ??= malformedButValid(rest) ? MALFORMED : WRONG_CHECKSUM;
  }

  if (received.length === 0) return { found: false, saw: undefined };
  const foreign = foreignFrame(received, expected);
  if (foreign !== undefined) return { found: false, saw: foreign };
  if (corrupt !== undefined) return { found: false, saw: corrupt, corrupt: true };
  return { found: false, saw: `${received.length} bytes of noise` };
}

const WRONG_CHECKSUM = 'a reply with a wrong checksum';
const MALFORMED = 'a malformed reply with a valid checksum';

function isForeignRequest(bytes: Buffer, own: Buffer): boolean {
  if (own.readUInt8(1) > 4 || bytes.length < SHORT_REQUEST_LENGTH) return false;
  const frame = bytes.subarray(0, SHORT_REQUEST_LENGTH);
  return crcMatches(frame) && !frame.equals(own);
}

/** A frame whose checksum fits some length, though not the length the reply must have. */
function malformedButValid(bytes: Buffer): boolean {
  for (let end = SHORTEST_FRAME; end <= bytes.length; end++) if (crcMatches(bytes.subarray(0, end))) return true;
  return false;
}

/**
 * A whole frame that is none of this request's: of another unit with the function that was asked for, or whatever all
 * the bytes together make.
 */
function foreignFrame<T>(received: Buffer, { request, length }: ExpectedReply<T>): string | undefined {
  const unit = request.readUInt8(0);
  const functionCode = request.readUInt8(1);
  for (let start = 0; start + SHORTEST_FRAME <= received.length; start++) {
    const from = received.readUInt8(start);
    if (from === unit) continue;
    const code = received.readUInt8(start + 1);
    const end = start + (code === functionCode ? length : code === (functionCode | 0x80) ? EXCEPTION_LENGTH : 0);
    if (end > start && end <= received.length && crcMatches(received.subarray(start, end))) return replyOf(from);
  }
  if (!crcMatches(received)) return undefined;
  const from = received.readUInt8(0);
  if (from !== unit) return replyOf(from);
  const code = received.readUInt8(1);
  return (code & 0x7f) === functionCode ? undefined : 'a reply to another function';
}

const replyOf = (unit: number) => `a reply of unit ${unit}`;
