import type { SerialRequest } from '../../../src/contract/index.ts';
import { withCrc } from './crc.ts';
import { type ModbusReply, scanForReply } from './scan.ts';

/** A Modbus RTU request with its reply: MODBUS Application Protocol V1.1b3, section 6. */
export type ModbusRequest<T> = SerialRequest<ModbusReply<T>>;

export const READ_COILS = 1;
export const READ_DISCRETE_INPUTS = 2;
export const READ_HOLDING_REGISTERS = 3;
export const READ_INPUT_REGISTERS = 4;
const WRITE_SINGLE_COIL = 5;
const WRITE_MULTIPLE_REGISTERS = 16;

/** Unit, function, address, count, checksum around the data of a read's reply. */
const READ_REPLY_OVERHEAD = 5;
const WRITE_REPLY_LENGTH = 8;

const high = (word: number) => (word >> 8) & 0xff;
const low = (word: number) => word & 0xff;

interface Target {
  readonly unit: number;
  readonly address: number;
  readonly replyTimeoutMs: number;
}

/** Reads coils (function 1) or discrete inputs (function 2), in the order of their addresses. */
export function readBits(
  target: Target & { readonly functionCode: typeof READ_COILS | typeof READ_DISCRETE_INPUTS; readonly count: number },
): ModbusRequest<readonly boolean[]> {
  const byteCount = Math.ceil(target.count / 8);
  return read(target, byteCount, (data) =>
    Array.from({ length: target.count }, (_, bit) => ((data.readUInt8(bit >> 3) >> (bit & 7)) & 1) === 1),
  );
}

/** Reads holding registers (function 3) or input registers (function 4) as unsigned words. */
export function readRegisters(
  target: Target & {
    readonly functionCode: typeof READ_HOLDING_REGISTERS | typeof READ_INPUT_REGISTERS;
    readonly count: number;
  },
): ModbusRequest<readonly number[]> {
  return read(target, target.count * 2, (data) =>
    Array.from({ length: target.count }, (_, index) => data.readUInt16BE(index * 2)),
  );
}

/**
 * Writes one coil (function 5) with any word: boards carry the time of a pulse in it, where the standard knows only
 * 0xFF00 and 0x0000. The reply repeats the request.
 */
export function writeCoil(target: Target & { readonly word: number }): ModbusRequest<'written'> {
  const { unit, address, word } = target;
  const bytes = withCrc([unit, WRITE_SINGLE_COIL, high(address), low(address), high(word), low(word)]);
  return request(target, bytes, WRITE_REPLY_LENGTH, (frame) => (frame.equals(bytes) ? 'written' : undefined));
}

/** Writes registers (function 16). The reply repeats address and count. */
export function writeRegisters(target: Target & { readonly words: readonly number[] }): ModbusRequest<'written'> {
  const { unit, address, words } = target;
  const header = [unit, WRITE_MULTIPLE_REGISTERS, high(address), low(address), high(words.length), low(words.length)];
  const bytes = withCrc([...header, words.length * 2, ...words.flatMap((word) => [high(word), low(word)])]);
  const reply = withCrc(header);
  return request(target, bytes, WRITE_REPLY_LENGTH, (frame) => (frame.equals(reply) ? 'written' : undefined));
}

function read<T>(
  target: Target & { readonly functionCode: number; readonly count: number },
  byteCount: number,
  parse: (data: Buffer) => T,
): ModbusRequest<T> {
  const { unit, functionCode, address, count } = target;
  const bytes = withCrc([unit, functionCode, high(address), low(address), high(count), low(count)]);
  return request(target, bytes, READ_REPLY_OVERHEAD + byteCount, (frame) =>
    frame.readUInt8(2) === byteCount ? parse(frame.subarray(3, 3 + byteCount)) : undefined,
  );
}

function request<T>(
  target: Target,
  bytes: Buffer,
  length: number,
  readReply: (frame: Buffer) => T | undefined,
): ModbusRequest<T> {
  return {
    bytes,
    replyTimeoutMs: target.replyTimeoutMs,
    scan: (received) => scanForReply(received, { request: bytes, length, read: readReply }),
  };
}
