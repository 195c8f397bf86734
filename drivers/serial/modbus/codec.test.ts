import { describe, expect, it } from 'vitest';
import { fc } from '../../../test/kit/seeded-properties.ts';
import { crc16, crcMatches, withCrc } from './crc.ts';
import { exceptionName } from './exceptions.ts';
import { readBits, readRegisters, writeCoil, writeRegister, writeRegisters } from './requests.ts';

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

  // The maker's own frames for the R4D and RYN4 boards.
  it.each([
    ['relay 1 on', 1, 0x0100, '01 06 00 01 01 00 D9 9A'],
    ['relay 1 off', 1, 0x0200, '01 06 00 01 02 00 D9 6A'],
    ['relay 1 on for 10 s', 1, 0x060a, '01 06 00 01 06 0A 5B AD'],
    ['relay 1 on for 100 s', 1, 0x0664, '01 06 00 01 06 64 DA 41'],
  ])('write a register: %s', (_name, address, word, expected) => {
    expect(writeRegister({ ...board, address, word }).bytes).toEqual(bytes(expected));
  });

  it('write two registers as MODBUS Application Protocol V1.1b3, section 6.12, shows them', () => {
    const request = writeRegisters({ unit: 0x11, replyTimeoutMs: 300, address: 1, words: [0x000a, 0x0102] });
    expect(request.bytes.subarray(1, -2)).toEqual(bytes('10 00 01 00 02 04 00 0A 01 02'));
    expect(crcMatches(request.bytes)).toBe(true);
    expect(request.scan(withCrc([0x11, 0x10, 0, 1, 0, 2]))).toEqual({
      found: true,
      value: { ok: true, value: 'as_asked' },
    });
    // Of another count, and of another place.
    expect(request.scan(withCrc([0x11, 0x10, 0, 1, 0, 1]))).toMatchObject({ value: { value: 'otherwise' } });
    expect(request.scan(withCrc([0x11, 0x10, 0, 2, 0, 2]))).toMatchObject({ found: false });
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
    expect(pulse.scan(pulse.bytes)).toEqual({ found: true, value: { ok: true, value: 'as_asked' } });
    expect(pulse.scan(writeCoil({ ...board, address: 0x0201, word: 7 }).bytes)).toMatchObject({ found: false });
  });

  it.each([
    ['function 5', pulse, writeCoil({ ...board, address: 0x0200, word: 8 })],
    ['function 5, on instead of a time', pulse, writeCoil({ ...board, address: 0x0200, word: 0xff00 })],
    [
      'function 6',
      writeRegister({ ...board, address: 1, word: 0x0605 }),
      writeRegister({ ...board, address: 1, word: 1 }),
    ],
  ])('that repeat the place with another value are answers that leave the outcome open: %s', (_name, asked, said) => {
    expect(asked.scan(said.bytes)).toEqual({ found: true, value: { ok: true, value: 'otherwise' } });
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
    // The data of one at address 0 begins like a frame of unit 1.
    ['address 0', withCrc([0, 3, 2, 1, 3]).toString('hex'), 'a reply of unit 0'],
    ['address 0, with noise around it', `ff${withCrc([0, 3, 2, 1, 3]).toString('hex')}00`, 'a reply of unit 0'],
    ['an exception of another unit', withCrc([2, 0x83, 1]).toString('hex'), 'a reply of unit 2'],
    ['another function', '01 01 01 01 90 48', 'a reply to another function'],
  ])('are not taken from %s, and the message says what was there', (_name, hex, saw) => {
    expect(readLevel.scan(bytes(hex))).toMatchObject({ found: false, saw });
  });

  it.each([
    ['a reply of this unit that is damaged', '01 03 02 01 A5 B8 6F', true],
    ['another unit', '02 03 02 01 A4 FC 6F', false],
    ['noise', 'FF FF FF FF FF FF', false],
    ['half a reply', '01 03 02 01', false],
  ])('after %s, none comes any more: %s', (_name, hex, corrupt) => {
    const scan = readLevel.scan(bytes(hex));
    expect('corrupt' in scan && scan.corrupt).toBe(corrupt);
  });

  it.each([2, 3, 17, 247, 0])('of unit %i are named as such, whatever they say', (unit) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), (word) => {
        const coil = writeCoil({ ...board, address: 0x0200, word });
        const said = withCrc([unit, ...coil.bytes.subarray(1, -2)]);
        expect(coil.scan(said)).toEqual({ found: false, saw: `a reply of unit ${unit}` });
      }),
    );
  });

  it.each([
    ['two bytes announced, one sent', [1, 3, 2, 0x42]],
    ['one byte announced, two sent', [1, 3, 1, 1, 0xa4]],
    ['two registers instead of one', [1, 3, 4, 1, 0xa4, 1, 0xa4]],
  ])('with a valid checksum are refused when malformed: %s', (_name, body) => {
    expect(readLevel.scan(withCrc(body))).toEqual({
      found: false,
      saw: 'a malformed reply with a valid checksum',
      corrupt: true,
    });
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
