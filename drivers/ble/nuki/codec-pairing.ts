import { createHmac, timingSafeEqual } from 'node:crypto';
import nacl from 'tweetnacl';
import { AUTHORIZATION_NAME_BYTES, commands } from './catalogue.ts';
import { NukiFrameError, type NukiMessage } from './codec.ts';
import { uint16, uint32 } from './codec-fields.ts';

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
