import { errorCodes } from './catalogue.ts';
import { type ByteReader, ByteWriter } from './simulator-bytes.ts';

export interface StoredCode {
  readonly codeId: number;
  code: number;
  name: string;
  enabled: boolean;
  readonly createdAt: number;
  lastActiveAt: number | undefined;
  lockCount: number;
  limits: StoredLimits | undefined;
}

export interface StoredLimits {
  /** Milliseconds since the Unix epoch. */
  readonly from: number | undefined;
  readonly until: number | undefined;
  /** Bit 6 Monday to bit 0 Sunday, 0 every day. */
  readonly weekdays: number;
  /** Minutes of the day; both 0: all day. */
  readonly dailyFrom: number;
  readonly dailyUntil: number;
}

/** The codes of a Nuki Keypad, which its lock keeps: six digits from 1 to 9, not beginning with 12, each once. */
export class SimulatedKeypad {
  readonly codes: StoredCode[] = [];
  /** Every change that was asked for over the air and made, in order; `code` is undefined for a delete. */
  readonly writes: { readonly slot: number; readonly code: string | undefined }[] = [];
  /** Finds fault with every code. */
  refuses = false;
  readonly #capacity: number;
  readonly #wallTime: () => number;
  #nextId = 1;

  constructor(capacity: number, wallTime: () => number) {
    this.#capacity = capacity;
    this.#wallTime = wallTime;
  }

  /** Codes it held before its batteries were taken out. */
  restore(codes: readonly StoredCode[]): void {
    this.codes.push(...codes);
    this.#nextId = Math.max(0, ...this.codes.map(({ codeId }) => codeId)) + 1;
  }

  /** The answer's payload, or an error code. */
  add(fields: ByteReader): Buffer | number {
    const code = fields.u32();
    const name = fields.text(20);
    const limits = readLimits(fields);
    const problem = this.#refusal(code, undefined);
    if (problem !== undefined) return problem;
    if (this.codes.length >= this.#capacity) return errorCodes.tooManyEntries;
    const createdAt = this.#wallTime();
    const codeId = this.#nextId++;
    this.codes.push({ codeId, code, name, enabled: true, createdAt, lastActiveAt: undefined, lockCount: 0, limits });
    this.writes.push({ slot: codeId, code: String(code) });
    return new ByteWriter().u16(codeId).time(createdAt).build();
  }

  update(fields: ByteReader): number | undefined {
    const stored = this.#find(fields.u16());
    const code = fields.u32();
    const name = fields.text(20);
    const enabled = fields.u8() === 1;
    const limits = readLimits(fields);
    if (stored === undefined) return errorCodes.badParameter;
    const problem = this.#refusal(code, stored);
    if (problem !== undefined) return problem;
    Object.assign(stored, { code, name, enabled, limits });
    this.writes.push({ slot: stored.codeId, code: String(code) });
    return undefined;
  }

  remove(codeId: number): number | undefined {
    const at = this.codes.findIndex((stored) => stored.codeId === codeId);
    // Which error a real lock gives for a missing id was never seen.
    if (at === -1) return errorCodes.badParameter;
    this.codes.splice(at, 1);
    this.writes.push({ slot: codeId, code: undefined });
    return undefined;
  }

  /** The payloads of the entries from `offset` on. */
  list(offset: number, count: number): Buffer[] {
    return this.codes.slice(offset, offset + count).map((stored) => {
      const writer = new ByteWriter()
        .u16(stored.codeId)
        .u32(stored.code)
        .text(stored.name, 20)
        .u8(stored.enabled ? 1 : 0)
        .time(stored.createdAt)
        .time(stored.lastActiveAt)
        .u16(stored.lockCount)
        .u8(stored.limits === undefined ? 0 : 1);
      const { limits } = stored;
      if (limits === undefined) return writer.build();
      const { from, until, weekdays, dailyFrom, dailyUntil } = limits;
      return writer
        .time(from)
        .time(until)
        .u8(weekdays, Math.floor(dailyFrom / 60), dailyFrom % 60, Math.floor(dailyUntil / 60), dailyUntil % 60)
        .build();
    });
  }

  /** The code somebody typed, if the lock lets it in now. */
  admits(code: number, at: number): StoredCode | undefined {
    const stored = this.codes.find((one) => one.code === code && one.enabled);
    if (stored === undefined) return undefined;
    const { limits } = stored;
    if (limits !== undefined && !isWithin(limits, at)) return undefined;
    stored.lastActiveAt = at;
    stored.lockCount += 1;
    return stored;
  }

  #find(codeId: number): StoredCode | undefined {
    return this.codes.find((stored) => stored.codeId === codeId);
  }

  #refusal(code: number, except: StoredCode | undefined): number | undefined {
    const digits = String(code);
    if (this.refuses || !/^[1-9]{6}$/.test(digits) || digits.startsWith('12')) return errorCodes.codeInvalid;
    if (this.codes.some((stored) => stored !== except && stored.code === code)) return errorCodes.codeAlreadyExists;
    return undefined;
  }
}

function readLimits(fields: ByteReader): StoredLimits | undefined {
  const limited = fields.u8() === 1;
  const from = fields.time();
  const until = fields.time();
  const weekdays = fields.u8();
  const dailyFrom = fields.u8() * 60 + fields.u8();
  const dailyUntil = fields.u8() * 60 + fields.u8();
  return limited ? { from, until, weekdays, dailyFrom, dailyUntil } : undefined;
}

function isWithin({ from, until, weekdays, dailyFrom, dailyUntil }: StoredLimits, at: number): boolean {
  if (from !== undefined && at < from) return false;
  if (until !== undefined && at >= until) return false;
  const then = new Date(at);
  // Sunday is 0 in JavaScript and bit 0 here; Monday is 1 and bit 6.
  const bit = (7 - then.getUTCDay()) % 7;
  if (weekdays !== 0 && (weekdays & (1 << bit)) === 0) return false;
  const minute = then.getUTCHours() * 60 + then.getUTCMinutes();
  return dailyFrom === dailyUntil || (minute >= dailyFrom && minute < dailyUntil);
}
