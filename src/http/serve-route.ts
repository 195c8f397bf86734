import { isDeepStrictEqual } from 'node:util';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type Clock, GatewayError, type Unsubscribe } from '../contract/index.ts';
import { type AuditEntry, auditActor } from '../model/audit.ts';
import type { Attempts, Origin } from '../model/gateway.ts';
import { PassingMap } from '../model/passing-map.ts';
import { type PermissionScope, permissionScopes, reaches } from '../model/permission.ts';
import type { AttemptRecord } from '../model/records.ts';
import { askedWhenKept, whenKept } from '../model/when-kept.ts';
import { wholeGatewayOnly } from '../permission/whole-gateway.ts';
import type { ApiKey } from './api-keys.ts';
import { type Callers, presentedKey, remoteAddress } from './authentication.ts';
import { type Idempotency, type IdempotencyClaim, idempotencyClaim } from './idempotency.ts';
import { InvalidInput } from './invalid-input.ts';
import type { RawQuery } from './query-string.ts';
import {
  type Caller,
  type ChangeRoute,
  type CommandRoute,
  methodsOf,
  type Route,
  type RouteDescription,
} from './route.ts';

/** Where changes are written down that no attempt stands for. */
export interface AuditWriter {
  /** Resolves once it is on disk. @throws GatewayError `storage_unavailable` */
  write(entry: Omit<AuditEntry, 'at'>): Promise<void>;
  append(entry: Omit<AuditEntry, 'at'>): void;
}

interface CommandService {
  readonly callers: Callers;
  readonly audit: AuditWriter | undefined;
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
      const caller = service.callers.of(key, request);
      const input = inputOf(route, request);
      if (route.does === 'read' && route.ready !== undefined) await route.ready();
      const answer =
        route.does === 'read'
          ? await whenKept(caller.gateway, () => route.respond(input, caller))
          : await askedWhenKept(caller.gateway, () => {
              assertOpen(service);
              const exchange = { request, reply, origin: originOf(request, key), caller };
              return route.does === 'change'
                ? change(route, input, exchange, service)
                : command(route, input, exchange, service);
            });
      // The client must not send its next request on a connection that is about to go.
      if (service.stopping()) reply.header('connection', 'close');
      answer.ok = true;
      return answer;
    },
  });
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly origin: Origin;
  readonly caller: Caller;
}

/** @throws GatewayError `gateway_stopping` */
function assertOpen({ stopping }: CommandService): void {
  if (stopping())
    throw new GatewayError('gateway_stopping', 'The gateway is stopping and accepts nothing new. Try again shortly.', {
      retryAfterSeconds: 5,
    });
}

const originOf = (request: FastifyRequest, key: ApiKey): Origin => ({
  actor: { kind: 'api_key', keyId: key.id, name: key.name, address: remoteAddress(request) },
  receivedAt: request.receivedAt,
});

async function change(
  route: ChangeRoute,
  input: unknown,
  { request, origin, caller }: Exchange,
  { holds, holdMs, audit }: CommandService,
): Promise<Record<string, unknown>> {
  const idempotency = claimOf(route, request, membersOf(input));
  const asked = idempotency === undefined ? origin : { ...origin, idempotency };
  // Before it is made: a crash in between leaves a trace of what was asked for.
  const about = { by: auditActor(origin.actor), details: { route: route.path, ...idsIn(membersOf(input)) } };
  await audit?.write({ kind: 'asked', ...about });
  const changed = await route.change(input, asked, caller).catch((error: unknown) => {
    const why = error instanceof GatewayError ? error.type : 'internal_error';
    audit?.append({ kind: 'refused', by: about.by, details: { ...about.details, error: why } });
    throw error;
  });
  const { attempts = [], answer } = changed;
  if (attempts.length > 0) {
    const ms = holdTime({ prefer: preferOf(request), sync: asksToWait(input) }, holdMs);
    await Promise.all(attempts.map((attempt) => holds.wait(attempt, ms)));
  }
  return whenKept(caller.gateway, answer);
}

async function command(
  route: CommandRoute,
  input: unknown,
  { request, reply, origin, caller }: Exchange,
  { holds, idempotency, holdMs }: CommandService,
): Promise<Record<string, unknown>> {
  const params = route.read(input);
  const claim = claimOf(route, request, params);
  const accepted =
    claim === undefined
      ? await route.accept(params, origin, caller)
      : await idempotency.once(claim, caller.gateway.attempts, () =>
          route.accept(params, { ...origin, idempotency: claim }, caller),
        );
  const wish = { prefer: preferOf(request), sync: asksToWait(params) };
  const attempt = await holds.wait(accepted, holdTime(wish, holdMs));
  if (wish.prefer !== undefined && attempt.settlement === undefined)
    reply.header('preference-applied', 'respond-async');
  // What became of a door is told by its attempt alone, which is on disk.
  if (attempt.subject === undefined) return route.respond(attempt, caller);
  return whenKept(caller.gateway, () => route.respond(attempt, caller));
}

/** What a request is about, as far as it can be told without telling a name, a PIN or a URL. */
function idsIn(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const ids: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(params)) {
    if (/_ids?$/.test(name) && isShort(value)) ids[name] = value;
    if (name === 'scopes' && isShort(value)) ids[name] = value;
  }
  return ids;
}

const isShort = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length <= 100 && value.every(isShort)
    : typeof value === 'string' && (isId.test(value) || permissionScopes.some((scope) => scope === value));

/** What is no id may be anything that an application wrote, and the audit log cannot forget it. */
const isId = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|key_[0-9a-z]{1,40})$/i;

function preferOf({ headers: { prefer } }: FastifyRequest): string | undefined {
  return Array.isArray(prefer) ? prefer.join(',') : prefer;
}

const asksToWait = (params: unknown): boolean =>
  typeof params === 'object' && params !== null && 'sync' in params && params.sync === true;

/** How long to wait is no part of what is asked for. */
function claimOf(
  { path }: Route,
  request: FastifyRequest,
  { sync: _, ...params }: Readonly<Record<string, unknown>>,
): IdempotencyClaim | undefined {
  const idempotencyKey = request.headers['idempotency-key'];
  if (idempotencyKey === undefined) return undefined;
  const apiKey = presentedKey(request) ?? '';
  return idempotencyClaim({
    idempotencyKey: String(idempotencyKey),
    apiKey,
    method: request.method,
    route: path,
    params,
  });
}

/** @throws GatewayError `unauthorized` */
export function keyOf(request: FastifyRequest): ApiKey {
  if (request.apiKey === undefined) throw new GatewayError('unauthorized', 'This request needs an API key.');
  return request.apiKey;
}

/** @throws GatewayError `insufficient_scope` */
export function assertScope(
  key: ApiKey,
  { scopes, path, whole = false }: Pick<RouteDescription<z.ZodObject>, 'scopes' | 'path' | 'whole'>,
): void {
  if (scopes.length > 0 && !scopes.some((scope) => key.scopes.has(scope))) throw insufficientScope(key, scopes, path);
  if (whole && !reaches(key, undefined)) throw wholeGatewayOnly(path);
}

/** A key that may not do what was asked. */
const insufficientScope = (
  key: { readonly name: string },
  scopes: readonly PermissionScope[],
  path: string,
): GatewayError =>
  new GatewayError(
    'insufficient_scope',
    `The API key "${key.name}" may not call ${path}: that needs the scope ${scopes.join(' or ')}. Use another key, or make one with that scope.`,
  );

function inputOf(route: Route, request: FastifyRequest): unknown {
  const { method } = request;
  let input: unknown;
  if (method === 'GET' || method === 'HEAD') input = route.decodeQuery(request.query as RawQuery);
  else {
    input = request.body ?? {};
    // The official clients put a delete's parameters into the query, the API description into the body.
    if (method === 'DELETE') input = inBoth(route.decodeQuery(request.query as RawQuery), membersOf(input));
  }
  return route.hasPathParameters ? { ...membersOf(input), ...membersOf(request.params) } : input;
}

/** @throws InvalidInput where they differ */
function inBoth(
  query: Readonly<Record<string, unknown>>,
  body: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  for (const name of Object.keys(query))
    if (Object.hasOwn(body, name) && !isDeepStrictEqual(query[name], body[name]))
      throw new InvalidInput('The query and the body have different values of the same parameter. Send it once.');
  return { ...query, ...body };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new InvalidInput('The body must be a JSON object.');
}

/** The longest hold, in milliseconds: below the 30 s after which the official clients give up on a request. */
const MAX_HOLD_MS = 25_000;

/** What a request says about waiting. */
interface HoldRequest {
  /** The header `Prefer` (RFC 7240). */
  readonly prefer: string | undefined;
  /** The parameter `sync`. */
  readonly sync: boolean | undefined;
}

/**
 * How long to hold a request, in milliseconds. `Prefer: wait=N` (seconds) goes before `sync: true`, that before
 * `Prefer: respond-async`, and that before the configured time. Preferences that make no sense are ignored, as RFC
 * 7240 section 2 asks.
 */
export function holdTime({ prefer, sync }: HoldRequest, configuredMs: number): number {
  let asynchronous = false;
  for (const preference of prefer?.split(',') ?? []) {
    const [name, value] =
      preference
        .split(';', 1)[0]
        ?.split('=', 2)
        .map((part) => part.trim().toLowerCase()) ?? [];
    if (name === 'wait' && value !== undefined && /^"?\d{1,6}"?$/.test(value))
      return Math.min(Number(value.replaceAll('"', '')) * 1000, MAX_HOLD_MS);
    if (name === 'respond-async') asynchronous = true;
  }
  if (sync === true) return MAX_HOLD_MS;
  return asynchronous ? 0 : Math.min(configuredMs, MAX_HOLD_MS);
}

interface Held {
  /** With the settled attempt, or with none when nobody waits any longer. */
  answer(settled: AttemptRecord | undefined): void;
}

/**
 * Keeps requests waiting for their attempts' outcome, so that a fast door is final in the first answer. A client that
 * goes away cancels nothing. One subscription serves all: it costs a held request less than a signal of its own.
 */
export class Holds {
  readonly #attempts: Attempts;
  readonly #clock: Clock;
  readonly #held = new PassingMap<string, Held[]>();
  readonly #unsubscribe: Unsubscribe;
  #released = false;

  constructor(attempts: Attempts, clock: Clock) {
    this.#attempts = attempts;
    this.#clock = clock;
    this.#unsubscribe = attempts.onChange((changed) => {
      if (changed.settlement !== undefined) this.#answer(changed.actionAttemptId, changed);
    });
  }

  /** Resolves with the attempt as it is when it ended, when `ms` have passed, or when all are released. */
  async wait(attempt: AttemptRecord, ms: number): Promise<AttemptRecord> {
    const id = attempt.actionAttemptId;
    const now = this.#attempts.get(id) ?? attempt;
    if (now.settlement !== undefined || ms <= 0 || this.#released) return now;
    const settled = await new Promise<AttemptRecord | undefined>((resolve) => {
      const timer = this.#clock.setTimer(() => {
        this.#forget(id, held);
        resolve(undefined);
      }, ms);
      const held: Held = {
        answer: (ended) => {
          timer.cancel();
          resolve(ended);
        },
      };
      const others = this.#held.get(id);
      if (others === undefined) this.#held.set(id, [held]);
      else others.push(held);
    });
    return settled ?? this.#attempts.get(id) ?? attempt;
  }

  /** Lets every held request answer now, and holds none from now on. */
  release(): void {
    this.#released = true;
    this.#unsubscribe();
    for (const id of [...this.#held.keys()]) this.#answer(id, undefined);
  }

  #answer(id: string, settled: AttemptRecord | undefined): void {
    const waiting = this.#held.get(id);
    if (waiting === undefined) return;
    this.#held.delete(id);
    for (const held of waiting) held.answer(settled);
  }

  #forget(id: string, held: Held): void {
    const waiting = this.#held.get(id)?.filter((other) => other !== held) ?? [];
    if (waiting.length === 0) this.#held.delete(id);
    else this.#held.set(id, waiting);
  }
}
