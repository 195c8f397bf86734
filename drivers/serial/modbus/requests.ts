import type { SerialRequest } from '../../../src/contract/index.ts';
import { withCrc } from './crc.ts';
import { type ModbusReply, scanForReply } from './scan.ts';

/** A Modbus RTU request with its reply: MODBUS Application Protocol V1.1b3, section 6. */
export type ModbusRequest<T> = SerialRequest<ModbusReply<T>>;

/**
 * What the reply to a write repeats: the request, or the same place with something else, which leaves open what was
 * written.
 */
export type Written = 'as_asked' | 'otherwise';

export const READ_COILS = 1;
export const READ_DISCRETE_INPUTS = 2;
export const READ_HOLDING_REGISTERS = 3;
export const READ_INPUT_REGISTERS = 4;
const WRITE_SINGLE_COIL = 5;
const WRITE_SINGLE_REGISTER = 6;
const WRITE_MULTIPLE_REGISTERS = 16;

/** Unit, function, address, count, checksum around the data of a read's reply. */
const READ_REPLY_OVERHEAD = 5;
const WRITE_REPLY_LENGTH = 8;

const high = (word: number) => (word >> 8) & 0xff;
const low = (word: number) => word & 0xff;

interface RegisterTarget {
  readonly unit: number;
  readonly address: number;
  readonly replyTimeoutMs: number;
}

/** Reads coils (function 1) or discrete inputs (function 2), in the order of their addresses. */
export function readBits(
  target: RegisterTarget & {
    readonly functionCode: typeof READ_COILS | typeof READ_DISCRETE_INPUTS;
    readonly count: number;
  },
): ModbusRequest<readonly boolean[]> {
  const byteCount = Math.ceil(target.count / 8);
  return read(target, byteCount, (data) =>
    Array.from({ length: target.count }, (_, bit) => ((data.readUInt8(bit >> 3) >> (bit & 7)) & 1) === 1),
  );
}

/** Reads holding registers (function 3) or input registers (function 4) as unsigned words. */
export function readRegisters(
  target: RegisterTarget & {
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
export const writeCoil = (target: RegisterTarget & { readonly word: number }): ModbusRequest<Written> =>
  writeOne(target, WRITE_SINGLE_COIL);

/** Writes one register (function 6). The reply repeats the request. */
export const writeRegister = (target: RegisterTarget & { readonly word: number }): ModbusRequest<Written> =>
  writeOne(target, WRITE_SINGLE_REGISTER);

function writeOne(target: RegisterTarget & { readonly word: number }, functionCode: number): ModbusRequest<Written> {
  const { unit, address, word } = target;
  return write(target, [unit, functionCode, high(address), low(address), high(word), low(word)], []);
}

/** Writes registers (function 16). The reply repeats address and count. */
export function writeRegisters(target: RegisterTarget & { readonly words: readonly number[] }): ModbusRequest<Written> {
  const { unit, address, words } = target;
  const header = [unit, WRITE_MULTIPLE_REGISTERS, high(address), low(address), high(words.length), low(words.length)];
  return write(target, header, [words.length * 2, ...words.flatMap((word) => [high(word), low(word)])]);
}

/** @param header what the reply repeats: unit, function, address, and a value or a count */
function write(target: RegisterTarget, header: readonly number[], data: readonly number[]): ModbusRequest<Written> {
  const asAsked = withCrc(header);
  const place = asAsked.subarray(0, 4);
  return request(target, withCrc([...header, ...data]), WRITE_REPLY_LENGTH, (frame) => {
    // That of another place answers another write.
    if (!frame.subarray(0, 4).equals(place)) return undefined;
    return frame.equals(asAsked) ? 'as_asked' : 'otherwise';
  });
}

function read<T>(
  target: RegisterTarget & { readonly functionCode: number; readonly count: number },
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
  target: RegisterTarget,
  bytes: Buffer,
  length: number,
  readReply: (frame: Buffer) => T | undefined,
): ModbusRequest<T> {
  return {
    bytes,
    // An exception names its function and nothing else.
    replyKind: `function ${bytes.readUInt8(1)}`,
    replyTimeoutMs: target.replyTimeoutMs,
    scan: (received) => scanForReply(received, { request: bytes, length, read: readReply }),
  };
}
