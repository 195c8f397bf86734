import { describe, expect, it } from 'vitest';
import { fc } from '../../../test/kit/seeded-properties.ts';
import { crc16, crcMatches, withCrc } from './crc.ts';
import { exceptionName } from './exceptions.ts';
import { readBits, readRegisters, writeCoil, writeRegisters } from './requests.ts';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const board = { unit: 1, replyTimeoutMs: 300 };
const readRelays = readBits({ ...board, functionCode: 1, address: 0, count: 8 });
const readLevel = readRegisters({ ...board, functionCode: 3, address: 0, count: 1 });
const pulse = writeCoil({ ...board, address: 0x0200, word: 7 });

describe('the checksum', () => {
  it('is that of the catalogue of parametrised CRCs (CRC-16/MODBUS, check value)', () => {
    expect(crc16(Buffer.from('123456789', 'latin1'))).toBe(0x4b37);
  });

  it('is that of MODBUS over Serial Line V1.02, appendix B', () => {
    expect(withCrc([0x02, 0x07])).toEqual(bytes('02 07 41 12'));
  });

  it('finds every single flipped bit', () => {
    const frame = bytes('01 03 02 01 A4 B8 6F');
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const damaged = Buffer.from(frame);
      damaged[bit >> 3] = damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7));
      expect(crcMatches(damaged)).toBe(false);
    }
  });
});

describe('requests', () => {
  // Waveshare, Modbus RTU Relay wiki page; the inputs and the noise frames follow the same map.
  it.each([
    ['read 8 relays', readRelays, '01 01 00 00 00 08 3D CC'],
    ['relay 1 on', writeCoil({ ...board, address: 0, word: 0xff00 }), '01 05 00 00 FF 00 8C 3A'],
    ['relay 1 off', writeCoil({ ...board, address: 0, word: 0 }), '01 05 00 00 00 00 CD CA'],
    ['all relays off', writeCoil({ ...board, address: 0xff, word: 0 }), '01 05 00 FF 00 00 FD FA'],
    ['on-pulse of relay 1, 0.7 s', pulse, '01 05 02 00 00 07 8D B0'],
    ['on-pulse of relay 1, 5 s', writeCoil({ ...board, address: 0x0200, word: 50 }), '01 05 02 00 00 32 4D A7'],
    ['off-pulse of relay 2, 0.8 s', writeCoil({ ...board, address: 0x0401, word: 8 }), '01 05 04 01 00 08 9C FC'],
    ['read 8 inputs', readBits({ ...board, functionCode: 2, address: 0, count: 8 }), '01 02 00 00 00 08 79 CC'],
    ['read a level', readLevel, '01 03 00 00 00 01 84 0A'],
    [
      'read a level of unit 2',
      readRegisters({ ...board, unit: 2, functionCode: 3, address: 0, count: 1 }),
      '02 03 00 00 00 01 84 39',
    ],
    [
      'read the address register',
      readRegisters({ ...board, functionCode: 3, address: 0x07d0, count: 1 }),
      '01 03 07 D0 00 01 84 87',
    ],
    [
      'read register 0x0E',
      readRegisters({ ...board, functionCode: 3, address: 0x0e, count: 1 }),
      '01 03 00 0E 00 01 E5 C9',
    ],
  ])('%s', (_name, request, expected) => {
    expect(request.bytes).toEqual(bytes(expected));
  });

  it('write two registers as MODBUS Application Protocol V1.1b3, section 6.12, shows them', () => {
    const request = writeRegisters({ unit: 0x11, replyTimeoutMs: 300, address: 1, words: [0x000a, 0x0102] });
    expect(request.bytes.subarray(1, -2)).toEqual(bytes('10 00 01 00 02 04 00 0A 01 02'));
    expect(crcMatches(request.bytes)).toBe(true);
    expect(request.scan(withCrc([0x11, 0x10, 0, 1, 0, 2]))).toEqual({
      found: true,
      value: { ok: true, value: 'written' },
    });
    expect(request.scan(withCrc([0x11, 0x10, 0, 1, 0, 1]))).toMatchObject({ found: false });
  });
});

describe('replies', () => {
  it('give bits in the order of their addresses', () => {
    expect(readRelays.scan(bytes('01 01 01 01 90 48'))).toEqual({
      found: true,
      value: { ok: true, value: [true, false, false, false, false, false, false, false] },
    });
  });

  it('give ten bits out of two bytes', () => {
    const request = readBits({ ...board, functionCode: 2, address: 0, count: 10 });
    const scan = request.scan(withCrc([1, 2, 2, 0b1000_0001, 0b10]));
    expect(scan).toEqual({
      found: true,
      value: { ok: true, value: [true, false, false, false, false, false, false, true, false, true] },
    });
  });

  it('give registers', () => {
    expect(readLevel.scan(bytes('01 03 02 01 A4 B8 6F'))).toEqual({ found: true, value: { ok: true, value: [420] } });
  });

  it('give the exception', () => {
    expect(readRelays.scan(bytes('01 81 02 C1 91'))).toEqual({ found: true, value: { ok: false, exception: 2 } });
    const relayOn = writeCoil({ ...board, address: 0, word: 0xff00 });
    expect(relayOn.scan(bytes('01 85 06 C2 92'))).toEqual({ found: true, value: { ok: false, exception: 6 } });
    expect(exceptionName(6)).toBe('exception 6, device busy');
    expect(exceptionName(77)).toBe('exception 77');
  });

  it('of a coil write repeat the request to the last bit', () => {
    expect(pulse.scan(pulse.bytes)).toEqual({ found: true, value: { ok: true, value: 'written' } });
    expect(pulse.scan(writeCoil({ ...board, address: 0x0201, word: 7 }).bytes)).toMatchObject({ found: false });
    expect(pulse.scan(writeCoil({ ...board, address: 0x0200, word: 8 }).bytes)).toMatchObject({ found: false });
  });

  it('are found behind noise, and in any number of pieces', () => {
    const reply = bytes('01 03 02 01 A4 B8 6F');
    // Noise that ends in what may be the beginning of a reply is the hard case.
    const noise = bytes('00 FF 01 03 02 01');
    const all = Buffer.concat([noise, reply]);
    for (let length = 0; length < all.length; length++)
      expect(readLevel.scan(all.subarray(0, length))).toMatchObject({ found: false });
    expect(readLevel.scan(all)).toMatchObject({ found: true, value: { ok: true, value: [420] } });
  });

  it.each([
    ['nothing at all', '', undefined],
    ['half a reply', '01 03 02 01', '4 bytes of noise'],
    ['a wrong checksum', '01 03 02 01 A5 B8 6F', 'a reply with a wrong checksum'],
    ['an exception with a wrong checksum', '01 83 02 C1 91', 'a reply with a wrong checksum'],
    ['another unit', '02 03 02 01 A4 FC 6F', 'a reply of unit 2'],
    ['another function', '01 01 01 01 90 48', 'a reply to another function'],
  ])('are not taken from %s, and the message says what was there', (_name, hex, saw) => {
    expect(readLevel.scan(bytes(hex))).toEqual({ found: false, saw });
  });

  it.each([
    ['two bytes announced, one sent', [1, 3, 2, 0x42]],
    ['one byte announced, two sent', [1, 3, 1, 1, 0xa4]],
    ['two registers instead of one', [1, 3, 4, 1, 0xa4, 1, 0xa4]],
  ])('with a valid checksum are refused when malformed: %s', (_name, body) => {
    expect(readLevel.scan(withCrc(body))).toEqual({ found: false, saw: 'a malformed reply with a valid checksum' });
  });

  it("are not taken when they answer another master's question", () => {
    const question = readRegisters({ ...board, functionCode: 3, address: 0x0100, count: 1 }).bytes;
    const reply = bytes('01 03 02 01 A4 B8 6F');
    expect(readLevel.scan(Buffer.concat([question, reply]))).toEqual({
      found: false,
      saw: 'another master asking the same unit',
    });
  });

  it('are never found in random bytes that hold no such frame', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (random) => {
        const scan = readLevel.scan(Buffer.from(random));
        if (!scan.found) return true;
        const text = Buffer.from(random).toString('hex');
        return scan.value.ok
          ? text.includes(
              withCrc([1, 3, 2, ...scan.value.value.flatMap((word) => [word >> 8, word & 0xff])]).toString('hex'),
            )
          : text.includes(withCrc([1, 0x83, scan.value.exception]).toString('hex'));
      }),
    );
  });
});
