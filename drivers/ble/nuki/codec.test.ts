import { readFileSync } from 'node:fs';
import nacl from 'tweetnacl';
import { describe, expect, it } from 'vitest';
import { fc } from '../../../test/kit/seeded-properties.ts';
import { commands, lockActions, statusCodes } from './catalogue.ts';
import {
  type Authorization,
  crc16,
  decodePlain,
  decrypt,
  EncryptedReassembler,
  encodePlain,
  encrypt,
  NukiFrameError,
  PlainReassembler,
} from './codec.ts';
import {
  addKeypadCode,
  authorizationAuthenticator,
  authorizationData,
  authorizationIdConfirmation,
  type KeypadLimits,
  keyPairFrom,
  lockAction,
  publicKey,
  readAuthorizationId,
  removeKeypadCode,
  requestData,
  requestKeypadCodes,
  requestPublicKey,
  sharedKey,
  updateKeypadCode,
  verifySecurityPin,
} from './codec-commands.ts';
import { type LockTime, text } from './codec-fields.ts';
import {
  readChallenge,
  readConfig,
  readErrorReport,
  readKeypadCode,
  readKeypadCodeCount,
  readKeypadCodeId,
  readKeyturnerStates,
  readPublicKey,
  readStatus,
} from './codec-replies.ts';

const vectors = (name: string) =>
  JSON.parse(readFileSync(new URL(`./vectors/${name}.json`, import.meta.url), 'utf8')) as Record<string, never>;
const bytes = (hex: string) => Buffer.from(hex, 'hex');
const hex = (buffer: Uint8Array) => Buffer.from(buffer).toString('hex');

const vendor = vectors('vendor-example') as unknown as {
  keys: Record<'clientSecret' | 'clientPublic' | 'lockPublic' | 'shared', string>;
  crcCheck: { text: string; crc: string };
  pairing: Record<string, string>;
  applicant: { idType: number; appId: number; name: string; nonce: string };
  granted: { authorizationId: number; lockUuid: string };
  encrypted: Record<string, string>;
  challenge: string;
  innerStatus: Record<'accepted' | 'complete', string>;
};
const peers = vectors('peer-encoders') as unknown as {
  challenge: string;
  nonce: string;
  encrypted: Record<string, string>;
  plain: Record<string, string>;
};
const real = vectors('real-locks') as unknown as Record<string, string>;

const key = bytes(vendor.keys.shared);
const authorization: Authorization = { authorizationId: 2, sharedKey: key };
const challenge = bytes(vendor.challenge);

describe('the vendor’s worked example', () => {
  const own = keyPairFrom(bytes(vendor.keys.clientSecret));
  const lockPublic = bytes(vendor.keys.lockPublic);
  const pairing = (name: string) => bytes(vendor.pairing[name] ?? '');
  const payloadOf = (name: string) => decodePlain(pairing(name)).payload;

  it('has the CRC’s check value', () => {
    expect(crc16(Buffer.from(vendor.crcCheck.text)).toString(16)).toBe(vendor.crcCheck.crc);
  });

  it('leads to the shared key', () => {
    expect(hex(own.publicKey)).toBe(vendor.keys.clientPublic);
    expect(hex(sharedKey(lockPublic, own.secretKey))).toBe(vendor.keys.shared);
  });

  it.each(Object.keys(vendor.pairing))('pairing frame %s is read and written again the same', (name) => {
    expect(hex(encodePlain(decodePlain(pairing(name))))).toBe(vendor.pairing[name]);
  });

  it('is what we send when we pair', () => {
    const { applicant } = vendor;
    const nonce = bytes(applicant.nonce);
    const keys = { own: own.publicKey, lock: lockPublic };
    const sent = {
      requestPublicKey: requestPublicKey(),
      clientPublicKey: publicKey(own.publicKey),
      authenticator: authorizationAuthenticator(key, keys, readChallenge(payloadOf('challenge1'))),
      authorizationData: authorizationData(key, applicant, nonce, readChallenge(payloadOf('challenge2'))),
      authorizationIdConfirmation: authorizationIdConfirmation(
        key,
        vendor.granted.authorizationId,
        readAuthorizationId(key, payloadOf('authorizationId'), nonce).lockNonce,
      ),
    };
    for (const [name, message] of Object.entries(sent)) expect(hex(encodePlain(message))).toBe(vendor.pairing[name]);
  });

  it('is what we understand when we pair', () => {
    expect(hex(readPublicKey(payloadOf('lockPublicKey')))).toBe(vendor.keys.lockPublic);
    const granted = readAuthorizationId(key, payloadOf('authorizationId'), bytes(vendor.applicant.nonce));
    expect(granted.authorizationId).toBe(vendor.granted.authorizationId);
    expect(hex(granted.lockUuid)).toBe(vendor.granted.lockUuid);
    expect(readStatus(payloadOf('statusComplete'))).toBe(statusCodes.complete);
  });

  it('refuses an authorization that the lock did not prove', () => {
    const payload = Buffer.from(payloadOf('authorizationId'));
    payload.writeUInt8(payload.readUInt8(40) ^ 1, 40);
    expect(() => readAuthorizationId(key, payload, bytes(vendor.applicant.nonce))).toThrow(NukiFrameError);
  });

  it.each(Object.keys(vendor.encrypted))('encrypted frame %s opens, and seals again the same', (name) => {
    const frame = bytes(vendor.encrypted[name] ?? '');
    const opened = decrypt(authorization, frame);
    expect(opened.crcLeftOut).toBe(false);
    expect(hex(encrypt(authorization, frame.subarray(0, 24), opened))).toBe(vendor.encrypted[name]);
  });

  it('is what we send and understand afterwards', () => {
    const frame = (name: string) => bytes(vendor.encrypted[name] ?? '');
    const sealed = (name: string, message: Parameters<typeof encrypt>[2]) =>
      expect(hex(encrypt(authorization, frame(name).subarray(0, 24), message))).toBe(vendor.encrypted[name]);
    sealed('stateRequest', requestData(commands.keyturnerStates));
    sealed('challengeRequest', requestData(commands.challenge));
    sealed('unlock', lockAction({ action: lockActions.unlock, appId: 0 }, challenge));
    expect(hex(readChallenge(decrypt(authorization, frame('challengeReply')).payload))).toBe(vendor.challenge);
    expect(readKeyturnerStates(decrypt(authorization, frame('stateReply')).payload)).toMatchObject({
      nukiState: 2,
      lockState: 1,
      trigger: 0,
      time: { year: 2016, month: 3, day: 7, hour: 8, minute: 15, second: 30 },
      battery: { critical: false, charging: false, percent: undefined },
      lastCompletion: undefined,
    });
  });

  it.each([
    ['accepted', statusCodes.accepted],
    ['complete', statusCodes.complete],
  ] as const)('has the inner text of status %s', (name, code) => {
    const nonce = Buffer.alloc(24, 1);
    const frame = encrypt(authorization, nonce, { command: commands.status, payload: Buffer.from([code]) });
    expect(readStatus(decrypt(authorization, frame).payload)).toBe(code);
    const text = bytes(vendor.innerStatus[name]);
    expect(crc16(text.subarray(0, -2))).toBe(text.readUInt16LE(text.length - 2));
  });
});

describe('what two independent encoders agree on', () => {
  const nonce = bytes(peers.nonce);
  const at = (year: number, month: number, day: number, hour: number, minute: number, second: number): LockTime => ({
    year,
    month,
    day,
    hour,
    minute,
    second,
  });
  const limits: KeypadLimits = {
    from: at(2026, 12, 1, 14, 0, 0),
    until: at(2026, 12, 5, 10, 30, 0),
    weekdays: 0x54,
    dailyFrom: { hour: 8, minute: 0 },
    dailyUntil: { hour: 22, minute: 15 },
  };
  const fields = { code: 589_472, name: 'Guest 1', limits };
  const pin = { value: 1234, bytes: 2 } as const;
  const app = { appId: 0x11223344 };

  it.each([
    ['addWithPin1234', addKeypadCode(fields, challenge, pin)],
    ['addWithUltraPin123456', addKeypadCode(fields, challenge, { value: 123_456, bytes: 4 })],
    ['lockFromApp11223344', lockAction({ ...app, action: lockActions.lock }, challenge)],
    [
      'unlockFromApp11223344AsGateway',
      lockAction({ ...app, action: lockActions.unlock, nameSuffix: 'gateway' }, challenge),
    ],
    ['verifyPin1234', verifySecurityPin(challenge, pin)],
  ])('encrypted %s', (name, message) => {
    expect(hex(encrypt(authorization, nonce, message))).toBe(peers.encrypted[name]);
    expect(decrypt(authorization, bytes(peers.encrypted[name] ?? ''))).toEqual({ ...message, crcLeftOut: false });
  });

  it.each([
    ['addWithPin1234', addKeypadCode(fields, challenge, pin)],
    ['update0102WithPin1234', updateKeypadCode(0x0102, { ...fields, enabled: true }, challenge, pin)],
    ['remove0102WithPin1234', removeKeypadCode(0x0102, challenge, pin)],
    ['request0To100WithPin1234', requestKeypadCodes(0, 100, challenge, pin)],
  ])('plain %s', (name, message) => {
    expect(hex(encodePlain(message))).toBe(peers.plain[name]);
    expect(decodePlain(bytes(peers.plain[name] ?? ''))).toEqual(message);
  });

  it('keypad replies are understood', () => {
    const payload = (name: string) => decodePlain(bytes(peers.plain[name] ?? '')).payload;
    expect(readKeypadCodeCount(payload('count3'))).toBe(3);
    expect(readKeypadCodeId(payload('codeId0102'))).toEqual({ codeId: 0x0102, created: at(2026, 11, 22, 19, 50, 0) });
    expect(readKeypadCode(payload('code0102'))).toEqual({
      codeId: 0x0102,
      code: 589_472,
      name: 'Guest 1',
      enabled: true,
      created: at(2026, 11, 22, 19, 50, 0),
      lastActive: at(2026, 11, 23, 8, 1, 2),
      lockCount: 7,
      limits,
    });
  });
});

describe('frames from real locks', () => {
  it('are read', () => {
    const read = (name: string) => decodePlain(bytes(real[name] ?? ''));
    expect(readErrorReport(read('notAuthorized').payload)).toEqual({ code: 0x20, command: 0 });
    expect(readErrorReport(read('badCrcFor0001').payload)).toEqual({ code: 0xfd, command: 0x0001 });
    expect(read('authorizationInfo')).toEqual({ command: commands.authorizationInfo, payload: Buffer.from([1]) });
  });
});

describe('damaged and foreign frames', () => {
  const frame = bytes(vendor.encrypted.challengeReply ?? '');

  it('of one wrong bit anywhere are refused', () => {
    fc.assert(
      fc.property(fc.nat(frame.length * 8 - 1), (bit) => {
        const wrong = Buffer.from(frame);
        wrong.writeUInt8(wrong.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(() => decrypt(authorization, wrong)).toThrow(NukiFrameError);
      }),
    );
  });

  it('for another authorization, or of any other bytes, are refused', () => {
    expect(() => decrypt({ ...authorization, authorizationId: 3 }, frame)).toThrow(NukiFrameError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (noise) => {
        expect(() => decrypt(authorization, Buffer.from(noise))).toThrow(NukiFrameError);
      }),
    );
  });

  it('with the inner CRC left out are taken, since the tag proves them', () => {
    const message = { command: commands.status, payload: Buffer.from([0]) };
    const body = Buffer.concat([bytes('02000000'), bytes('0e00'), message.payload]);
    const nonce = Buffer.alloc(24, 9);
    const sealed = sealText(Buffer.concat([body, bytes('0000')]), nonce);
    expect(decrypt(authorization, sealed)).toEqual({ ...message, crcLeftOut: true });
    expect(() => decrypt(authorization, sealText(Buffer.concat([body, bytes('1234')]), nonce))).toThrow(NukiFrameError);
  });

  it('come together from pieces of any size', () => {
    const whole = Buffer.concat([frame, bytes(vendor.encrypted.stateReply ?? '')]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), (size) => {
        const reassembler = new EncryptedReassembler();
        const frames: string[] = [];
        for (const part of [frame, whole.subarray(frame.length)])
          for (let at = 0; at < part.length; at += size) {
            const done = reassembler.push(part.subarray(at, at + size));
            if (done !== undefined) frames.push(hex(done));
          }
        expect(frames).toEqual([hex(frame), vendor.encrypted.stateReply]);
      }),
    );
  });

  it('that announce an absurd length are thrown away at once', () => {
    const absurd = Buffer.alloc(30, 0xff);
    expect(() => new EncryptedReassembler().push(absurd)).toThrow(NukiFrameError);
  });

  it('in the clear come together by the length their command has, or are refused', () => {
    const plain = bytes(vendor.pairing.authorizationId ?? '');
    const reassembler = new PlainReassembler();
    const done = [0, 20, 40, 60, 80].map((at) => reassembler.push(plain.subarray(at, at + 20)));
    expect(done.slice(0, -1)).toEqual([undefined, undefined, undefined, undefined]);
    expect(hex(done.at(-1) ?? Buffer.alloc(0))).toBe(hex(plain));
    expect(() => new PlainReassembler().push(bytes('9999'))).toThrow(NukiFrameError);
  });
});

describe('states and configurations of any length', () => {
  it('give what is there', () => {
    const states = bytes('020103ea070b161332000000450000010300020000000000000000');
    expect(readKeyturnerStates(states.subarray(0, 15)).doorSensor).toBeUndefined();
    expect(readKeyturnerStates(states)).toMatchObject({ lockState: 1, doorSensor: 2, lastAction: 1, lastTrigger: 3 });
    expect(readKeyturnerStates(states).battery).toEqual({ critical: true, charging: false, percent: 34 });
    expect(() => readKeyturnerStates(states.subarray(0, 12))).toThrow(NukiFrameError);
  });

  it('tell the keypad by either of its two places', () => {
    const config = Buffer.alloc(74);
    config.writeUInt32LE(0x1a2b3c4d);
    config.write('Front', 4);
    expect(readConfig(config)).toMatchObject({ nukiId: 0x1a2b3c4d, name: 'Front', hasKeypad: false });
    config.writeUInt8(1, 65);
    expect(readConfig(config).hasKeypad).toBe(true);
    const newer = Buffer.alloc(79);
    newer.writeUInt8(1, 76);
    expect(readConfig(newer).hasKeypad).toBe(true);
  });
});

it('names are cut where a character ends', () => {
  expect(text('Zimmer drei älterer', 13).toString('utf8')).toBe('Zimmer drei \0');
  expect(text('ÄÄÄ', 5).subarray(0, 4).toString('utf8')).toBe('ÄÄ');
});

/** What the codec itself would never make: the text sealed as it is. */
function sealText(text: Buffer, nonce: Buffer): Buffer {
  const sealed = Buffer.from(nacl.secretbox(text, nonce, key));
  const head = Buffer.alloc(6);
  head.writeUInt32LE(2);
  head.writeUInt16LE(sealed.length, 4);
  return Buffer.concat([nonce, head, sealed]);
}
