import { type Logger, pino } from 'pino';
import { afterEach } from 'vitest';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import type { ApiKey } from '../../../src/http/api-keys.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/server.ts';
import { type PermissionScope, permissionScopes } from '../../../src/model/permission.ts';
import { FakeGateway } from './fake-gateway.ts';
import { fakeOwnServices } from './fake-own-services.ts';

export const apiKey = 'seam_gw1_0123456789abcdefghijABCDEFGHIJ0123456789';

export const keyWith = (scopes: readonly PermissionScope[], id = 'key_1', devices?: readonly string[]): ApiKey => ({
  id,
  name: `test ${id}`,
  scopes: new Set(scopes),
  devices: devices && new Set(devices),
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any;
}

export interface HttpFixture {
  readonly gateway: FakeGateway;
  readonly clock: SimulatedClock;
  readonly server: HttpServer;
  /** Those that are valid now. */
  readonly keys: Map<string, ApiKey>;
  /** Keys that are managed, and the audit log. */
  readonly own: ReturnType<typeof fakeOwnServices>;
  /** Sends a request with the test's key: a body goes as JSON. */
  call(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

/** A server in front of a fake gateway, both on a simulated clock. Closed after the test. */
export function httpFixture(
  options: {
    holdMs?: number;
    log?: Logger;
    keys?: Readonly<Record<string, ApiKey>>;
    /** Keys are looked up again each time, as after a second. */
    looksKeysUp?: boolean;
  } = {},
): HttpFixture {
  const clock = new SimulatedClock();
  const gateway = new FakeGateway(clock);
  const own = fakeOwnServices();
  const keys = new Map(Object.entries(options.keys ?? { [apiKey]: keyWith(permissionScopes) }));
  const server = createHttpServer({
    gateway,
    keys: { verify: (key) => (options.looksKeysUp ? Promise.resolve(keys.get(key)) : keys.get(key)) },
    ...own,
    holdMs: options.holdMs ?? 0,
    metrics: { contentType: 'text/plain; charset=utf-8', text: async () => 'strikeplate_ready 1\n' },
    log: options.log ?? pino({ level: 'silent' }),
  });
  opened.push(server);
  return {
    own,
    gateway,
    clock,
    server,
    keys,
    call: async (method, url, body, headers = {}) => {
      const answer = await server.inject({
        method: method as 'GET',
        url,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: answer.body === '' ? undefined : answer.json(),
      };
    },
  };
}

const opened: HttpServer[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

/** Turns the event loop until `condition` holds; a test that waits for ever is stopped by vitest. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}
