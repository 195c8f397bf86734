import { describe, expect, test } from 'vitest';
import { fc } from '../../../test/kit/seeded-properties.ts';
import { type OversizedMessage, PacketReader } from './packet-guard.ts';

const LIMIT = 1_000;

/** What a reader lets through, tells and acknowledges of these bytes, which come in pieces of these sizes. */
function read(bytes: Buffer, sizes: readonly number[]) {
  const told: OversizedMessage[] = [];
  const acknowledged: Buffer[] = [];
  let broken = 0;
  const reader = new PacketReader(
    {
      limit: LIMIT,
      oversized: (message) => void told.push(message),
      broken: () => {
        broken += 1;
      },
    },
    (packet) => void acknowledged.push(packet),
  );
  const passed: Buffer[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    passed.push(reader.take(bytes.subarray(at, at + size)));
    at += size;
  }
  return { passed: Buffer.concat(passed), told, acknowledged: Buffer.concat(acknowledged).toString('hex'), broken };
}

/** MQTT 3.1.1, section 2.2.3. */
function packet(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  let left = body.length;
  do {
    const more = left > 127 ? 0x80 : 0;
    length.push((left % 128) | more);
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

interface Message {
  readonly topic: string;
  readonly payload: number;
  readonly qos: 0 | 1;
  readonly retained: boolean;
}

/** MQTT 3.1.1, section 3.3. */
function publish({ topic, payload, qos, retained }: Message): Buffer {
  const name = Buffer.from(topic);
  const length = Buffer.from([name.length >> 8, name.length & 0xff]);
  const id = qos === 1 ? [0x12, 0x34] : [];
  const body = Buffer.concat([length, name, Buffer.from(id), Buffer.alloc(payload, 'p')]);
  return packet(0x30 | (qos << 1) | (retained ? 1 : 0), body);
}

const ping = packet(0xd0, Buffer.alloc(0));
const small: Message = { topic: 'z/door', payload: 20, qos: 1, retained: false };
const large: Message = { topic: 'z/hall', payload: 3_000, qos: 1, retained: true };

describe('a reader of packets', () => {
  test('passes on what is small enough, byte for byte, whatever pieces it comes in', () => {
    const message = fc.record({
      topic: fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
      payload: fc.integer({ min: 0, max: 1_600 }),
      qos: fc.constantFrom<0 | 1>(0, 1),
      retained: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(fc.option(message, { nil: undefined }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 6 }),
        (messages, sizes) => {
          const packets = messages.map((each) => (each === undefined ? ping : publish(each)));
          const fits = (index: number) => (packets[index]?.length ?? 0) <= LIMIT;
          const found = read(Buffer.concat(packets), sizes);
          expect(found.passed.equals(Buffer.concat(packets.filter((_, index) => fits(index))))).toBe(true);
          expect(found.told).toEqual(
            messages.flatMap((each, index) =>
              each === undefined || fits(index)
                ? []
                : [{ topic: each.topic, retained: each.retained, bytes: packets[index]?.length }],
            ),
          );
          expect(found.broken).toBe(0);
        },
      ),
    );
  });

  test('leaves out what is too large, tells of it once, and acknowledges it', () => {
    for (const size of [1, 2, 3, 7, 1_000, 100_000]) {
      const found = read(Buffer.concat([publish(small), publish(large), publish(small)]), [size]);
      expect(found.passed).toEqual(Buffer.concat([publish(small), publish(small)]));
      expect(found.told).toEqual([{ topic: 'z/hall', retained: true, bytes: publish(large).length }]);
      expect(found.acknowledged).toBe('40021234');
    }
  });

  test('tells of it before its payload has come', () => {
    expect(read(publish(large).subarray(0, 20), [1]).told).toHaveLength(1);
  });

  test.each([
    ['another kind of packet that is too large', packet(0x90, Buffer.alloc(2_000))],
    ['a length without end', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01])],
    [
      'a topic longer than its packet',
      Buffer.concat([Buffer.from([0x32, 0xff, 0x0f, 0xff, 0xff]), Buffer.alloc(100_000)]),
    ],
  ])('gives up at %s, and keeps nothing of what follows', (_name, bytes) => {
    for (const size of [1, 5, 200_000]) {
      const found = read(Buffer.concat([bytes, publish(small)]), [size]);
      expect(found.broken).toBe(1);
      expect(found.passed).toHaveLength(0);
    }
  });
});
