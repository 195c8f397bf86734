import { createHmac, timingSafeEqual } from 'node:crypto';
import nacl from 'tweetnacl';
import { AUTHORIZATION_NAME_BYTES, commands, KEYPAD_NAME_BYTES } from './catalogue.ts';
import { NukiFrameError, type NukiMessage } from './codec.ts';
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

/** Key agreement and authenticators of pairing: Bluetooth API, "Authorize App" and "Encryption". */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** @param secret 32 unpredictable bytes */
export const keyPairFrom = (secret: Uint8Array): KeyPair => nacl.box.keyPair.fromSecretKey(secret);

/** X25519, then HSalsa20 of the result with 16 zero bytes: what NaCl calls `beforenm`. */
export const sharedKey = (lockPublicKey: Uint8Array, ownSecretKey: Uint8Array): Uint8Array =>
  nacl.box.before(lockPublicKey, ownSecretKey);

const authenticator = (key: Uint8Array, ...parts: Uint8Array[]): Buffer =>
  createHmac('sha256', key).update(Buffer.concat(parts)).digest();

/** The name as the lock keeps it. The authenticator covers it, so it is ASCII: nobody can re-encode it differently. */
function nameField(name: string): Buffer {
  const bytes = Buffer.alloc(AUTHORIZATION_NAME_BYTES);
  bytes.write(name.replace(/[^\x20-\x7e]/g, '?').slice(0, AUTHORIZATION_NAME_BYTES), 'ascii');
  return bytes;
}

export const requestPublicKey = (): NukiMessage => ({
  command: commands.requestData,
  payload: uint16(commands.publicKey),
});

export const publicKey = (key: Uint8Array): NukiMessage => ({ command: commands.publicKey, payload: Buffer.from(key) });

export const authorizationAuthenticator = (
  key: Uint8Array,
  keys: { readonly own: Uint8Array; readonly lock: Uint8Array },
  challenge: Uint8Array,
): NukiMessage => ({
  command: commands.authorizationAuthenticator,
  payload: authenticator(key, keys.own, keys.lock, challenge),
});

export interface Applicant {
  /** One of `idTypes`. */
  readonly idType: number;
  /** Pairing again with the same number overwrites the earlier authorization. */
  readonly appId: number;
  /** What the lock's own log will call us. */
  readonly name: string;
}

/** Generations 1 to 4: 101 bytes. @param nonce 32 unpredictable bytes */
export function authorizationData(
  key: Uint8Array,
  applicant: Applicant,
  nonce: Uint8Array,
  challenge: Uint8Array,
): NukiMessage {
  const fields = Buffer.concat([
    Buffer.from([applicant.idType]),
    uint32(applicant.appId),
    nameField(applicant.name),
    nonce,
  ]);
  return {
    command: commands.authorizationData,
    payload: Buffer.concat([authenticator(key, fields, challenge), fields]),
  };
}

/** The Ultra class, sent encrypted: 40 bytes. */
export const ultraAuthorizationData = (applicant: Omit<Applicant, 'idType'>, pin: number): NukiMessage => ({
  command: commands.authorizationData,
  payload: Buffer.concat([uint32(applicant.appId), nameField(applicant.name), uint32(pin)]),
});

export interface GrantedAuthorization {
  readonly authorizationId: number;
  /** 16 bytes that identify the lock. */
  readonly lockUuid: Buffer;
}

/** @throws NukiFrameError when the lock did not prove that it holds the key */
export function readAuthorizationId(
  key: Uint8Array,
  payload: Buffer,
  ownNonce: Uint8Array,
): GrantedAuthorization & { readonly lockNonce: Buffer } {
  if (payload.length !== 84) throw new NukiFrameError('an authorization of a wrong length');
  const fields = payload.subarray(32);
  if (!timingSafeEqual(authenticator(key, fields, ownNonce), payload.subarray(0, 32)))
    throw new NukiFrameError('an authorization that the lock did not prove to be its own');
  return {
    authorizationId: fields.readUInt32LE(0),
    lockUuid: Buffer.from(fields.subarray(4, 20)),
    lockNonce: Buffer.from(fields.subarray(20)),
  };
}

/** The Ultra class: 20 bytes, proved by the encryption they came in. @throws NukiFrameError */
export function readUltraAuthorizationId(payload: Buffer): GrantedAuthorization {
  if (payload.length < 20) throw new NukiFrameError('an authorization of a wrong length');
  return { authorizationId: payload.readUInt32LE(0), lockUuid: Buffer.from(payload.subarray(4, 20)) };
}

export function authorizationIdConfirmation(
  key: Uint8Array,
  authorizationId: number,
  lockNonce: Uint8Array,
): NukiMessage {
  const id = uint32(authorizationId);
  return {
    command: commands.authorizationIdConfirmation,
    payload: Buffer.concat([authenticator(key, id, lockNonce), id]),
  };
}
