import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  certificate,
  certificateKey,
  renewedCertificate,
  renewedCertificateKey,
  strangersKey,
} from '../../test/kit/certificates.ts';
import { FakeGateway } from '../../test/kit/gateway/fake-gateway.ts';
import { type RecordedLog, recordLog } from '../driver-testing/recorded-log.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { CertificateWatch } from './certificate-watch.ts';
import { createHttpServer, type HttpServer } from './server.ts';

let folder: string;
let clock: SimulatedClock;
let recorded: RecordedLog;
let watch: CertificateWatch;
let server: HttpServer;
let port: number;
let renewals: number;

const write = (cert: string, key: string) => {
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strikeplate-tls-'));
  write(certificate, certificateKey);
  clock = new SimulatedClock();
  recorded = recordLog();
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  watch = await CertificateWatch.open(files, clock, recorded.logger);
  const gateway = new FakeGateway(clock);
  const keys = { verify: () => undefined };
  server = createHttpServer({ gateway, keys, holdMs: 0, log: recorded.logger, tls: watch.current });
  renewals = 0;
  watch.start((renewed) => {
    server.renewCertificate(renewed);
    renewals += 1;
  });
  port = Number(new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterEach(async () => {
  watch.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function handshake(options: ConnectionOptions = {}) {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  const found = { name: subject.CN, protocol: socket.getProtocol(), cipher: socket.getCipher().name };
  socket.destroy();
  return found;
}

/** Until the watch has looked: it reads real files. */
async function aMinuteLater(until: () => boolean): Promise<void> {
  await clock.advance(60_000);
  while (!until()) await new Promise((resolve) => setImmediate(resolve));
}

const errors = () => recorded.lines.filter(({ level }) => level === 50);

describe('a certificate', () => {
  test('that was renewed is used from then on, without a restart', async () => {
    expect((await handshake()).name).toBe('gateway.test');
    write(renewedCertificate, renewedCertificateKey);
    await aMinuteLater(() => renewals === 1);
    expect((await handshake()).name).toBe('renewed.test');
    expect(errors()).toEqual([]);
  });

  test.each(['key.pem', '.'])('that everybody could have put there leaves the old one: %s', async (open) => {
    write(renewedCertificate, renewedCertificateKey);
    chmodSync(join(folder, open), 0o777);
    await aMinuteLater(() => errors().length === 1);
    expect([renewals, (await handshake()).name]).toEqual([0, 'gateway.test']);
    chmodSync(join(folder, open), 0o700);
    while (renewals === 0) await clock.advance(60_000).then(() => new Promise((resolve) => setTimeout(resolve)));
    expect((await handshake()).name).toBe('renewed.test');
  });

  test('that does not go with its key leaves the old one, is told once, and mended later', async () => {
    write(renewedCertificate, strangersKey);
    await aMinuteLater(() => errors().length === 1);
    expect((await handshake()).name).toBe('gateway.test');
    expect(recorded.text).not.toContain('PRIVATE');
    write(renewedCertificate, renewedCertificateKey);
    while (renewals === 0) await clock.advance(60_000).then(() => new Promise((resolve) => setTimeout(resolve)));
    expect((await handshake()).name).toBe('renewed.test');
    expect(errors()).toHaveLength(1);
  });
});

describe('a handshake', () => {
  test('of TLS 1.2 is made with forward secrecy and authenticated encryption', async () => {
    const { protocol, cipher } = await handshake({ maxVersion: 'TLSv1.2' });
    expect(protocol).toBe('TLSv1.2');
    expect(cipher).toMatch(/^ECDHE-.*(GCM|CHACHA20)/);
  });

  test.each([
    ['CBC', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:AES128-SHA' }],
    ['RSA key exchange', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256:AES256-GCM-SHA384' }],
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }],
  ] as const)('with %s is refused, and so it stays after a renewal', async (_name, options) => {
    await expect(handshake(options)).rejects.toThrow();
    write(renewedCertificate, renewedCertificateKey);
    await aMinuteLater(() => renewals === 1);
    await expect(handshake(options)).rejects.toThrow();
  });
});
