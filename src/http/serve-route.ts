import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../contract/index.ts';
import type { Origin } from '../gateway/ports.ts';
import type { ApiKeyScope } from './api-key-file.ts';
import type { ApiKey } from './api-keys.ts';
import { bearerToken, remoteAddress } from './authentication.ts';
import { type Holds, holdTime } from './hold.ts';
import { type Idempotency, idempotencyClaim } from './idempotency.ts';
import { InvalidInput } from './invalid-input.ts';
import type { RawQuery } from './query-string.ts';
import { type Caller, type CommandRoute, methodsOf, type Route } from './route.ts';

export interface CommandService {
  readonly holds: Holds;
  readonly idempotency: Idempotency;
  readonly holdMs: number;
  /** True once the server is closing: nothing new is accepted. */
  readonly stopping: () => boolean;
}

/** Makes a route reachable under every method its kind answers to. */
export function serveRoute(app: FastifyInstance, route: Route, service: CommandService): void {
  app.route({
    method: [...methodsOf[route.kind]],
    url: route.path,
    handler: async (request, reply) => {
      const key = keyOf(request);
      assertScope(key, route);
      const caller = callerOf(key, request);
      const input = inputOf(route, request);
      const answer =
        route.kind === 'read'
          ? route.respond(input, caller)
          : await command(route, input, { request, reply, key, caller }, service);
      return { ...answer, ok: true };
    },
  });
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly key: ApiKey;
  readonly caller: Caller;
}

async function command(
  route: CommandRoute,
  input: unknown,
  { request, reply, key, caller }: Exchange,
  { holds, idempotency, holdMs, stopping }: CommandService,
): Promise<Record<string, unknown>> {
  if (stopping())
    throw new GatewayError('gateway_stopping', 'The gateway is stopping and accepts nothing new. Try again shortly.', {
      retryAfterSeconds: 5,
    });
  const params = route.read(input);
  const origin: Origin = {
    actor: { kind: 'api_key', keyId: key.id, name: key.name, address: remoteAddress(request) },
    receivedAt: request.receivedAt,
  };
  const idempotencyKey = request.headers['idempotency-key'];
  const { sync, ...rest } = params;
  const claim =
    idempotencyKey === undefined
      ? undefined
      : idempotencyClaim({
          idempotencyKey: String(idempotencyKey),
          apiKey: bearerToken(request) ?? '',
          method: request.method,
          route: route.path,
          params: rest,
        });
  const accepted =
    claim === undefined
      ? await route.accept(params, origin)
      : await idempotency.once(claim, () => route.accept(params, { ...origin, idempotency: claim }));
  const prefer = request.headers.prefer;
  const wish = { prefer: Array.isArray(prefer) ? prefer.join(',') : prefer, sync: sync === true };
  const attempt = await holds.wait(accepted, holdTime(wish, holdMs));
  if (wish.prefer !== undefined && attempt.settlement === undefined)
    reply.header('preference-applied', 'respond-async');
  return route.respond(attempt, caller);
}

function keyOf(request: FastifyRequest): ApiKey {
  if (request.apiKey === undefined) throw new GatewayError('unauthorized', 'This request needs an API key.');
  return request.apiKey;
}

function assertScope(key: ApiKey, { scopes, path }: Route): void {
  if (scopes.length === 0 || scopes.some((scope) => key.scopes.has(scope))) return;
  throw insufficientScope(key, scopes, path);
}

/** A key that may not do what was asked. */
export const insufficientScope = (
  key: { readonly name: string },
  scopes: readonly ApiKeyScope[],
  path: string,
): GatewayError =>
  new GatewayError(
    'insufficient_scope',
    `The API key "${key.name}" may not call ${path}: that needs the scope ${scopes.join(' or ')}. Use another key, or make one with that scope.`,
  );

const callerOf = (key: ApiKey, request: FastifyRequest): Caller => ({
  may: (scope) => key.scopes.has(scope),
  get url() {
    const path = request.url.split('?', 1)[0] ?? '';
    return `${request.protocol}://${request.host}${path}`;
  },
});

function inputOf(route: Route, request: FastifyRequest): unknown {
  const path = request.params as Record<string, string>;
  if (request.method === 'GET' || request.method === 'HEAD')
    return { ...route.decodeQuery(request.query as RawQuery), ...path };
  const body = request.body ?? {};
  if (typeof body !== 'object' || Array.isArray(body)) throw new InvalidInput('The body must be a JSON object.');
  // The official clients put a delete's parameters into the query, the API description into the body.
  return request.method === 'DELETE'
    ? { ...route.decodeQuery(request.query as RawQuery), ...body, ...path }
    : { ...body, ...path };
}
