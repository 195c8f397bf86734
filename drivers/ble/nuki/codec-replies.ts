import { logTypes } from './catalogue.ts';
import { NukiFrameError } from './codec.ts';
import { AUTO_LOCK_ENABLED_AT, AUTO_LOCK_TIMEOUT_AT, type KeypadLimits } from './codec-commands.ts';
import { type LockTime, readLockTime, readText } from './codec-fields.ts';

function atLeast(payload: Buffer, length: number, what: string): void {
  if (payload.length < length)
    throw new NukiFrameError(`${what} of ${payload.length} bytes where at least ${length} were expected`);
}

export function readPublicKey(payload: Buffer): Buffer {
  atLeast(payload, 32, 'a public key');
  return Buffer.from(payload.subarray(0, 32));
}

export function readChallenge(payload: Buffer): Buffer {
  atLeast(payload, 32, 'a challenge');
  return Buffer.from(payload.subarray(0, 32));
}

/** One of `statusCodes`. */
export function readStatus(payload: Buffer): number {
  atLeast(payload, 1, 'a status');
  return payload.readUInt8(0);
}

export interface ErrorReport {
  /** One of `errorCodes`. */
  readonly code: number;
  /** The command that failed; 0 when the lock could not tell. */
  readonly command: number;
}

export function readErrorReport(payload: Buffer): ErrorReport {
  atLeast(payload, 3, 'an error report');
  return { code: payload.readUInt8(0), command: payload.readUInt16LE(1) };
}

export interface KeyturnerStates {
  /** 00 uninitialized, 01 pairing, 02 door mode, 03 continuous (opener), 04 maintenance. */
  readonly nukiState: number;
  /** One of `lockStates`. */
  readonly lockState: number;
  /** One of `triggers`. */
  readonly trigger: number;
  readonly time: LockTime;
  readonly battery: {
    readonly critical: boolean;
    readonly charging: boolean;
    /** 0 to 100; undefined on locks that leave it zero. */
    readonly percent: number | undefined;
  };
  /** What follows is missing in states of older firmware. */
  readonly lastAction: number | undefined;
  readonly lastTrigger: number | undefined;
  /** One of `completions`. */
  readonly lastCompletion: number | undefined;
  /** One of `doorSensorStates`. */
  readonly doorSensor: number | undefined;
  readonly keypadBatteryCritical: boolean | undefined;
  /** The state has the byte that tells of a keypad. */
  readonly tellsOfKeypad: boolean;
}

/** Firmware decides how long it is, from 15 bytes on: what is there is read. */
export function readKeyturnerStates(payload: Buffer): KeyturnerStates {
  atLeast(payload, 13, 'a state');
  const battery = payload.readUInt8(12);
  const percent = (battery & 0xfc) >> 1;
  const byte = (offset: number) => (offset < payload.length ? payload.readUInt8(offset) : undefined);
  const accessory = byte(20);
  return {
    nukiState: payload.readUInt8(0),
    lockState: payload.readUInt8(1),
    trigger: payload.readUInt8(2),
    time: readLockTime(payload, 3),
    battery: {
      critical: (battery & 1) !== 0,
      charging: (battery & 2) !== 0,
      percent: percent === 0 || percent > 100 ? undefined : percent,
    },
    lastAction: byte(15),
    lastTrigger: byte(16),
    lastCompletion: byte(17),
    doorSensor: byte(18),
    keypadBatteryCritical: accessory === undefined || (accessory & 1) === 0 ? undefined : (accessory & 2) !== 0,
    tellsOfKeypad: accessory !== undefined,
  };
}

export interface LockConfig {
  readonly nukiId: number;
  readonly name: string;
  readonly hasKeypad: boolean;
  /** As printed: 2.9.10. */
  readonly firmware: string;
  /** 0 Smart Lock 1 and 2, 2 Opener, 3 Smart Door, 4 Smart Lock 3 and 4, 5 Ultra; undefined in older firmware. */
  readonly deviceType: number | undefined;
}

export function readConfig(payload: Buffer): LockConfig {
  atLeast(payload, 69, 'a configuration');
  const byte = (offset: number) => (offset < payload.length ? payload.readUInt8(offset) : undefined);
  return {
    nukiId: payload.readUInt32LE(0),
    name: readText(payload.subarray(4, 36)),
    hasKeypad: byte(65) === 1 || byte(76) === 1,
    firmware: [...payload.subarray(66, 69)].join('.'),
    deviceType: byte(74),
  };
}

export interface AutoLockSetting {
  /** Undefined in firmware that has no switch for it. */
  readonly enabled: boolean | undefined;
  readonly timeoutS: number;
}

/** Firmware decides how long it is, from 28 bytes on. */
export function readAutoLock(payload: Buffer): AutoLockSetting {
  atLeast(payload, 28, 'an advanced configuration');
  return {
    timeoutS: payload.readUInt16LE(AUTO_LOCK_TIMEOUT_AT),
    enabled: payload.length > AUTO_LOCK_ENABLED_AT ? payload.readUInt8(AUTO_LOCK_ENABLED_AT) === 1 : undefined,
  };
}

export interface AddedKeypadCode {
  readonly codeId: number;
  readonly created: LockTime;
}

export function readKeypadCodeId(payload: Buffer): AddedKeypadCode {
  atLeast(payload, 9, 'a keypad code id');
  return { codeId: payload.readUInt16LE(0), created: readLockTime(payload, 2) };
}

export function readKeypadCodeCount(payload: Buffer): number {
  atLeast(payload, 2, 'a count of keypad codes');
  return payload.readUInt16LE(0);
}

export interface KeypadCode {
  readonly codeId: number;
  readonly code: number;
  readonly name: string;
  readonly enabled: boolean;
  readonly created: LockTime;
  readonly lastActive: LockTime;
  readonly lockCount: number;
  readonly limits: KeypadLimits | undefined;
}

export function readKeypadCode(payload: Buffer): KeypadCode {
  atLeast(payload, 44, 'a keypad code');
  const limited = payload.readUInt8(43) === 1;
  if (limited) atLeast(payload, 63, 'a limited keypad code');
  return {
    codeId: payload.readUInt16LE(0),
    code: payload.readUInt32LE(2),
    name: readText(payload.subarray(6, 26)),
    enabled: payload.readUInt8(26) === 1,
    created: readLockTime(payload, 27),
    lastActive: readLockTime(payload, 34),
    lockCount: payload.readUInt16LE(41),
    limits: limited
      ? {
          from: readLockTime(payload, 44),
          until: readLockTime(payload, 51),
          weekdays: payload.readUInt8(58),
          dailyFrom: { hour: payload.readUInt8(59), minute: payload.readUInt8(60) },
          dailyUntil: { hour: payload.readUInt8(61), minute: payload.readUInt8(62) },
        }
      : undefined,
  };
}

export type LogDetail =
  | {
      readonly kind: 'lock_action';
      readonly action: number;
      readonly trigger: number;
      readonly flags: number;
      readonly completion: number;
    }
  | {
      readonly kind: 'keypad';
      readonly action: number;
      /** 0 the arrow, 1 a code, 2 a fingerprint. */
      readonly source: number;
      readonly completion: number;
      readonly codeId: number;
    }
  /** 0 open, 1 closed, 2 jammed. */
  | { readonly kind: 'door_sensor'; readonly state: number }
  | { readonly kind: 'other'; readonly type: number };

export interface LogEntry {
  readonly index: number;
  readonly time: LockTime;
  readonly authorizationId: number;
  readonly name: string;
  readonly detail: LogDetail;
}

export function readLogEntry(payload: Buffer): LogEntry {
  atLeast(payload, 48, 'a log entry');
  const type = payload.readUInt8(47);
  return {
    index: payload.readUInt32LE(0),
    time: readLockTime(payload, 4),
    authorizationId: payload.readUInt32LE(11),
    name: readText(payload.subarray(15, 47)),
    detail: readLogDetail(type, payload.subarray(48)),
  };
}

function readLogDetail(type: number, data: Buffer): LogDetail {
  if (type === logTypes.lockAction && data.length >= 4)
    return {
      kind: 'lock_action',
      action: data.readUInt8(0),
      trigger: data.readUInt8(1),
      flags: data.readUInt8(2),
      completion: data.readUInt8(3),
    };
  if (type === logTypes.keypad && data.length >= 5)
    return {
      kind: 'keypad',
      action: data.readUInt8(0),
      source: data.readUInt8(1),
      completion: data.readUInt8(2),
      codeId: data.readUInt16LE(3),
    };
  if (type === logTypes.doorSensor && data.length >= 1) return { kind: 'door_sensor', state: data.readUInt8(0) };
  return { kind: 'other', type };
}
