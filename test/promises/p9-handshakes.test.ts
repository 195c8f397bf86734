import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { certificate, certificateKey } from '../kit/certificates.ts';
import { type BesiegedServer, besiegedServers } from '../kit/gateway/besieged-server.ts';
import { frontDoor } from '../kit/gateway/fake-devices.ts';
import { apiKey, until } from '../kit/gateway/http-fixture.ts';

/**
 * P9: strangers who shake hands and go, as fast as they can. A handshake takes a good part of a millisecond of the only thread; how many
 * there are is set by the clock, not by who dials, and those of others are not behind them. By a simulated clock each
 * counts half a millisecond, so that none of this depends on the machine.
 */

/** At once after a pause, and in half a second. */
const STRANGERS = 250;
const KNOWN = 500;

const besieged = besiegedServers();
const running = () => besieged({ tls: { cert: certificate, key: certificateKey } });
const sockets = new Set<Socket>();
const floods: { going: boolean }[] = [];
afterEach(() => {
  for (const flood of floods.splice(0)) flood.going = false;
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});

let hello: Buffer;
beforeAll(async () => {
  hello = await new Promise<Buffer>((resolve) => {
    const wire = new Duplex({ read: () => undefined, write: (chunk: Buffer) => resolve(chunk) });
    connectTls({ socket: wire }).on('error', () => undefined);
  });
});

function kept<T extends Socket>(socket: T): T {
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
  return socket;
}

const dial = ({ server }: BesiegedServer, localAddress: string): Socket =>
  kept(connectTcp({ port: Number(new URL(server.address ?? '').port), host: '127.0.0.1', localAddress }));

/** Says what a TLS client says first, and waits for the answer. */
function begins(site: BesiegedServer, localAddress: string) {
  const socket = dial(site, localAddress);
  const seen = { socket, answered: false, closed: false };
  socket.write(hello);
  socket.on('data', () => {
    seen.answered = true;
  });
  socket.on('close', () => {
    seen.closed = true;
  });
  return seen;
}

const secure = (site: BesiegedServer, localAddress: string): TLSSocket =>
  kept(connectTls({ socket: dial(site, localAddress), ca: certificate, checkServerIdentity: () => undefined }));

/** Shakes hands, hangs up and dials again, over so many connections. */
function flood(site: BesiegedServer, connections: number, localAddress: string) {
  const counts = { going: true, done: 0 };
  floods.push(counts);
  const again = () => {
    if (!counts.going) return;
    const socket = secure(site, localAddress);
    socket.on('secureConnect', () => {
      counts.done += 1;
      socket.destroy();
    });
    socket.on('close', again);
  };
  for (let index = 0; index < connections; index++) again();
  return counts;
}

const body = JSON.stringify({ device_id: frontDoor.deviceId });
const unlock =
  `POST /locks/unlock_door HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${apiKey}\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Sends a command over a connection of its own; `open` when the door's truth was told. */
function command(site: BesiegedServer, localAddress: string) {
  return commandOver(secure(site, localAddress));
}

function commandOver(socket: TLSSocket) {
  const asked = { open: false, socket };
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
    asked.open = text.includes('"status":"success"');
  });
  socket.write(unlock);
  return asked;
}

/** Turns the event loop until nothing more happens without time going by. */
async function settled(counts: { readonly done: number }): Promise<void> {
  let before = -1;
  while (counts.done !== before) {
    before = counts.done;
    for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets time go by until it holds; returns the milliseconds that it took. */
async function timeUntil({ clock }: BesiegedServer, holds: () => boolean, longestMs: number): Promise<number> {
  const from = clock.now();
  while (!holds() && clock.now() - from < longestMs) {
    await clock.advance(20);
    for (let turn = 0; turn < 20 && !holds(); turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  return clock.now() - from;
}

/** Answered: their handshakes have been begun, and the strangers' part of this second with them. */
async function usedUp(site: BesiegedServer, localAddress: string, left = STRANGERS): Promise<void> {
  const others = site.server.connections;
  const crowd = Array.from({ length: left }, () => begins(site, localAddress));
  await until(() => crowd.every(({ answered }) => answered));
  for (const { socket } of crowd) socket.destroy();
  await until(() => site.server.connections === others);
}

test('who shakes hands as fast as it goes gets what the clock allows, and it is told', async () => {
  const site = await running();
  const counts = flood(site, 20, '127.0.0.1');
  await settled(counts);
  expect(counts.done).toBe(STRANGERS);
  expect(site.bites).toContainEqual(expect.objectContaining({ limit: 'tls_handshakes', source: '127.0.0.1' }));
  for (let step = 0; step < 5; step++) {
    await site.clock.advance(100);
    await settled(counts);
  }
  // One may be begun while there is a little of the next one’s time.
  expect(counts.done).toBeGreaterThan(STRANGERS + 200);
  expect(counts.done).toBeLessThanOrEqual(2 * STRANGERS + 1);
});

test('somebody whom nobody knows, of another address, is next, however many wait before them', async () => {
  const site = await running();
  await usedUp(site, '127.0.0.1');
  const crowd = Array.from({ length: 300 }, () => begins(site, '127.0.0.1'));
  await until(() => site.server.connections === 300);
  const asked = command(site, '127.0.0.2');
  expect(await timeUntil(site, () => asked.open, 10_000)).toBeLessThanOrEqual(100);
  expect(crowd.some(({ closed }) => closed)).toBe(false);
});

test('of the same address they have their turn after those who were there before, within their deadline', async () => {
  const site = await running();
  await usedUp(site, '127.0.0.1');
  const counts = flood(site, 100, '127.0.0.1');
  await until(() => site.server.connections === 100);
  const asked = command(site, '127.0.0.1');
  expect(await timeUntil(site, () => asked.open, 10_000)).toBeLessThanOrEqual(1_500);
  expect(counts.done).toBeGreaterThan(0);
});

test('an address that a valid key came from waits for no stranger, and a connection that stands for nobody', async () => {
  const site = await running();
  const first = command(site, '127.0.0.3');
  await until(() => first.open);
  // Its own first one was a stranger's.
  await usedUp(site, '127.0.0.1', STRANGERS - 1);
  for (let index = 0; index < 300; index++) begins(site, '127.0.0.1');
  await until(() => site.server.connections === 301);
  // No time goes by.
  const second = command(site, '127.0.0.3');
  await until(() => second.open);
  const third = commandOver(first.socket);
  await until(() => third.open);
});

test('what a known address may have is bounded as well, and takes nothing from strangers', async () => {
  const site = await running();
  const first = command(site, '127.0.0.1');
  await until(() => first.open);
  first.socket.destroy();
  const counts = flood(site, 20, '127.0.0.1');
  await settled(counts);
  expect(counts.done).toBe(KNOWN);
  const asked = command(site, '127.0.0.2');
  await until(() => asked.open);
});

test('who has gone by the time of their turn costs none of it', async () => {
  const site = await running();
  await usedUp(site, '127.0.0.1');
  for (let round = 0; round < 4; round++) {
    const crowd = Array.from({ length: 100 }, () => begins(site, '127.0.0.1'));
    await until(() => site.server.connections === 100);
    for (const [index, { socket }] of crowd.entries()) {
      if (index % 2 === 0) socket.end();
      else socket.resetAndDestroy();
    }
    await until(() => site.server.connections === 0);
  }
  const asked = command(site, '127.0.0.1');
  expect(await timeUntil(site, () => asked.open, 10_000)).toBeLessThanOrEqual(100);
});

test('who waits for a turn that does not come is let go, and all of them when the gateway stops', async () => {
  const site = await running();
  await usedUp(site, '127.0.0.1');
  const crowd = Array.from({ length: 50 }, () => begins(site, '127.0.0.1'));
  await until(() => site.server.connections === 50);
  await site.server.close();
  await until(() => crowd.every(({ closed }) => closed));
  expect(site.server.connections).toBe(0);
  expect(site.clock.armedTimers).toBe(0);
});

test('nobody begins a second handshake on the same connection', async () => {
  const site = await running();
  const socket = kept(
    connectTls({
      socket: dial(site, '127.0.0.1'),
      ca: certificate,
      checkServerIdentity: () => undefined,
      maxVersion: 'TLSv1.2',
    }),
  );
  await new Promise<void>((resolve) => socket.once('secureConnect', resolve));
  let renegotiated = false;
  socket.renegotiate({ rejectUnauthorized: false }, (error) => {
    renegotiated = error === null;
  });
  for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(renegotiated).toBe(false);
  socket.destroy();
  const closed = site.server.close();
  await site.clock.advance(3_000);
  await closed;
});
