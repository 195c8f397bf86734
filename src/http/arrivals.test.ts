import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../test/kit/gateway/http-fixture.ts';
import { RudeClient } from '../../test/kit/sdk/rude-client.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { Arrivals } from './arrivals.ts';

const clients: RudeClient[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Enough is what ends with a full stop. */
async function running() {
  const clock = new SimulatedClock();
  const inside = new Set<Socket>();
  const ready: Socket[] = [];
  const arrivals = new Arrivals({
    clock,
    patienceMs: 10_000,
    lookMs: 2_000,
    isEnough: (heard) => heard.at(-1) === '.'.charCodeAt(0),
    onReady: (socket) => void ready.push(socket),
  });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    inside.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      inside.delete(socket);
      arrivals.delete(socket);
    });
    arrivals.add(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const dial = () => {
    const client = new RudeClient(port);
    clients.push(client);
    return client;
  };
  return { clock, inside, ready, arrivals, dial };
}

/** What can be read from a socket now, and later. */
function hear(socket: Socket): { text: string; ended: boolean } {
  const heard = { text: '', ended: false };
  socket.on('data', (chunk) => {
    heard.text += chunk;
  });
  socket.on('end', () => {
    heard.ended = true;
  });
  return heard;
}

test('whoever is silent is let go when the patience is over, and looked at by one timer for all', async () => {
  const { clock, inside, ready, dial } = await running();
  const crowd = Array.from({ length: 50 }, () => dial());
  await until(() => inside.size === 50);
  expect(clock.armedTimers).toBe(1);
  await clock.advance(9_000);
  expect(inside.size).toBe(50);
  await clock.advance(3_000);
  await until(() => crowd.every(({ ended }) => ended));
  expect([inside.size, ready.length, clock.armedTimers]).toEqual([0, 0, 0]);
});

test('what was said in pieces, before its turn and after, is read whole and in order', async () => {
  const { inside, ready, arrivals, dial, clock } = await running();
  const { socket } = dial();
  socket.write('one ');
  await until(() => inside.size === 1);
  socket.write('two.');
  await until(() => ready.length === 1);
  socket.write('three ');
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  const [mine] = ready;
  if (mine === undefined) throw new Error('nobody came');
  arrivals.release(mine);
  const heard = hear(mine);
  socket.write('four');
  await until(() => heard.text === 'one two.three four');
  socket.end();
  await until(() => heard.ended);
  expect(clock.armedTimers).toBe(0);
});

test.each([
  ['nothing', '', false],
  ['too little', 'one', false],
  ['enough, and does not wait', 'one.', true],
])('who said %s and closes their side is let go at once', async (_name, bytes, isReady) => {
  const { inside, ready, arrivals, dial } = await running();
  const { socket } = dial();
  await until(() => inside.size === 1);
  if (bytes !== '') socket.write(bytes);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(ready.length).toBe(isReady ? 1 : 0);
  socket.end();
  await until(() => inside.size === 0);
  const [mine] = ready;
  if (mine !== undefined) arrivals.release(mine);
});

test('who says more than a beginning has while they wait is let go', async () => {
  const { inside, ready, dial } = await running();
  const { socket } = dial();
  socket.write('one.');
  await until(() => ready.length === 1);
  socket.write('x'.repeat(200_000));
  await until(() => inside.size === 0);
});

test('all of them are let go when the gateway stops', async () => {
  const { inside, arrivals, dial, clock } = await running();
  for (let index = 0; index < 20; index++) dial().socket.write(index % 2 === 0 ? '' : 'one');
  await until(() => inside.size === 20);
  arrivals.close();
  await until(() => inside.size === 0);
  expect(clock.armedTimers).toBe(0);
});
