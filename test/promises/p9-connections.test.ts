import { describe, expect, test } from 'vitest';
import { certificate, certificateKey } from '../kit/certificates.ts';
import { type BesiegedServer, besiegedServers } from '../kit/gateway/besieged-server.ts';
import { frontDoor } from '../kit/gateway/fake-devices.ts';
import { apiKey, until } from '../kit/gateway/http-fixture.ts';
import type { RudeClient } from '../kit/sdk/rude-client.ts';

const running = besiegedServers();

const tls = { cert: certificate, key: certificateKey };
/** Clients are given up at once, so that no test waits. */
const hasty = { handshakeMs: 20, requestMs: 20, checkMs: 10, stuckMs: 60_000 };

/** Dials so many, waiting until each is in. */
async function crowd(count: number, site: BesiegedServer, localAddress?: string) {
  const all: RudeClient[] = [];
  for (let index = 0; index < count; index++) {
    const client = site.dial(localAddress);
    await until(() => client.socket.readyState === 'open' || client.closed);
    all.push(client);
  }
  return all;
}

const body = JSON.stringify({ device_id: frontDoor.deviceId });
const unlock =
  `POST /locks/unlock_door HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${apiKey}\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const health = 'GET /health HTTP/1.1\r\nHost: gateway\r\n\r\n';

async function opensTheDoor(client: RudeClient): Promise<void> {
  client.socket.write(unlock);
  await until(() => client.text.includes('"status":"success"') || client.ended);
  expect(client.text).toContain('"status":"success"');
}

describe('a connection that cannot go on is let go, whatever its other end does', () => {
  test.each([
    ['a TLS handshake that never begins', '', { tls, patience: hasty }],
    ['half a TLS handshake', '\x16\x03\x01\x02\x00\x01', { tls, patience: hasty }],
    ['no TLS at all', health, { tls }],
    ['a request that never begins', '', { patience: hasty }],
    ['half a request', 'POST /locks/unlock_door HTTP/1.1\r\nHost: g\r\nContent-Le', { patience: hasty }],
    ['a body that never comes', unlock.slice(0, -1), { patience: hasty }],
    ['a header without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(70_000)}`, {}],
    ['no HTTP at all', 'open sesame\r\n\r\n', {}],
  ])('%s', async (_name, bytes, options) => {
    const site = await running(options);
    const client = site.dial();
    client.socket.write(bytes, 'latin1');
    await until(() => site.server.connections === 1);
    // Who says too little for a beginning is judged by the gateway's clock.
    await site.clock.advance(hasty.requestMs + hasty.checkMs);
    await until(() => client.ended);
    // Its client reads what was said and leaves its own side open.
    await site.clock.advance(5_000);
    await until(() => site.server.connections === 0);
  });

  test('half a request, whose client has closed its side', async () => {
    const site = await running();
    const client = site.dial();
    client.socket.end('POST /locks/unlock_door HTTP/1.1\r\nHost: g\r\nContent-Le');
    await until(() => client.ended);
    await until(() => site.server.connections === 0);
  });

  test('an event stream that has ended, whose client leaves its side open', async () => {
    const site = await running();
    const client = site.dial();
    client.socket.write(
      `GET /events/stream HTTP/1.1\r\nHost: g\r\nConnection: close\r\nAuthorization: Bearer ${apiKey}\r\n\r\n`,
    );
    await until(() => client.text.includes('text/event-stream'));
    // By then the key is asked for again.
    await site.clock.advance(3_600_000);
    await until(() => client.ended);
    await site.clock.advance(60_000);
    await until(() => site.server.connections === 0);
  });

  test('unfinished handshakes are gone when the gateway stops, at once', async () => {
    const site = await running({ tls });
    await crowd(200, site);
    await until(() => site.server.connections === 200);
    await site.server.close();
    expect(site.server.connections).toBe(0);
    expect(site.clock.armedTimers).toBe(0);
  });
});

describe('connections are shared out', () => {
  test('strangers of one address keep nobody out: not each other, not a client of the same address', async () => {
    const site = await running({ maxConnections: 64 });
    await crowd(200, site);
    expect(site.server.connections).toBeLessThanOrEqual(48);
    await opensTheDoor(site.dial());
    await opensTheDoor(site.dial('127.0.0.2'));
    expect(site.bites[0]).toMatchObject({ limit: 'http_connections', source: '127.0.0.1' });
  });

  test('those of many addresses take no more than the strangers’ share', async () => {
    const site = await running({ maxConnections: 64 });
    for (let host = 2; host < 30; host++) await crowd(8, site, `127.0.0.${host}`);
    await until(() => site.server.connections <= 48);
    await opensTheDoor(site.dial('127.0.0.99'));
  });

  test('who asked with a valid key stays while strangers come and go', async () => {
    const site = await running({ maxConnections: 32 });
    const honest = site.dial();
    await opensTheDoor(honest);
    await crowd(100, site);
    honest.text = '';
    await opensTheDoor(honest);
  });

  test('with valid keys alone the one that was idle longest goes, never one with a command under way', async () => {
    const site = await running({ maxConnections: 16 });
    site.gateway.outcome = () => undefined;
    const waiting = site.dial();
    waiting.socket.write(unlock);
    await until(() => site.gateway.accepted.length === 1);
    const [attempt] = site.gateway.accepted;
    site.gateway.outcome = () => ({ status: 'success', result: { was_confirmed_by_device: true } });
    for (let index = 0; index < 40; index++) {
      const client = site.dial();
      await opensTheDoor(client);
    }
    expect(site.server.connections).toBeLessThanOrEqual(16);
    site.gateway.end({ status: 'success', result: { was_confirmed_by_device: true } }, attempt?.actionAttemptId);
    await until(() => waiting.text.includes('"status":"success"') || waiting.ended);
    expect(waiting.text).toContain('"status":"success"');
  });

  test('the same holds before TLS is spoken', async () => {
    const site = await running({ tls, maxConnections: 32 });
    await crowd(100, site);
    expect(site.server.connections).toBeLessThanOrEqual(24);
  });
});

describe('what may be asked without a key is bounded', () => {
  test('a thousand requests in one packet cost their sender the connection, and no door its turn', async () => {
    const site = await running();
    const client = site.dial();
    client.socket.write(health.repeat(1_000));
    await until(() => client.ended);
    expect(client.text.split('HTTP/1.1 200').length).toBeLessThan(20);
    expect(site.bites[0]).toMatchObject({ limit: 'http_connections' });
    await opensTheDoor(site.dial());
  });

  test.each(['/health', '/openapi.json', '/devices/list', '/no/such/route', '/events/stream', '/metrics'])(
    '%s a hundred times at once: the rest is refused before work is done for it',
    async (path) => {
      const site = await running();
      const statuses: string[] = [];
      for (let index = 0; index < 100; index++) {
        const client = site.dial();
        client.socket.write(`GET ${path} HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n`);
        await until(() => client.ended);
        statuses.push(client.text.slice(9, 12));
      }
      expect(statuses.filter((status) => status === '429')).toHaveLength(40);
      expect(site.bites).toContainEqual(expect.objectContaining({ limit: 'http_requests', source: '127.0.0.1' }));
      await opensTheDoor(site.dial());
      // Another address has its own share, and this one gets a new one with time.
      const other = site.dial('127.0.0.2');
      other.socket.write(health);
      await until(() => other.text.includes('HTTP/1.1 200'));
      await site.clock.advance(1_000);
      const again = site.dial();
      again.socket.write(health);
      await until(() => again.text.includes('HTTP/1.1 200'));
    },
  );

  test('the API description is sent once: whoever has it is told that it is the same', async () => {
    const { server } = await running();
    const first = await server.inject({ method: 'GET', url: '/openapi.json' });
    const etag = String(first.headers.etag);
    expect(etag).toMatch(/^"[\w-]{20,}"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await server.inject({ method: 'GET', url: '/openapi.json', headers: { 'if-none-match': known } });
      expect(again.statusCode).toBe(304);
      expect(again.body).toBe('');
    }
    const other = await server.inject({ method: 'GET', url: '/openapi.json', headers: { 'if-none-match': '"x"' } });
    expect(other.statusCode).toBe(200);
  });
});
