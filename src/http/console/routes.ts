import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GatewayError } from '../../contract/index.ts';
import type { ApiKey, ApiKeyVerifier } from '../api-keys.ts';
import { bearerToken } from '../authentication.ts';
import { BuiltFiles } from '../built-files.ts';
import type { Callers } from '../callers.ts';
import { pageHeaders } from '../page-headers.ts';
import { keyOf } from '../serve-route.ts';
import type { ConsoleSessions } from './sessions.ts';

export const consolePaths = [
  { path: '/', methods: ['GET'] },
  { path: '/console/:file', methods: ['GET'] },
  { path: '/strikeplate/session', methods: ['GET'] },
  { path: '/strikeplate/session/create', methods: ['POST'] },
  { path: '/strikeplate/session/delete', methods: ['POST'] },
] as const;

interface ConsoleOptions {
  readonly sessions: ConsoleSessions;
  readonly callers: Callers;
  readonly keys: ApiKeyVerifier;
  /** Served over TLS. */
  readonly secure: boolean;
}

/** The page that shows the gateway, and the sessions of those who look at it. Everything else it asks the public API. */
export function serveConsole(app: FastifyInstance, options: ConsoleOptions): void {
  servePage(app);
  serveSessions(app, options);
}

/** Asked for by whoever is not signed in yet. */
const open = { config: { open: true } };

function servePage(app: FastifyInstance): void {
  const files = new BuiltFiles('console');
  app.route({
    ...open,
    method: 'GET',
    url: '/',
    handler: async (request, reply) => {
      const page = await files.page(request.headers['accept-encoding']);
      return reply
        .headers({
          ...pageHeaders,
          ...page.headers,
        })
        .send(page.body);
    },
  });
  app.route<{ Params: { file: string } }>({
    ...open,
    method: 'GET',
    url: '/console/:file',
    handler: async (request, reply) => {
      const file = await files.file(request.params.file, request.headers['accept-encoding']);
      if (file === undefined) throw new GatewayError('not_found', 'The console has no such file. Reload the page.');
      return reply
        .headers({
          'cache-control': 'public, max-age=31536000, immutable',
          'x-content-type-options': 'nosniff',
          ...file.headers,
        })
        .send(file.body);
    },
  });
}

function serveSessions(app: FastifyInstance, { sessions, callers, keys, secure }: ConsoleOptions): void {
  app.route({
    method: 'POST',
    url: '/strikeplate/session/create',
    handler: (request, reply) => {
      const key = bearerToken(request);
      if (key === undefined) throw new GatewayError('unauthorized', 'Sign in with an API key.');
      reply.header('set-cookie', sessions.open(key, secure));
      return { ok: true, session: sessionOf(keyOf(request), request) };
    },
  });
  app.route({
    ...open,
    method: 'POST',
    url: '/strikeplate/session/delete',
    handler: (request, reply) => {
      reply.header('set-cookie', sessions.close(request, secure));
      return { ok: true };
    },
  });
  app.route({
    // A page that is opened asks whether it is signed in: "no" is an answer, not an error.
    ...open,
    method: 'GET',
    url: '/strikeplate/session',
    exposeHeadRoute: false,
    handler: async (request) => {
      const token = sessions.keyOf(request);
      const key = token === undefined ? undefined : await keys.verify(token);
      return { ok: true, session: key === undefined ? null : sessionOf(key, request) };
    },
  });

  const sessionOf = (key: ApiKey, request: FastifyRequest) => {
    const { identity, clock } = callers.of(key, request).gateway;
    return {
      api_key_id: key.id,
      name: key.name,
      scopes: [...key.scopes],
      is_restricted: key.devices !== undefined,
      gateway: {
        gateway_id: identity.id,
        name: identity.name,
        time_zone: identity.timeZone,
        version: identity.version,
        boot_id: identity.bootId,
        now: new Date(clock.wallTime()).toISOString(),
      },
    };
  };
}
