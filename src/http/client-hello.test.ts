import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { isWholeHello } from './arrivals.ts';

/** What a client of OpenSSL says first. */
const hello = await new Promise<Buffer>((resolve) => {
  const wire = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer) => resolve(chunk),
  });
  connect({ socket: wire, servername: 'gateway.example', ALPNProtocols: ['http/1.1'] }).on('error', () => undefined);
});

/** The same message in records of these lengths (RFC 8446, section 5.1). */
function inRecords(lengths: readonly number[]): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0, index = 0; at < message.length; index++) {
    const part = message.subarray(at, at + (lengths[index] ?? message.length));
    const header = Buffer.from([22, 3, 1, 0, 0]);
    header.writeUInt16BE(part.length, 3);
    records.push(header, part);
    at += part.length;
  }
  return Buffer.concat(records);
}

test('a ClientHello is whole with its last byte and not before, in however many records', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 12 });
  fc.assert(
    fc.property(lengths, fc.nat(), (cuts, more) => {
      const bytes = inRecords(cuts);
      expect(isWholeHello(bytes)).toBe(true);
      expect(isWholeHello(Buffer.concat([bytes, Buffer.alloc(more % 50, 1)]))).toBe(true);
      expect(isWholeHello(bytes.subarray(0, more % bytes.length))).toBe(false);
    }),
  );
});

test('what is no ClientHello is never waited for, and nothing makes it throw', () => {
  expect(isWholeHello(Buffer.from('GET / HTTP/1.1\r\n'))).toBe(true);
  // An alert; a record with another message.
  expect(isWholeHello(Buffer.from([21]))).toBe(true);
  expect(isWholeHello(Buffer.from([22, 3, 1, 0, 4, 2]))).toBe(true);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void isWholeHello(Buffer.from(bytes))));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void isWholeHello(Buffer.from([22, 3, 1, 0, ...bytes]))),
  );
});

test('bytes that never become one are looked at once for each of them', () => {
  // Sixteen thousand bytes in records of one byte, whose message is said to be longer.
  const records = Array.from({ length: 2_700 }, (_, index) => [22, 3, 1, 0, 1, index === 0 ? 1 : 255]);
  expect(isWholeHello(Buffer.from(records.flat()))).toBe(false);
});
