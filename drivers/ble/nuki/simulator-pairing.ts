import { createHmac } from 'node:crypto';
import nacl from 'tweetnacl';
import { commands, errorCodes, statusCodes } from './catalogue.ts';
import { ByteReader, ByteWriter, plainMessage, readPlainMessage, seal, unseal } from './simulator-bytes.ts';

/** Somebody the lock obeys. */
export interface Authorized {
  readonly authorizationId: number;
  readonly sharedKey: Uint8Array;
  readonly appId: number;
  readonly idType: number;
  readonly name: string;
}

export type PairingBehaviours = Map<number, (pairing: SimulatedPairing, fields: ByteReader) => void>;

/** One behaviour for each message in the clear, so that a test can put another in its place. */
export const pairingBehaviours = (): PairingBehaviours =>
  new Map([
    [commands.requestData, (pairing, fields) => pairing.givePublicKey(fields)],
    [commands.publicKey, (pairing, fields) => pairing.takePublicKey(fields)],
    [commands.authorizationAuthenticator, (pairing, fields) => pairing.prove(fields)],
    [commands.authorizationData, (pairing, fields) => pairing.applyClassic(fields)],
    [commands.authorizationIdConfirmation, (pairing, fields) => pairing.confirm(fields)],
  ]);

export interface PairingOptions {
  readonly behaviours: PairingBehaviours;
  readonly generation: 'classic' | 'ultra';
  readonly randomBytes: (length: number) => Uint8Array;
  /** The six-digit PIN of the Ultra class. */
  readonly pin: number;
  readonly isOpen: () => boolean;
  readonly authorize: (applicant: Omit<Authorized, 'authorizationId'>) => Authorized;
  readonly lockUuid: Buffer;
  /** Called when a pairing is complete. */
  readonly paired: () => void;
  readonly send: (frame: Buffer) => void;
}

const hmac = (key: Uint8Array, ...parts: Uint8Array[]) =>
  createHmac('sha256', key).update(Buffer.concat(parts)).digest();

/** The lock's side of pairing, on one connection. */
export class SimulatedPairing {
  readonly #options: PairingOptions;
  readonly #own: nacl.BoxKeyPair;
  #peerKey: Buffer | undefined;
  #sharedKey: Uint8Array | undefined;
  #challenge: Uint8Array = new Uint8Array();
  #proved = false;
  #granted: { readonly authorized: Authorized; readonly lockNonce: Uint8Array } | undefined;

  constructor(options: PairingOptions) {
    this.#options = options;
    this.#own = nacl.box.keyPair.fromSecretKey(options.randomBytes(32));
  }

  receive(bytes: Buffer): void {
    if (!this.#options.isOpen()) {
      this.#error(errorCodes.notPairing, bytes.length < 2 ? 0 : bytes.readUInt16LE(0));
      return;
    }
    const message = readPlainMessage(bytes);
    if (message !== undefined) this.#take(message.command, new ByteReader(message.payload));
    else if (this.#options.generation === 'ultra' && this.#proved) this.#takeSealed(bytes);
    else this.#error(errorCodes.badCrc, bytes.length < 2 ? 0 : bytes.readUInt16LE(0));
  }

  #take(command: number, fields: ByteReader): void {
    const behaviour = this.#options.behaviours.get(command);
    if (behaviour === undefined) this.#error(errorCodes.unknown, command);
    else behaviour(this, fields);
  }

  givePublicKey(fields: ByteReader): void {
    if (fields.u16() === commands.publicKey) this.#plain(commands.publicKey, Buffer.from(this.#own.publicKey));
  }

  takePublicKey(fields: ByteReader): void {
    this.#peerKey = fields.bytes(32);
    this.#sharedKey = nacl.box.before(this.#peerKey, this.#own.secretKey);
    this.#sendChallenge();
  }

  prove(fields: ByteReader): void {
    const authenticator = fields.bytes(32);
    const { sharedKey, peerKey } = this.#keys();
    if (!hmac(sharedKey, peerKey, this.#own.publicKey, this.#challenge).equals(authenticator)) {
      this.#error(errorCodes.badAuthenticator, commands.authorizationAuthenticator);
      return;
    }
    this.#proved = true;
    // The Ultra class asks for its PIN instead of another proof.
    if (this.#options.generation === 'ultra') this.#plain(commands.authorizationInfo, Buffer.from([1]));
    else this.#sendChallenge();
  }

  applyClassic(fields: ByteReader): void {
    const { sharedKey } = this.#keys();
    const authenticator = fields.bytes(32);
    const covered = fields.bytes(69);
    if (!this.#proved || !hmac(sharedKey, covered, this.#challenge).equals(authenticator)) {
      this.#error(errorCodes.badAuthenticator, commands.authorizationData);
      return;
    }
    const applicant = new ByteReader(covered);
    const idType = applicant.u8();
    const appId = applicant.u32();
    const name = applicant.text(32);
    const nonce = applicant.bytes(32);
    // A real lock stores the user here, before anything was confirmed.
    const authorized = this.#options.authorize({ sharedKey, appId, idType, name });
    const lockNonce = this.#options.randomBytes(32);
    this.#granted = { authorized, lockNonce };
    const answer = new ByteWriter()
      .u32(authorized.authorizationId)
      .bytes(this.#options.lockUuid)
      .bytes(lockNonce)
      .build();
    this.#plain(commands.authorizationId, Buffer.concat([hmac(sharedKey, answer, nonce), answer]));
  }

  confirm(fields: ByteReader): void {
    const granted = this.#granted;
    const authenticator = fields.bytes(32);
    const id = fields.bytes(4);
    const { sharedKey } = this.#keys();
    if (granted === undefined || !hmac(sharedKey, id, granted.lockNonce).equals(authenticator)) {
      this.#error(errorCodes.badAuthenticator, commands.authorizationIdConfirmation);
      return;
    }
    this.#plain(commands.status, Buffer.from([statusCodes.complete]));
    this.#options.paired();
  }

  #takeSealed(frame: Buffer): void {
    const { sharedKey } = this.#keys();
    const opened = unseal(sharedKey, frame);
    if ('problem' in opened || opened.command !== commands.authorizationData) {
      this.#error(errorCodes.notAuthorized, commands.authorizationData);
      return;
    }
    const fields = new ByteReader(opened.payload);
    const appId = fields.u32();
    const name = fields.text(32);
    if (fields.u32() !== this.#options.pin) {
      this.#error(errorCodes.badPin, commands.authorizationData);
      return;
    }
    const authorized = this.#options.authorize({ sharedKey, appId, idType: 0, name });
    const answer = new ByteWriter().u32(authorized.authorizationId).bytes(this.#options.lockUuid).build();
    const nonce = this.#options.randomBytes(24);
    this.#options.send(seal(sharedKey, frame.readUInt32LE(24), nonce, commands.authorizationId, answer));
    this.#options.paired();
  }

  #keys(): { readonly sharedKey: Uint8Array; readonly peerKey: Buffer } {
    return { sharedKey: this.#sharedKey ?? new Uint8Array(32), peerKey: this.#peerKey ?? Buffer.alloc(32) };
  }

  #sendChallenge(): void {
    this.#challenge = this.#options.randomBytes(32);
    this.#plain(commands.challenge, Buffer.from(this.#challenge));
  }

  #plain(command: number, payload: Buffer): void {
    this.#options.send(plainMessage(command, payload));
  }

  #error(code: number, command: number): void {
    this.#plain(commands.errorReport, new ByteWriter().u8(code).u16(command).build());
  }
}
