import { commands, KEYPAD_NAME_BYTES } from './catalogue.ts';
import type { NukiMessage } from './codec.ts';
import { type LockTime, lockTime, NO_TIME, text, uint8, uint16, uint32 } from './codec-fields.ts';

/** The lock's security PIN: 16 bits on generations 1 to 4 (0 when none is set), 6 digits in 32 bits on the Ultra class. */
export interface SecurityPin {
  readonly value: number;
  readonly bytes: 2 | 4;
}

const pinField = ({ value, bytes }: SecurityPin) => (bytes === 2 ? uint16(value) : uint32(value));

/** When a keypad code works. */
export interface KeypadLimits {
  readonly from: LockTime;
  readonly until: LockTime;
  /** Bit 6 Monday to bit 0 Sunday; 0: every day. */
  readonly weekdays: number;
  /** Both zero: all day. */
  readonly dailyFrom: { readonly hour: number; readonly minute: number };
  readonly dailyUntil: { readonly hour: number; readonly minute: number };
}

export interface KeypadCodeFields {
  /** Six digits from 1 to 9, as a number. */
  readonly code: number;
  readonly name: string;
  readonly limits: KeypadLimits | undefined;
}

/** Bytes of an Advanced Config before the settings, and where the auto-lock stands in it. */
const TOTAL_DEGREES_BYTES = 2;
export const AUTO_LOCK_TIMEOUT_AT = 17;
export const AUTO_LOCK_ENABLED_AT = 28;

/** Every challenge serves one command. */
type Challenge = Uint8Array;

export const requestData = (command: number): NukiMessage => ({
  command: commands.requestData,
  payload: uint16(command),
});

export const requestConfig = (challenge: Challenge): NukiMessage => ({
  command: commands.requestConfig,
  payload: Buffer.from(challenge),
});

export const requestAdvancedConfig = (challenge: Challenge): NukiMessage => ({
  command: commands.requestAdvancedConfig,
  payload: Buffer.from(challenge),
});

/** The settings as they were told, without the angle that begins them, and with another auto-lock. */
export function setAdvancedConfig(
  told: Buffer,
  autoLock: { readonly enabled: boolean; readonly timeoutS: number },
  challenge: Challenge,
  pin: SecurityPin,
): NukiMessage {
  const settings = Buffer.from(told);
  settings.writeUInt16LE(autoLock.timeoutS, AUTO_LOCK_TIMEOUT_AT);
  settings.writeUInt8(autoLock.enabled ? 1 : 0, AUTO_LOCK_ENABLED_AT);
  return {
    command: commands.setAdvancedConfig,
    payload: Buffer.concat([settings.subarray(TOTAL_DEGREES_BYTES), challenge, pinField(pin)]),
  };
}

export interface LockActionFields {
  /** One of `lockActions`. */
  readonly action: number;
  readonly appId: number;
  /** Bit 0 auto-unlock, bit 1 force. */
  readonly flags?: number;
  /** Put behind our name in the lock's log. */
  readonly nameSuffix?: string;
}

export const lockAction = (fields: LockActionFields, challenge: Challenge): NukiMessage => ({
  command: commands.lockAction,
  payload: Buffer.concat([
    uint8(fields.action),
    uint32(fields.appId),
    uint8(fields.flags ?? 0),
    fields.nameSuffix === undefined ? Buffer.alloc(0) : text(fields.nameSuffix, KEYPAD_NAME_BYTES),
    challenge,
  ]),
});

export const verifySecurityPin = (challenge: Challenge, pin: SecurityPin): NukiMessage => ({
  command: commands.verifySecurityPin,
  payload: Buffer.concat([challenge, pinField(pin)]),
});

export const updateTime = (time: LockTime, challenge: Challenge, pin: SecurityPin): NukiMessage => ({
  command: commands.updateTime,
  payload: Buffer.concat([lockTime(time), challenge, pinField(pin)]),
});

export const requestLogEntries = (
  request: {
    /** 0: from the newest or oldest, as `newestFirst` says. */
    readonly startIndex: number;
    readonly count: number;
    readonly newestFirst: boolean;
  },
  challenge: Challenge,
  pin: SecurityPin,
): NukiMessage => ({
  command: commands.requestLogEntries,
  payload: Buffer.concat([
    uint32(request.startIndex),
    uint16(request.count),
    uint8(request.newestFirst ? 1 : 0),
    uint8(0),
    challenge,
    pinField(pin),
  ]),
});

function limitFields(limits: KeypadLimits | undefined): Buffer {
  const { from, until, weekdays, dailyFrom, dailyUntil } = limits ?? {
    from: NO_TIME,
    until: NO_TIME,
    weekdays: 0,
    dailyFrom: { hour: 0, minute: 0 },
    dailyUntil: { hour: 0, minute: 0 },
  };
  return Buffer.concat([
    uint8(limits === undefined ? 0 : 1),
    lockTime(from),
    lockTime(until),
    Buffer.from([weekdays, dailyFrom.hour, dailyFrom.minute, dailyUntil.hour, dailyUntil.minute]),
  ]);
}

export const addKeypadCode = (fields: KeypadCodeFields, challenge: Challenge, pin: SecurityPin): NukiMessage => ({
  command: commands.addKeypadCode,
  payload: Buffer.concat([
    uint32(fields.code),
    text(fields.name, KEYPAD_NAME_BYTES),
    limitFields(fields.limits),
    challenge,
    pinField(pin),
  ]),
});

export const updateKeypadCode = (
  codeId: number,
  fields: KeypadCodeFields & { readonly enabled: boolean },
  challenge: Challenge,
  pin: SecurityPin,
): NukiMessage => ({
  command: commands.updateKeypadCode,
  payload: Buffer.concat([
    uint16(codeId),
    uint32(fields.code),
    text(fields.name, KEYPAD_NAME_BYTES),
    uint8(fields.enabled ? 1 : 0),
    limitFields(fields.limits),
    challenge,
    pinField(pin),
  ]),
});

export const removeKeypadCode = (codeId: number, challenge: Challenge, pin: SecurityPin): NukiMessage => ({
  command: commands.removeKeypadCode,
  payload: Buffer.concat([uint16(codeId), challenge, pinField(pin)]),
});

export const requestKeypadCodes = (
  offset: number,
  count: number,
  challenge: Challenge,
  pin: SecurityPin,
): NukiMessage => ({
  command: commands.requestKeypadCodes,
  payload: Buffer.concat([uint16(offset), uint16(count), challenge, pinField(pin)]),
});
