import { afterEach, describe, expect, test } from 'vitest';
import { type BesiegedServer, besiegedServers } from '../kit/gateway/besieged-server.ts';
import { frontDoor } from '../kit/gateway/fake-devices.ts';
import { apiKey, until } from '../kit/gateway/http-fixture.ts';
import type { RudeClient } from '../kit/sdk/rude-client.ts';

/**
 * Strangers who dial and ask as fast as they are answered. What they are told, and what it costs, is set by the clock and
 * not by them; and nobody with a key waits for it.
 */

const running = besiegedServers();
const floods: Flood[] = [];
afterEach(() => {
  for (const flood of floods.splice(0)) flood.end();
});

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Asks again as soon as it was answered, and dials again as soon as it was hung up on. */
class Flood {
  answers = 0;
  #going = true;
  readonly #site: BesiegedServer;
  readonly #ask: (client: RudeClient) => void;

  constructor(site: BesiegedServer, connections: number, ask: (client: RudeClient) => void) {
    this.#site = site;
    this.#ask = ask;
    floods.push(this);
    for (let index = 0; index < connections; index++) this.#dial();
  }

  end(): void {
    this.#going = false;
  }

  #dial(): void {
    if (!this.#going) return;
    const client = this.#site.dial();
    const { socket } = client;
    socket.on('connect', () => this.#ask(client));
    socket.on('data', () => {
      if (!/(\}|^HTTP\/1.1 304 .*\r\n\r\n)$/s.test(client.text)) return;
      client.text = '';
      this.answers += 1;
      if (socket.writable) this.#ask(client);
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.#dial();
    });
  }
}

/** Lets so many seconds go by, in steps with room for hundreds of answers each, or until no more come. */
async function seconds(site: BesiegedServer, count: number, flood: Flood): Promise<void> {
  for (let step = 0; step < count * 2; step++) {
    await site.clock.advance(500);
    let before = -1;
    for (let round = 0; round < 10 && flood.answers !== before; round++) {
      before = flood.answers;
      await turns(30);
    }
  }
}

const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: g\r\n${headers}\r\n`;
/** Not sent once more: what is counted are answers. */
const known = 'If-None-Match: *\r\n';
const body = JSON.stringify({ device_id: frontDoor.deviceId });
const unlock =
  `POST /locks/unlock_door HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${apiKey}\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** No second goes by meanwhile: whoever is held would wait for ever. */
async function isAnsweredAtOnce(client: RudeClient, request: string, expected: string): Promise<void> {
  client.text = '';
  client.socket.write(request);
  await until(() => client.text.includes(expected) || client.ended);
  expect(client.text).toContain(expected);
}

test('a thousand that dial in the same moment are all taken in: nobody is turned away by the system, unseen', async () => {
  const { dial } = await running();
  const crowd = Array.from({ length: 1_000 }, () => dial());
  // One is taken in each turn. Whoever is turned away dials again after a second, which is tens of thousands of turns.
  await turns(4_000);
  const inside = crowd.filter(({ socket, ended }) => socket.readyState === 'open' || ended);
  expect(inside).toHaveLength(1_000);
});

describe('fifty that ask as fast as they are answered get what the clock allows', () => {
  test.each<[string, (client: RudeClient) => void]>([
    ['for the health', ({ socket }) => socket.write(get('/health'))],
    ['for the API description', ({ socket }) => socket.write(get('/openapi.json', known))],
    [
      'for it with a key of nobody',
      ({ socket }) => socket.write(get('/openapi.json', `${known}Authorization: Bearer x\r\n`)),
    ],
    ['for the health by another scheme', ({ socket }) => socket.write(get('/health', 'Authorization: Basic eDp4\r\n'))],
    ['for doors', ({ socket }) => socket.write(get('/devices/list'))],
    [
      'for doors by another scheme',
      ({ socket }) => socket.write(get('/devices/list', 'Authorization: Basic eDp4\r\n')),
    ],
    [
      'for doors with a key of nobody',
      ({ socket }) => socket.write(get('/devices/list', 'Authorization: Bearer x\r\n')),
    ],
    [
      'for doors with an invented session',
      ({ socket }) =>
        socket.write(
          get('/devices/list', `X-Strikeplate-Console: 1\r\nCookie: strikeplate_session=${'x'.repeat(43)}\r\n`),
        ),
    ],
    ['for what there is not', ({ socket }) => socket.write(get('/no/such/route'))],
    ['in something that is not HTTP', ({ socket }) => socket.write('open sesame\r\n\r\n')],
    ['with half a request, their side closed', ({ socket }) => socket.end('POST /locks/unlock_door HTTP/1.1\r\nHo')],
  ])('%s', async (_name, ask) => {
    const site = await running();
    const honest = site.dial();
    await isAnsweredAtOnce(honest, unlock, '"status":"success"');
    const flood = new Flood(site, 50, ask);
    // Before any time goes by: what it asks for may still have to be read from the disk.
    await until(() => site.bites.some(({ limit, source }) => limit === 'http_requests' && source === '127.0.0.1'));
    await seconds(site, 3, flood);
    // Twenty a second are answered, twenty are refused at once, and fifty wait five seconds each.
    const before = flood.answers;
    await seconds(site, 6, flood);
    expect((flood.answers - before) / 6).toBeLessThanOrEqual(60);

    // From the same address: a connection that is known, whatever it asks, and a new one that brings its key.
    for (let times = 0; times < 3; times++) {
      await isAnsweredAtOnce(honest, get('/health'), '{"ok":true}');
      await isAnsweredAtOnce(honest, unlock, '"status":"success"');
      await isAnsweredAtOnce(site.dial(), unlock, '"status":"success"');
    }
    flood.end();
  });
});

test('a load balancer that asks each second over ten connections never waits, and is told of by nobody', async () => {
  const site = await running();
  const probes = Array.from({ length: 10 }, () => site.dial());
  for (let second = 0; second < 60; second++) {
    await Promise.all(probes.map((probe) => isAnsweredAtOnce(probe, get('/health'), '{"ok":true}')));
    await site.clock.advance(1_000);
  }
  expect(site.bites).toEqual([]);
});

test('those who are held go first when there is no room: before an idle connection, before anybody with a key', async () => {
  const site = await running({ maxConnections: 64 });
  const idle = site.dial();
  await isAnsweredAtOnce(idle, get('/health'), '{"ok":true}');
  const known = site.dial();
  await isAnsweredAtOnce(known, unlock, '"status":"success"');
  const flood = new Flood(site, 40, ({ socket }) => socket.write(get('/health')));
  await seconds(site, 2, flood);
  const more = new Flood(site, 30, ({ socket }) => socket.write(get('/health')));
  await seconds(site, 2, more);
  expect(site.server.connections).toBeLessThanOrEqual(49);
  for (let index = 0; index < 20; index++) await isAnsweredAtOnce(site.dial(), unlock, '"status":"success"');
  flood.end();
  more.end();
  // It has no key, and waits for its turn as any other of this address; but it is there.
  expect(idle.ended).toBe(false);
  await isAnsweredAtOnce(known, unlock, '"status":"success"');
});

/** From this address nothing is answered without a key, and nothing refused at once, until time goes by. */
async function isHeld(site: BesiegedServer): Promise<void> {
  for (let times = 0; times < 120; times++) {
    const client = site.dial();
    client.socket.write(get('/health', 'Connection: close\r\n'));
    await until(() => client.ended);
  }
  await until(() => site.server.connections === 0);
}

test.each([
  ['asked', get('/health')],
  ['asked with a body that never comes', `POST /health HTTP/1.1\r\nHost: g\r\nContent-Length: 100000\r\n\r\nx`],
  ['sent what is no HTTP', 'open sesame\r\n\r\n'],
])('who %s, is held and goes is noticed at once', async (_name, bytes) => {
  const site = await running();
  await isHeld(site);
  // Half a request and a side closed is one more thing to refuse, and waits.
  const leaves = bytes.endsWith('x') ? (['resetAndDestroy'] as const) : (['end', 'resetAndDestroy'] as const);
  for (const leave of leaves) {
    const crowd = Array.from({ length: 20 }, () => site.dial());
    for (const { socket } of crowd) socket.write(bytes);
    await until(() => site.server.connections === 20);
    await turns(200);
    expect(crowd.some(({ ended, text }) => ended || text !== '')).toBe(false);
    for (const { socket } of crowd) socket[leave]();
    await until(() => site.server.connections === 0);
  }
});

test('who is held and sends a valid key after all waits no longer', async () => {
  const site = await running();
  await isHeld(site);
  const client = site.dial();
  client.socket.write(get('/health'));
  await turns(200);
  expect(client.text).toBe('');
  client.socket.write(unlock);
  await until(() => client.text.includes('"status":"success"') || client.ended);
  expect(client.text).toMatch(/^HTTP\/1\.1 429 /);
});

test('who is held is gone when the gateway stops, at once', async () => {
  const site = await running();
  const flood = new Flood(site, 80, ({ socket }) => socket.write(get('/health')));
  await seconds(site, 2, flood);
  expect(site.server.connections).toBeGreaterThan(40);
  flood.end();
  await site.server.close();
  expect(site.server.connections).toBe(0);
  expect(site.clock.armedTimers).toBe(0);
});
