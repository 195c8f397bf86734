import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type InjectOptions,
  type LightMyRequestResponse,
} from 'fastify';
import type { Logger } from 'pino';
import { GatewayError, type OnLimit } from '../contract/index.ts';
import type { Gateway } from '../model/gateway.ts';
import type { Onboarding } from '../model/onboarding.ts';
import type { ApiKeyVerifier } from './api-keys.ts';
import { authentication, Callers } from './authentication.ts';
import { connectionLimits } from './connections.ts';
import { livePath, serveLive } from './console/live.ts';
import { ConsoleSessions } from './console/sessions.ts';
import { Entrance, type Patience, type ServerCertificate } from './entrance.ts';
import { errorAnswer, ourFault } from './error-envelope.ts';
import { Idempotency } from './idempotency.ts';
import { parseJsonBody } from './json-body.ts';
import type { ApiKeyAdministration } from './key-administration.ts';
import { apiDocsPaths, consolePaths, serveApiDocs, serveConsole } from './pages.ts';
import { assertPlainRequest } from './plain-request.ts';
import { RefusedKeys } from './refused-keys.ts';
import { notJson, requestFault } from './request-faults.ts';
import { methodsOf, type Route } from './route.ts';
import type { AuditReader } from './routes/administration.ts';
import type { Configuration } from './routes/configuration.ts';
import { serveEventStream, streamPath } from './routes/event-stream.ts';
import {
  type MetricsText,
  metricsMethods,
  metricsPath,
  openPaths,
  serveMetrics,
  serveOpenRoutes,
} from './routes/gateway.ts';
import { gatewayRoutes } from './routes/index.ts';
import type { PersonalDataService } from './routes/personal-data.ts';
import { type AuditWriter, Holds, serveRoute } from './serve-route.ts';

/** Bytes. A list of 10,000 ids has 400 KB. */
const BODY_LIMIT = 1_048_576;
/**
 * Connections that the system keeps for us until they are taken in; it takes no more than net.core.somaxconn, 4096. With
 * Node.js's own 511, a crowd that dials at once is turned away unseen, and an honest client with it: it tries again
 * after one second, then three, then seven (tcp(7), tcp_syn_retries).
 */
const BACKLOG = 4_096;
/** How long closing waits for requests under way before it hangs up. */
const CLOSE_LIMIT_MS = 3_000;

export interface HttpServerOptions {
  readonly gateway: Gateway;
  readonly keys: ApiKeyVerifier;
  /** Managed over HTTP; undefined: there are no such routes. */
  readonly keyAdministration?: ApiKeyAdministration;
  /** Read over HTTP, and told of changes that no attempt stands for; undefined: neither. */
  readonly audit?: AuditReader & AuditWriter;
  /** Forgets people over HTTP; undefined: there is no such route. */
  readonly personalData?: PersonalDataService;
  /** Read anew over HTTP; undefined: there is no such route. */
  readonly configuration?: Configuration;
  /** Getting to know devices over HTTP; undefined: there are no such routes. */
  readonly onboarding?: Onboarding;
  /** Counts keys that were refused, slows them down, and tells of them. */
  readonly refusals?: RefusedKeys;
  /** How long a command's request is held for the outcome, in milliseconds; 0 answers at once, at most 25 s. */
  readonly holdMs: number;
  readonly log: Logger;
  /** Served at `/metrics`; undefined: there is no such route. */
  readonly metrics?: MetricsText;
  readonly tls?: ServerCertificate;
  /** Where clients reach it, when that is not where it listens: for the addresses of next pages. */
  readonly publicUrl?: string | undefined;
  /** Connections at a time; undefined: as many as this machine allows. */
  readonly maxConnections?: number | undefined;
  /** How long clients are waited for, unless as usual. */
  readonly patience?: Patience;
  /** Told of what was refused because there was too much of it. */
  readonly onLimit?: OnLimit;
}

export interface HttpServer {
  /** Resolves with the address. Port 0 takes a free one. */
  listen(at: { readonly host: string; readonly port: number }): Promise<string>;
  /** `http://address:port` or `https://…`, undefined before `listen`. */
  readonly address: string | undefined;
  /** How many are connected now. */
  readonly connections: number;
  /** Answers held requests with their attempts as they are, then hangs up. Calling it again does nothing. */
  close(): Promise<void>;
  /** From now on connections are made with this certificate; those that are open stay. Only where there was one. */
  renewCertificate(certificate: ServerCertificate): void;
  /** A request without a socket, for tests. */
  inject(request: InjectOptions): Promise<LightMyRequestResponse>;
}

/** The Seam API's wire format over HTTP. The wire's facts are from Seam's API description and its official client. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { gateway, log } = options;
  const routes = gatewayRoutes(gateway.clock, options);
  const callers = new Callers(gateway, options.publicUrl);
  const holds = new Holds(gateway.attempts, gateway.clock);
  let closing: Promise<void> | undefined;
  const stopping = () => closing !== undefined;
  let address: string | undefined;

  const sessions = new ConsoleSessions(gateway.clock);
  const entrance = new Entrance({
    clock: gateway.clock,
    limits: connectionLimits(options.maxConnections),
    onLimit: options.onLimit ?? (() => undefined),
    tls: options.tls,
    isSignedIn: (request) => sessions.has(request),
    patience: options.patience,
  });
  const app = newApp(entrance);
  const refusals = options.refusals ?? new RefusedKeys(gateway.clock, () => undefined);
  const authenticate = authentication({ keys: options.keys, refusals, sessions, entrance });
  app.addHook('onRequest', (request, reply, done) => {
    request.receivedAt = gateway.clock.now();
    reply.header('seam-request-id', request.id);
    authenticate(request, reply, (error) => done(error ?? faultOf(request.raw)));
  });
  logRequests(app, log, gateway.clock);
  answerErrors(app, log, stopping);
  answerUnknownRoutes(app, knownRoutes(routes, options));
  serveOpenRoutes(app, gateway);
  if (options.metrics) serveMetrics(app, options.metrics, gateway.clock);
  const { audit, holdMs } = options;
  const service = { callers, audit, holds, idempotency: new Idempotency(), holdMs, stopping };
  for (const route of routes) serveRoute(app, route, service);
  const streams = serveEventStream(app, gateway, callers, options.keys);
  const pages = serveLive(app, callers, options.keys, gateway.clock);
  serveConsole(app, { sessions, callers, keys: options.keys, secure: options.tls !== undefined });
  serveApiDocs(app);
  const lookAgain = () => {
    streams.lookAgain();
    pages.lookAgain();
  };
  const stopHearing = [
    options.keys.onChange?.(lookAgain),
    // What a key that is restricted to a space reaches.
    gateway.events.onEvent(({ spaceId }) => spaceId !== undefined && lookAgain()),
  ];

  const close = async () => {
    holds.release();
    for (const stop of stopHearing) stop?.();
    streams.close();
    pages.close();
    entrance.closeUnfinished();
    const limit = gateway.clock.setTimer(() => entrance.closeAll(), CLOSE_LIMIT_MS);
    await app.close();
    limit.cancel();
  };
  return {
    async listen(at) {
      await app.listen({ ...at, backlog: BACKLOG });
      address = urlOf(app.server.address(), options.tls === undefined ? 'http' : 'https');
      return address;
    },
    get address() {
      return address;
    },
    get connections() {
      return entrance.connections;
    },
    close() {
      closing ??= close();
      return closing;
    },
    renewCertificate: (certificate) => entrance.renew(certificate),
    inject: (request) => app.inject(request),
  };
}

/** What there is, for whoever asks for something else. */
const knownRoutes = (routes: readonly Route[], { metrics }: HttpServerOptions) => [
  ...routes.map(({ path, kind }) => ({ path, methods: methodsOf[kind] })),
  ...openPaths.map((path) => ({ path, methods: methodsOf.read })),
  { path: streamPath, methods: ['GET'] },
  { path: livePath, methods: ['GET'] },
  ...consolePaths,
  ...apiDocsPaths,
  ...(metrics ? [{ path: metricsPath, methods: metricsMethods }] : []),
];

function urlOf(bound: ReturnType<Server['address']>, scheme: string): string {
  if (bound === null || typeof bound === 'string') throw new Error('the HTTP server listens on no port');
  return `${scheme}://${isIPv6(bound.address) ? `[${bound.address}]` : bound.address}:${bound.port}`;
}

function newApp(entrance: Entrance): FastifyInstance {
  const app = Fastify({
    // Requests are logged by what may be known of them: never a URL, whose query may hold a PIN, nor a body.
    logger: false,
    bodyLimit: BODY_LIMIT,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Requests are read by zod: the compilers that fastify brings along would only take time and memory at the start.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    clientErrorHandler: (error, socket) => entrance.answerBroken(error, socket as Socket),
    frameworkErrors: (error, request, reply) => {
      reply.header('seam-request-id', request.id);
      sendError(reply, requestFault(error, BODY_LIMIT) ?? ourFault());
    },
    serverFactory: (handler) => entrance.server(handler),
  });
  app.decorateRequest('apiKey', undefined);
  app.decorateRequest('sessionKey', undefined);
  app.decorateRequest('receivedAt', 0);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  // Older official clients send calls without parameters as an empty form.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) done(null, {});
    else done(notJson());
  });
  return app;
}

function sendError(reply: FastifyReply, error: GatewayError): void {
  const { status, retryAfterSeconds, body } = errorAnswer(error);
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
  void reply.status(status).send(body);
}

function answerErrors(app: FastifyInstance, log: Logger, stopping: () => boolean): void {
  app.setErrorHandler((error, request, reply) => {
    const fault = requestFault(error, BODY_LIMIT);
    if (fault === undefined || fault.http === undefined)
      log.error(
        { err: error, requestId: request.id, route: request.routeOptions.url },
        'a request met a fault of ours',
      );
    // The framework hangs up on a body it did not read. The client would then lose this very answer to a reset
    // connection; left open, the rest is discarded as it arrives, for as long as a request may take.
    if (stopping()) reply.header('connection', 'close');
    else reply.removeHeader('connection');
    sendError(reply, fault ?? ourFault());
  });
}

function answerUnknownRoutes(
  app: FastifyInstance,
  paths: readonly { readonly path: string; readonly methods: readonly string[] }[],
): void {
  const known = paths.map(({ path, methods }) => ({
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')}$`),
    methods: methods.join(', '),
  }));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const route = known.find(({ pattern }) => pattern.test(path));
    if (route === undefined)
      throw new GatewayError('not_found', 'There is no such route at this gateway. /openapi.json lists them.');
    reply.header('allow', route.methods);
    throw new GatewayError('method_not_allowed', `This route answers to ${route.methods} only.`);
  });
}

function faultOf(request: IncomingMessage): GatewayError | undefined {
  try {
    assertPlainRequest(request);
    return undefined;
  } catch (error) {
    return error instanceof GatewayError ? error : ourFault();
  }
}

function logRequests(app: FastifyInstance, log: Logger, clock: Gateway['clock']): void {
  if (!log.isLevelEnabled('debug')) return;
  app.addHook('onResponse', (request, reply, done) => {
    log.debug(
      {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(clock.now() - request.receivedAt),
        apiKey: request.apiKey?.id,
      },
      'answered',
    );
    done();
  });
}

function noSchemas(): never {
  throw new TypeError('No route gives fastify a schema: parameters are described with zod.');
}
