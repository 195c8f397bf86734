import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands, errorCodes } from './catalogue.ts';
import { ByteReader, ByteWriter, checksum, plainMessage, readPlainMessage, seal, unseal } from './simulator-bytes.ts';
import { SimulatedKeypad } from './simulator-keypad.ts';

/*
 * The simulated lock is held against the vendor's and the peers' bytes, never against the driver's codec: where both
 * agree with a third party, they agree with each other for a reason.
 */

const vectors = (name: string) => JSON.parse(readFileSync(new URL(`./vectors/${name}.json`, import.meta.url), 'utf8'));
const vendor = vectors('vendor-example');
const peers = vectors('peer-encoders');
const real = vectors('real-locks');
const bytes = (hex: string) => Buffer.from(hex, 'hex');
const hex = (buffer: Uint8Array) => Buffer.from(buffer).toString('hex');
const key = bytes(vendor.keys.shared);

describe('the simulated lock’s bytes', () => {
  it('have the vendor’s check value', () => {
    expect(checksum(Buffer.from(vendor.crcCheck.text)).toString(16)).toBe(vendor.crcCheck.crc);
  });

  it.each(Object.keys(vendor.encrypted))('open and seal the vendor’s %s', (name) => {
    const frame = bytes(vendor.encrypted[name]);
    const opened = unseal(key, frame);
    if ('problem' in opened) throw new Error(opened.problem);
    expect(hex(seal(key, 2, frame.subarray(0, 24), opened.command, opened.payload))).toBe(vendor.encrypted[name]);
  });

  it.each([...Object.entries(vendor.pairing), ...Object.entries(peers.plain), ['real', real.notAuthorized]])(
    'read and write plain %s',
    (_name, frame) => {
      const message = readPlainMessage(bytes(frame as string));
      expect(hex(plainMessage(message?.command ?? 0, message?.payload ?? Buffer.alloc(0)))).toBe(frame);
    },
  );

  it('notice damage', () => {
    const frame = bytes(vendor.encrypted.unlock);
    frame.writeUInt8(frame.readUInt8(50) ^ 1, 50);
    expect(unseal(key, frame)).toEqual({ problem: 'key' });
    expect(unseal(key, bytes(`${vendor.encrypted.unlock}00`))).toEqual({ problem: 'length' });
    expect(readPlainMessage(bytes('0e00009dd8'))).toBeUndefined();
  });

  it('are the real lock’s where it says who it does not know', () => {
    const report = new ByteWriter().u8(errorCodes.notAuthorized).u16(0).build();
    expect(hex(plainMessage(commands.errorReport, report))).toBe(real.notAuthorized);
  });
});

describe('the simulated keypad', () => {
  const at = Date.UTC(2026, 10, 22, 19, 50);
  const add = (keypad: SimulatedKeypad, command: string) => {
    const { payload } = readPlainMessage(bytes(command)) ?? { payload: Buffer.alloc(0) };
    // Behind the code come nonce and PIN.
    return keypad.add(new ByteReader(payload.subarray(0, -34)));
  };

  it('takes the code both encoders wrote, and says it back as they would', () => {
    const keypad = new SimulatedKeypad(100, () => at);
    const answer = add(keypad, peers.plain.addWithPin1234);
    expect(hex(answer as Buffer)).toBe(`0100${hex(bytes(peers.plain.codeId0102).subarray(4, -2))}`);
    expect(keypad.codes[0]).toMatchObject({ code: 589_472, name: 'Guest 1', limits: { weekdays: 0x54 } });
    const [entry] = keypad.list(0, 1);
    const expected = bytes(peers.plain.code0102).subarray(2, -2);
    // The peers' entry has another id, and was used since.
    expect(hex(entry?.subarray(2, 34) ?? Buffer.alloc(0))).toBe(hex(expected.subarray(2, 34)));
    expect(hex(entry?.subarray(43) ?? Buffer.alloc(0))).toBe(hex(expected.subarray(43)));
  });

  it('keeps its rules', () => {
    const keypad = new SimulatedKeypad(1, () => at);
    const fields = (code: number) =>
      new ByteReader(
        new ByteWriter().u32(code).text('x', 20).u8(0).time(undefined).time(undefined).u8(0, 0, 0, 0, 0).build(),
      );
    for (const wrong of [12_345, 1_234_567, 120_000, 345_670, 123_456])
      expect(keypad.add(fields(wrong))).toBe(errorCodes.codeInvalid);
    expect(keypad.add(fields(345_678))).toBeInstanceOf(Buffer);
    expect(keypad.add(fields(345_678))).toBe(errorCodes.codeAlreadyExists);
    expect(keypad.add(fields(345_679))).toBe(errorCodes.tooManyEntries);
    expect(keypad.remove(9)).toBe(errorCodes.badParameter);
    expect(keypad.remove(1)).toBeUndefined();
  });

  it('lets a limited code in on its days and at its hours alone', () => {
    const keypad = new SimulatedKeypad(100, () => at);
    add(keypad, peers.plain.addWithPin1234);
    // From 1 December 2026, 14:00, to 5 December, 10:30; Mondays, Wednesdays, Fridays, 08:00 to 22:15.
    const admitted = (day: number, hour: number, minute = 0) =>
      keypad.admits(589_472, Date.UTC(2026, 11, day, hour, minute)) !== undefined;
    expect(admitted(2, 9)).toBe(true);
    expect(admitted(2, 7, 59)).toBe(false);
    expect(admitted(2, 22, 15)).toBe(false);
    expect(admitted(3, 9)).toBe(false);
    expect(admitted(4, 9)).toBe(true);
    expect(admitted(7, 9)).toBe(false);
    expect(keypad.admits(111_111, at)).toBeUndefined();
  });
});
