import { expect, test } from 'vitest';
import { assertBindAllowed } from './certificate-watch.ts';

const some = { size: 1 };
const none = { size: 0 };
const open = { host: '0.0.0.0', tls: undefined, allowPlaintext: false };
const tls = { certFile: 'cert.pem', keyFile: 'key.pem' };

test('on loopback everything goes', () => {
  expect(() => assertBindAllowed({ ...open, host: '127.0.0.1' }, none)).not.toThrow();
});

test('towards a network there must be a key', () => {
  expect(() => assertBindAllowed({ ...open, tls }, none)).toThrow(/no API key yet.*keys create/);
  expect(() => assertBindAllowed({ ...open, allowPlaintext: true }, none)).toThrow(/no API key yet/);
});

test('towards a network there must be TLS, or somebody who says that the network is trusted', () => {
  expect(() => assertBindAllowed(open, some)).toThrow(/http\.tls.*http\.allow_plaintext/);
  expect(() => assertBindAllowed({ ...open, tls }, some)).not.toThrow();
  expect(() => assertBindAllowed({ ...open, allowPlaintext: true }, some)).not.toThrow();
});
