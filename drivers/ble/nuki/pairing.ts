import {
  type BleLink,
  GatewayError,
  type GattPath,
  type GattSession,
  type Pairing,
  type PairingContext,
  type Secret,
} from '../../../src/contract/index.ts';
import { Mailbox } from '../../../src/driver-kit/mailbox.ts';
import { AUTHORIZATION_NAME_BYTES, characteristics, commands, idTypes, services, statusCodes } from './catalogue.ts';
import {
  type Authorization,
  decodePlain,
  decrypt,
  EncryptedReassembler,
  encodePlain,
  encrypt,
  NONCE_BYTES,
  NukiFrameError,
  type NukiMessage,
  PlainReassembler,
} from './codec.ts';
import {
  authorizationAuthenticator,
  authorizationData,
  authorizationIdConfirmation,
  type GrantedAuthorization,
  keyPairFrom,
  publicKey,
  readAuthorizationId,
  readUltraAuthorizationId,
  requestPublicKey,
  sharedKey,
  ultraAuthorizationData,
} from './codec-commands.ts';
import { readChallenge, readErrorReport, readPublicKey, readStatus } from './codec-replies.ts';
import { formatCredentials, type NukiCredentials, securityPin } from './credentials.ts';
import { refusal } from './failures.ts';
import { advertisedId } from './identity.ts';

/** Between two answers while pairing, in milliseconds. Reference clients give the whole of it 30 s. */
const ANSWER_MS = 10_000;

/** In pairing with the Ultra class our own id is not known yet: one working library writes these four bytes. */
const UNKNOWN_ID = 0xffff_ff7f;

const DEVICE = 'The lock';

/** Makes a lock and the gateway known to each other: Bluetooth API, "Authorize App". */
export const pairing: Pairing<'ble'> = {
  steps: [
    'In the vendor’s app, allow pairing by the button: Settings, Features & Configuration, Button & LED.',
    'Stand at the lock and hold its button for about five seconds, until its ring lights up.',
    'The lock stays ready for half a minute.',
  ],
  questions: [
    {
      name: 'pin',
      text:
        'The security PIN set in the vendor’s app (needed for access codes and for who opened; for locks of the Ultra ' +
        'class always; empty for none)',
      secret: true,
      problem: (answer) => (isPin(answer.reveal()) ? undefined : NO_PIN),
    },
    {
      name: 'authorize_as',
      text: 'Known to the lock as "app" or as "bridge" (empty: app; bridge only where no Nuki Bridge is in use)',
      secret: false,
      problem: (answer) =>
        /^(app|bridge)$/.test(answer.reveal()) ? undefined : 'A gateway is known to the lock as "app" or as "bridge".',
    },
  ],
  pair: (link, ctx) => pair(link, ctx),
};

async function pair(link: BleLink, ctx: PairingContext): Promise<Secret> {
  const { classicPairing, ultraPairing } = characteristics;
  const pin = pinFrom(ctx);
  const idType = ctx.answers.get('authorize_as')?.reveal() === 'bridge' ? idTypes.bridge : idTypes.app;
  // A command to another door goes first.
  const wanted = { priority: 'code', signal: ctx.signal } as const;
  let nukiId: number | undefined;
  const unsubscribe = link.onAdvertisement((advertisement) => {
    nukiId = advertisedId(advertisement) ?? nukiId;
  });
  return link
    .session({ ...wanted, services: [services.classicPairing, services.ultraPairing] }, async (gatt) => {
      // Which of the two a lock has decides, not what its model is called.
      const ultra = gatt.offers(ultraPairing);
      if (!ultra && !gatt.offers(classicPairing))
        throw new GatewayError('misconfigured', `${DEVICE} offers no pairing: it is no Nuki Smart Lock.`);
      const path = ultra ? ultraPairing : classicPairing;
      const exchange = await Exchange.begin(gatt, path, ctx);
      const going = ultra ? pairUltra(exchange, ctx, pin) : pairClassic(exchange, ctx, idType);
      const granted = await going.finally(() => exchange.close());
      const protocol = ultra ? 'ultra' : 'classic';
      return formatCredentials({
        ...granted,
        protocol,
        pin: pin === undefined ? undefined : securityPin(pin, protocol),
        // Locks of the Ultra class are not told what we are.
        idType: ultra ? undefined : idType,
        nukiId,
      });
    })
    .finally(unsubscribe);
}

type Granted = Pick<NukiCredentials, 'authorizationId' | 'sharedKey' | 'appId'>;

const NO_PIN = 'The security PIN has four digits, or six on locks of the Ultra class.';
const isPin = (digits: string): boolean => /^\d{4}(\d{2})?$/.test(digits);

function pinFrom({ answers }: PairingContext): number | undefined {
  const digits = answers.get('pin')?.reveal();
  if (digits === undefined) return undefined;
  if (!isPin(digits)) throw new GatewayError('invalid_input', NO_PIN);
  return Number(digits);
}

/** A number of our own: pairing again with the same overwrites the earlier authorization, and 0 is anybody's. */
const newAppId = (ctx: PairingContext): number => Buffer.from(ctx.randomBytes(4)).readUInt32LE(0) || 1;

const nameOf = (ctx: PairingContext): string => ctx.ownName.slice(0, AUTHORIZATION_NAME_BYTES);

/** Steps 1 to 3, the same in both protocols: keys are exchanged and ours is proved. */
async function agree(exchange: Exchange, ctx: PairingContext): Promise<Uint8Array> {
  const own = keyPairFrom(ctx.randomBytes(32));
  const lockKey = readPublicKey((await exchange.ask(requestPublicKey(), commands.publicKey)).payload);
  const key = sharedKey(lockKey, own.secretKey);
  const challenge = readChallenge((await exchange.ask(publicKey(own.publicKey), commands.challenge)).payload);
  await exchange.say(authorizationAuthenticator(key, { own: own.publicKey, lock: lockKey }, challenge));
  return key;
}

async function pairClassic(exchange: Exchange, ctx: PairingContext, idType: number): Promise<Granted> {
  const key = await agree(exchange, ctx);
  const challenge = readChallenge((await exchange.hear(commands.challenge)).payload);
  const appId = newAppId(ctx);
  const nonce = ctx.randomBytes(32);
  const applicant = { idType, appId, name: nameOf(ctx) };
  const answer = await exchange.ask(authorizationData(key, applicant, nonce, challenge), commands.authorizationId);
  const { authorizationId, lockNonce } = readAuthorizationId(key, answer.payload, nonce);
  const confirmation = authorizationIdConfirmation(key, authorizationId, lockNonce);
  const done = await exchange.ask(confirmation, commands.status);
  if (readStatus(done.payload) !== statusCodes.complete)
    throw new GatewayError('device_rejected', `${DEVICE} did not complete the pairing. Begin again.`);
  return { authorizationId, sharedKey: key, appId };
}

async function pairUltra(exchange: Exchange, ctx: PairingContext, pin: number | undefined): Promise<Granted> {
  if (pin === undefined)
    throw new GatewayError('invalid_input', 'A lock of this kind is paired with its six-digit PIN. Tell it.');
  const key = await agree(exchange, ctx);
  await exchange.hear(commands.authorizationInfo);
  const appId = newAppId(ctx);
  const granted: GrantedAuthorization = readUltraAuthorizationId(
    (await exchange.askSealed(key, ultraAuthorizationData({ appId, name: nameOf(ctx) }, pin), commands.authorizationId))
      .payload,
  );
  return { authorizationId: granted.authorizationId, sharedKey: key, appId };
}

/** Messages on the pairing characteristic: in the clear, and with the Ultra class one exchange that is sealed. */
class Exchange {
  readonly #gatt: GattSession;
  readonly #path: GattPath;
  readonly #ctx: PairingContext;
  readonly #heard: Mailbox<NukiMessage>;
  #sealed: Authorization | undefined;

  private constructor(gatt: GattSession, path: GattPath, ctx: PairingContext) {
    this.#gatt = gatt;
    this.#path = path;
    this.#ctx = ctx;
    this.#heard = new Mailbox(ctx.clock, [gatt.signal], { keepsRest: true });
  }

  static async begin(gatt: GattSession, path: GattPath, ctx: PairingContext): Promise<Exchange> {
    const exchange = new Exchange(gatt, path, ctx);
    const plain = new PlainReassembler();
    const sealed = new EncryptedReassembler();
    await gatt.subscribe(path, (chunk) => exchange.#take(chunk, plain, sealed));
    return exchange;
  }

  async say(message: NukiMessage): Promise<void> {
    await this.#gatt.query(this.#path, encodePlain(message));
  }

  async ask(message: NukiMessage, answer: number): Promise<NukiMessage> {
    await this.say(message);
    return this.hear(answer);
  }

  async askSealed(key: Uint8Array, message: NukiMessage, answer: number): Promise<NukiMessage> {
    this.#sealed = { authorizationId: UNKNOWN_ID, sharedKey: key };
    const frame = encrypt(this.#sealed, this.#ctx.randomBytes(NONCE_BYTES), message);
    await this.#gatt.query(this.#path, frame);
    return this.hear(answer);
  }

  /** @throws GatewayError what the lock said instead, or that it said nothing */
  async hear(wanted: number): Promise<NukiMessage> {
    const until = this.#ctx.clock.now() + ANSWER_MS;
    for (;;) {
      const message = await this.#heard.next(until);
      if (message === undefined)
        throw new GatewayError('device_offline', `${DEVICE} did not go on with the pairing. Begin again.`);
      if (message.command === commands.errorReport) throw refusal(DEVICE, readErrorReport(message.payload).code);
      if (message.command === wanted) return message;
    }
  }

  close(): void {
    this.#heard.close();
  }

  #take(chunk: Buffer, plain: PlainReassembler, sealed: EncryptedReassembler): void {
    try {
      const message = this.#sealed === undefined ? takePlain(plain, chunk) : this.#takeSealed(chunk, plain, sealed);
      if (message !== undefined) this.#heard.push(message);
    } catch (error) {
      this.#heard.fail(unreadable(error));
    }
  }

  /** A refusal comes in the clear where an answer would come sealed; it is shorter than any sealed message. */
  #takeSealed(chunk: Buffer, plain: PlainReassembler, sealed: EncryptedReassembler): NukiMessage | undefined {
    if (chunk.length < NONCE_BYTES - 4 && chunk.readUInt16LE(0) === commands.errorReport)
      return takePlain(plain, chunk);
    const frame = sealed.push(chunk);
    if (frame === undefined || this.#sealed === undefined) return undefined;
    // The lock may answer under our new id or under the one we wrote.
    return decrypt({ ...this.#sealed, authorizationId: frame.readUInt32LE(NONCE_BYTES) }, frame);
  }
}

function takePlain(plain: PlainReassembler, chunk: Buffer): NukiMessage | undefined {
  const frame = plain.push(chunk);
  return frame && decodePlain(frame);
}

const unreadable = (cause: unknown): GatewayError =>
  new GatewayError(
    'authentication_failed',
    `${DEVICE} sent ${cause instanceof NukiFrameError ? cause.message : 'something unreadable'} while pairing. Begin again.`,
    { cause },
  );
