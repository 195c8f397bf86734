import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { permissionScopes } from '../../src/model/permission.ts';
import { FakeGateway } from '../kit/gateway/fake-gateway.ts';
import { apiKey, keyWith } from '../kit/gateway/http-fixture.ts';
import { RudeClient } from '../kit/sdk/rude-client.ts';

const clients: RudeClient[] = [];
const servers: HttpServer[] = [];
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await server.close();
});

test('a thousand that dial in the same moment are all taken in: nobody is turned away by the system, unseen', async () => {
  const server = createHttpServer({
    gateway: new FakeGateway(new SimulatedClock()),
    keys: { verify: (key) => (key === apiKey ? keyWith(permissionScopes) : undefined) },
    holdMs: 1_000,
    log: pino({ level: 'silent' }),
  });
  servers.push(server);
  const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
  for (let index = 0; index < 1_000; index++) clients.push(new RudeClient(Number(port)));
  // One is taken in each turn. Whoever is turned away dials again after a second, which is tens of thousands of turns.
  for (let turn = 0; turn < 4_000; turn++) await new Promise((resolve) => setImmediate(resolve));
  const inside = clients.filter(({ socket, ended }) => socket.readyState === 'open' || ended);
  expect(inside).toHaveLength(1_000);
});
