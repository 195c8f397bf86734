import { expect, test } from 'vitest';
import { assertBindAllowed, isLoopback } from './bind-rules.ts';

test.each([
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['localhost', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.10', false],
  ['fe80::1', false],
  ['localhost.example.com', false],
  ['', false],
])('%s is reachable from this machine alone: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

const some = { size: 1 };
const none = { size: 0 };
const open = { host: '0.0.0.0', tls: false, allowPlaintext: false };

test('on loopback everything goes', () => {
  expect(() => assertBindAllowed({ ...open, host: '127.0.0.1' }, none)).not.toThrow();
});

test('towards a network there must be a key', () => {
  expect(() => assertBindAllowed({ ...open, tls: true }, none)).toThrow(/no API key yet.*keys create/);
  expect(() => assertBindAllowed({ ...open, allowPlaintext: true }, none)).toThrow(/no API key yet/);
});

test('towards a network there must be TLS, or somebody who says that the network is trusted', () => {
  expect(() => assertBindAllowed(open, some)).toThrow(/http\.tls.*http\.allow_plaintext/);
  expect(() => assertBindAllowed({ ...open, tls: true }, some)).not.toThrow();
  expect(() => assertBindAllowed({ ...open, allowPlaintext: true }, some)).not.toThrow();
});
