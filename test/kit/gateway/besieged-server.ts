import { pino } from 'pino';
import { afterEach } from 'vitest';
import type { LimitBite } from '../../../src/contract/index.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../../src/http/server.ts';
import { permissionScopes } from '../../../src/model/permission.ts';
import { RudeClient } from '../sdk/rude-client.ts';
import { FakeGateway } from './fake-gateway.ts';
import { apiKey, keyWith } from './http-fixture.ts';

/** A server on a simulated clock for clients that misbehave. */
export interface BesiegedServer {
  readonly clock: SimulatedClock;
  readonly gateway: FakeGateway;
  readonly server: HttpServer;
  readonly bites: LimitBite[];
  dial(localAddress?: string): RudeClient;
}

/** Call it once in a file: each test may have its servers, which end with it, and all who dialled them. */
export function besiegedServers(): (options?: Partial<HttpServerOptions>) => Promise<BesiegedServer> {
  const clients = new Set<RudeClient>();
  const servers: HttpServer[] = [];
  afterEach(async () => {
    for (const { socket } of clients) socket.destroy();
    clients.clear();
    for (const server of servers.splice(0)) await server.close();
  });
  return async (options = {}) => {
    const clock = new SimulatedClock();
    const gateway = new FakeGateway(clock);
    gateway.outcome = () => ({ status: 'success', result: { was_confirmed_by_device: true } });
    const bites: LimitBite[] = [];
    const server = createHttpServer({
      gateway,
      keys: { verify: (key) => (key === apiKey ? keyWith(permissionScopes) : undefined) },
      holdMs: 1_000,
      log: pino({ level: 'silent' }),
      onLimit: (bite) => void bites.push(bite),
      ...options,
    });
    servers.push(server);
    const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
    const dial = (localAddress?: string) => {
      const client = new RudeClient(Number(port), localAddress);
      clients.add(client);
      client.socket.once('close', () => clients.delete(client));
      return client;
    };
    return { clock, gateway, server, bites, dial };
  };
}
