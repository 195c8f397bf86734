import { connect } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { frontDoor } from '../../test/kit/gateway/fake-devices.ts';
import { FakeGateway } from '../../test/kit/gateway/fake-gateway.ts';
import { apiKey, httpFixture, keyWith } from '../../test/kit/gateway/http-fixture.ts';
import { fc } from '../../test/kit/seeded-properties.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { permissionScopes } from '../model/permission.ts';
import { hasDuplicateKeys } from './json-body.ts';
import { createHttpServer, type HttpServer } from './server.ts';

const servers: HttpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** Sends a command byte by byte as told, over a socket: headers may come twice. */
async function unlock(headers: readonly string[], body = JSON.stringify({ device_id: frontDoor.deviceId })) {
  const { gateway, port } = await listening();
  const isChunked = headers.some((header) => header.startsWith('Transfer-Encoding'));
  const length = isChunked ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const sent = isChunked ? `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
  const head = ['POST /locks/unlock_door HTTP/1.1', 'Connection: close', ...length, ...headers];
  const answer = await said(port, `${[...head, '', ''].join('\r\n')}${sent}`);
  const [, status] = /^(?:HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 (\d+)/.exec(answer) ?? [];
  return { status: Number(status), answer, accepted: gateway.accepted.length };
}

async function listening() {
  const gateway = new FakeGateway(new SimulatedClock());
  const server = createHttpServer({
    gateway,
    keys: { verify: (key) => (key === apiKey ? keyWith(permissionScopes) : undefined) },
    holdMs: 0,
    log: pino({ level: 'silent' }),
  });
  servers.push(server);
  const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
  return { gateway, port: Number(port) };
}

/** What was answered until the connection was closed. */
const said = (port: number, bytes: string) =>
  new Promise<string>((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', () => undefined);
  });

const usual = ['Host: g', `Authorization: Bearer ${apiKey}`, 'Content-Type: application/json'];

describe('a request that can be read in two ways opens no door', () => {
  test.each([
    ['two keys for repeating', [...usual, 'Idempotency-Key: a', 'Idempotency-Key: b']],
    ['the same one twice', [...usual, 'Idempotency-Key: a', 'idempotency-key: a']],
    ['two authorizations', [...usual, 'Authorization: Bearer seam_gw1_other']],
    ['two content types', [...usual, 'Content-Type: application/json']],
    ['two hosts', [...usual, 'Host: other']],
    ['compressed', [...usual, 'Content-Encoding: gzip']],
    ['compressed twice', [...usual, 'Content-Encoding: identity, br']],
    ['another charset', [...usual.slice(0, 2), 'Content-Type: application/json; charset=utf-16']],
    ['compressed on its way', [...usual, 'Transfer-Encoding: gzip, chunked']],
    ['compressed in two lines', [...usual, 'Transfer-Encoding: deflate', 'Transfer-Encoding: chunked']],
    ['without a host', usual.slice(1)],
    ['with an expectation that nobody knows', [...usual, 'Expect: coffee']],
    ['another charset, quoted', [...usual.slice(0, 2), 'Content-Type: application/json;charset="latin1"']],
  ])('%s', async (_name, headers) => {
    const { status, accepted, answer } = await unlock(headers);
    expect(status).toBe(400);
    if (!answer.includes('not a valid HTTP request')) expect(answer).toContain('"invalid_input"');
    expect(accepted).toBe(0);
  });

  test.each([100, 200, 1_000])('a header behind %i others is not passed over', async (count) => {
    const others = Array.from({ length: count }, (_, index) => `X-${index}: 1`);
    const { status, accepted, answer } = await unlock([...usual, ...others, 'Idempotency-Key: a']);
    expect([status, accepted]).toEqual([413, 0]);
    expect(answer).toContain('100 header lines');
  });

  test('a parameter with one value in the query and another in the body', async () => {
    const { call, gateway } = httpFixture();
    const both = (one: string, other: string) =>
      call('DELETE', `/access_codes/delete?access_code_id=${one}`, { access_code_id: other });
    expect(await both('a', 'b')).toMatchObject({ status: 400, body: { error: { type: 'invalid_input' } } });
    expect((await both('a', 'a')).body.error.type).toBe('access_code_not_found');
    expect(gateway.accepted).toEqual([]);
  });

  test.each([
    ['', `{"device_id":"${frontDoor.deviceId}","device_id":"x"}`],
    ['spelt differently', `{"device_id":"${frontDoor.deviceId}","device\\u005fid":"x"}`],
    ['further inside', `{"device_id":"${frontDoor.deviceId}","x":[{"a":1,"b":{"a":2},"a":3}]}`],
  ])('a key of its body twice %s', async (_name, body) => {
    const { status, accepted, answer } = await unlock(usual, body);
    expect(status).toBe(400);
    expect(answer).toContain('twice');
    expect(accepted).toBe(0);
  });

  test.each([
    ['plain', usual],
    ['with its charset', [...usual.slice(0, 2), 'Content-Type: application/json; charset=UTF-8']],
    ['in pieces', [...usual, 'Transfer-Encoding: Chunked']],
    ['with the expectation that there is', [...usual, 'Expect: 100-Continue']],
    ['said to be as it is', [...usual, 'Content-Encoding: identity', 'Idempotency-Key: a']],
  ])('one that cannot does: %s', async (_name, headers) => {
    expect(await unlock(headers)).toMatchObject({ status: 200, accepted: 1 });
  });
});

test.each([
  ['with an expectation that nobody knows', 'GET /health HTTP/1.1\r\nHost: g\r\nExpect: coffee\r\n'],
  ['without a host', 'GET /health HTTP/1.1\r\n'],
])('what strangers ask is counted also when it is none: %s', async (_name, head) => {
  const { port } = await listening();
  const bytes = `${`${head}\r\n`.repeat(7)}${head}Connection: close\r\n\r\n`;
  const answers: string[] = [];
  for (let connection = 0; connection < 10; connection++)
    answers.push(...((await said(port, bytes)).match(/HTTP\/1\.1 \d+/g) ?? []));
  expect(answers.filter((line) => line.endsWith('400'))).toHaveLength(60);
  expect(answers.at(-1)).toBe('HTTP/1.1 429');
});

describe('keys that come twice', () => {
  test('are in no JSON that was made of objects', () => {
    fc.assert(fc.property(fc.json(), (json) => !hasDuplicateKeys(json)));
  });

  test('are found wherever an object has one again', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }),
        fc.nat(),
        fc.jsonValue(),
        (object, pick, value) => {
          const keys = Object.keys(object);
          const key = keys[pick % keys.length] ?? '';
          const doubled = `${JSON.stringify(object).slice(0, -1)},${JSON.stringify(key)}:${JSON.stringify(value)}}`;
          expect(hasDuplicateKeys(doubled)).toBe(true);
          expect(hasDuplicateKeys(`[1,{"x":${doubled}}]`)).toBe(true);
        },
      ),
    );
  });
});

test('the next page is at this gateway, whatever Host a client names', async () => {
  const { call } = httpFixture();
  const page = await call('GET', '/devices/list?limit=2', undefined, {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
  });
  expect(page.body.pagination.next_page_url).not.toContain('evil');
  expect(new URL(page.body.pagination.next_page_url).pathname).toBe('/devices/list');
});
