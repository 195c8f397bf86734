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
 * function, shape and checksum are those the request must have; the rest is named for the message.
 *
 * RTU replies do not say which request they answer, so a reply behind somebody else's question to the same unit is
 * not taken either: it answers that question.
 */
export function scanForReply<T>(received: Buffer, expected: ExpectedReply<T>): SerialScan<ModbusReply<T>> {
  const { request } = expected;
  const unit = request.readUInt8(0);
  const functionCode = request.readUInt8(1);
  const seen = new Set<string>();

  for (let start = 0; start + SHORTEST_FRAME <= received.length; start++) {
    const rest = received.subarray(start);
    if (rest.readUInt8(0) !== unit) continue;
    const code = rest.readUInt8(1);
    if (code === (functionCode | 0x80)) {
      const frame = rest.subarray(0, EXCEPTION_LENGTH);
      if (crcMatches(frame)) return { found: true, value: { ok: false, exception: frame.readUInt8(2) } };
      seen.add('a reply with a wrong checksum');
      continue;
    }
    if (code !== functionCode) continue;
    if (rest.length >= expected.length) {
      const frame = rest.subarray(0, expected.length);
      if (crcMatches(frame)) {
        const value = expected.read(frame);
        if (value !== undefined) return { found: true, value: { ok: true, value } };
        seen.add('a malformed reply with a valid checksum');
        continue;
      }
    }
    if (isForeignRequest(rest, request)) return { found: false, saw: 'another master asking the same unit' };
    seen.add(malformedButValid(rest) ? 'a malformed reply with a valid checksum' : 'a reply with a wrong checksum');
  }

  if (received.length === 0) return { found: false, saw: undefined };
  return { found: false, saw: [...seen][0] ?? foreignFrame(received, unit) ?? `${received.length} bytes of noise` };
}

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

function foreignFrame(received: Buffer, unit: number): string | undefined {
  if (!crcMatches(received)) return undefined;
  const from = received.readUInt8(0);
  return from === unit ? 'a reply to another function' : `a reply of unit ${from}`;
}
