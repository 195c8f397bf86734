import { get } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { certificate, certificateKey } from '../../test/kit/certificates.ts';
import { frontDoor } from '../../test/kit/gateway/fake-devices.ts';
import { FakeGateway } from '../../test/kit/gateway/fake-gateway.ts';
import { apiKey, keyWith, until } from '../../test/kit/gateway/http-fixture.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { permissionScopes } from '../model/permission.ts';
import { createHttpServer, type HttpServer } from './server.ts';

const sockets: Socket[] = [];
const servers: HttpServer[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await server.close();
});

async function running(holdMs = 0, tls?: { cert: string; key: string }) {
  const clock = new SimulatedClock();
  const gateway = new FakeGateway(clock);
  const verify = (key: string) => (key === apiKey ? keyWith(permissionScopes) : undefined);
  const server = createHttpServer({
    gateway,
    keys: { verify },
    holdMs,
    log: pino({ level: 'silent' }),
    ...(tls && { tls }),
  });
  servers.push(server);
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  return { clock, gateway, server, address, dial: () => dial(Number(new URL(address).port)) };
}

/** A client that writes bytes and sees what comes back, however rude. */
function dial(port: number) {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  const seen = { text: '', ended: false, error: undefined as Error | undefined };
  socket.setEncoding('utf8');
  socket.on('data', (chunk) => {
    seen.text += chunk;
  });
  socket.on('close', () => {
    seen.ended = true;
  });
  socket.on('error', (error) => {
    seen.error = error;
  });
  return { socket, seen };
}

const post = (url: string, body: string, headers = '') =>
  `POST ${url} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${apiKey}\r\nContent-Type: application/json\r\n` +
  `Content-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
const health = 'GET /health HTTP/1.1\r\nHost: gateway\r\n\r\n';
const unlock = post('/locks/unlock_door', JSON.stringify({ device_id: frontDoor.deviceId }));

describe('rude clients', () => {
  test('5 MB are answered with 413 on a connection that goes on', async () => {
    const { gateway, dial } = await running();
    const { socket, seen } = dial();
    socket.write(post('/locks/unlock_door', `{"device_id":"${'x'.repeat(5_000_000)}"}`));
    await until(() => seen.text.includes('payload_too_large'));
    expect(seen.text).toMatch(/^HTTP\/1\.1 413 /);
    socket.write(health);
    await until(() => seen.text.includes('HTTP/1.1 200 OK'));
    expect(seen.error).toBeUndefined();
    expect(gateway.accepted).toEqual([]);
  });

  test('the same without a length', async () => {
    const { dial } = await running();
    const { socket, seen } = dial();
    socket.write(
      `POST /locks/unlock_door HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${apiKey}\r\n` +
        'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const chunk = 'x'.repeat(100_000);
    for (let sent = 0; sent < 50; sent++) socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
    socket.write('0\r\n\r\n');
    await until(() => seen.text.includes('payload_too_large'));
    socket.write(health);
    await until(() => seen.text.includes('HTTP/1.1 200 OK'));
    expect(seen.error).toBeUndefined();
  });

  test('without a key not even the body is read', async () => {
    const { dial } = await running();
    const { socket, seen } = dial();
    socket.write(
      'POST /locks/unlock_door HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n{',
    );
    await until(() => seen.text.includes('unauthorized'));
    expect(seen.text).toMatch(/^HTTP\/1\.1 401 /);
  });

  test.each([
    ['a URL without end', `GET /devices/list?search=${'x'.repeat(100_000)} HTTP/1.1\r\nHost: gateway\r\n\r\n`, 413],
    ['no HTTP at all', 'open sesame\r\n\r\n', 400],
    ['two lengths', 'POST /health HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
  ])('%s', async (_name, bytes, status) => {
    const { server, dial } = await running();
    const { socket, seen } = dial();
    socket.write(bytes);
    await until(() => seen.ended);
    expect(seen.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(seen.text).toMatch(/seam-request-id: \S{30,}/);
    const body = JSON.parse(seen.text.slice(seen.text.indexOf('\r\n\r\n')));
    expect(body).toMatchObject({ ok: false, error: { type: status === 413 ? 'payload_too_large' : 'invalid_input' } });
    expect((await server.inject({ method: 'GET', url: '/health' })).statusCode).toBe(200);
  });

  test('a list of ids of 40 KB fits into a query', async () => {
    const { dial } = await running();
    const { socket, seen } = dial();
    const ids = Array.from({ length: 800 }, (_, id) => `device_ids=${'0'.repeat(36)}${id}`).join('&');
    socket.write(`GET /devices/list?${ids} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${apiKey}\r\n\r\n`);
    await until(() => seen.text.includes('"devices":[]'));
  });

  test('a client that hangs up cancels nothing', async () => {
    const { gateway, dial } = await running(1000);
    const { socket } = dial();
    socket.write(unlock);
    await until(() => gateway.accepted.length === 1);
    socket.destroy();
    gateway.end({ status: 'success', result: { was_confirmed_by_device: true } });
    expect(gateway.attempts.list({ limit: 1 })[0]?.settlement?.status).toBe('success');
  });
});

describe('closing', () => {
  test('answers held requests with their attempts as they are, then hangs up', async () => {
    const { gateway, clock, server, dial } = await running(20_000);
    const { socket, seen } = dial();
    const idle = dial();
    idle.socket.write(health);
    await until(() => idle.seen.text.includes('200 OK'));
    socket.write(unlock);
    await until(() => gateway.accepted.length === 1 && clock.armedTimers === 1);
    const closed = server.close();
    await until(() => seen.ended && idle.seen.ended);
    expect(seen.text).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen.text.toLowerCase()).toContain('connection: close');
    expect(seen.text).toContain(`"action_attempt_id":"${gateway.accepted[0]?.actionAttemptId}"`);
    expect(seen.text).toContain('"status":"pending"');
    await closed;
    expect(clock.armedTimers).toBe(0);
    await server.close();
  });

  test('accepts nothing new while it waits for a request under way', async () => {
    const { gateway, server, dial } = await running();
    let commit = () => {};
    gateway.beforeAccept = () =>
      new Promise((resolve) => {
        commit = resolve;
      });
    const { socket, seen } = dial();
    const late = dial();
    await beginBody(late, '{"device_id":"x"');
    socket.write(unlock);
    await until(() => commit.length === 1);
    const closed = server.close();
    late.socket.write('}');
    await until(() => late.seen.text.includes('gateway_stopping'));
    expect(late.seen.text).toMatch(/HTTP\/1\.1 503 /);
    commit();
    await until(() => seen.ended && late.seen.ended);
    expect(seen.text).toContain('"status":"pending"');
    expect(gateway.accepted).toHaveLength(1);
    await closed;
  });

  test('hangs up on a request that never ends', async () => {
    const { clock, server, dial } = await running();
    const client = dial();
    await beginBody(client, '{"device_id":');
    const closed = server.close();
    await until(() => clock.armedTimers === 1);
    await clock.advance(3000);
    await closed;
    await until(() => client.seen.ended);
  });
});

/** Sends a command but for the last byte of its body, and waits until the server has begun to read it. */
async function beginBody({ socket, seen }: ReturnType<typeof dial>, body: string): Promise<void> {
  const whole = post('/locks/lock_door', `${body}}`, 'Expect: 100-continue\r\n');
  socket.write(whole.slice(0, -1));
  await until(() => seen.text.includes('100 Continue'));
}

test('speaks TLS with the certificate it is given', async () => {
  const { address } = await running(0, { cert: certificate, key: certificateKey });
  expect(address).toMatch(/^https:/);
  const { status, protocol } = await new Promise<{ status: number | undefined; protocol: string | null }>(
    (resolve, reject) => {
      get(`${address}/health`, { ca: certificate, agent: false }, (answer) => {
        answer.resume();
        const socket = answer.socket as TLSSocket;
        resolve({ status: answer.statusCode, protocol: socket.getProtocol() });
      }).on('error', reject);
    },
  );
  expect(status).toBe(200);
  expect(protocol).toBe('TLSv1.3');
});
