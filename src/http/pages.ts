import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GatewayError } from '../contract/index.ts';
import type { ApiKey, ApiKeyVerifier } from './api-keys.ts';
import { bearerToken, type Callers } from './authentication.ts';
import type { ConsoleSessions } from './console/sessions.ts';
import { keyOf } from './serve-route.ts';

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

export const apiDocsPaths = [
  { path: '/docs', methods: ['GET'] },
  { path: '/docs/:file', methods: ['GET'] },
] as const;

/** A page that shows /openapi.json and lets a developer try each route with a key. Nothing of it is read before. */
export function serveApiDocs(app: FastifyInstance): void {
  const files = new BuiltFiles('api-docs');
  const open = { config: { open: true } };
  app.route({
    ...open,
    method: 'GET',
    url: '/docs',
    handler: async (request, reply) => {
      const page = await files.page(request.headers['accept-encoding']);
      return reply.headers({ ...pageHeaders, ...page.headers }).send(page.body);
    },
  });
  app.route<{ Params: { file: string } }>({
    ...open,
    method: 'GET',
    url: '/docs/:file',
    handler: async (request, reply) => {
      const file = await files.file(request.params.file, request.headers['accept-encoding']);
      if (file === undefined) throw new GatewayError('not_found', 'The page has no such file. Reload it.');
      return reply
        .headers({ 'cache-control': 'public, max-age=3600', 'x-content-type-options': 'nosniff', ...file.headers })
        .send(file.body);
    },
  });
}

interface Answer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  webmanifest: 'application/manifest+json',
};

/** Where the build puts them; beside the sources there are none until it was built. */
const foldersOf = (name: string): readonly string[] =>
  [`../../${name}/`, `../../dist/${name}/`].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/**
 * The files of a page that the build made: the console, or the API's viewer. Nothing of it is read before somebody
 * looks, and only what is in its folder has a name: a path that was made up leads nowhere.
 */
class BuiltFiles {
  readonly #folder: string;
  #listed: Promise<ReadonlyMap<string, string>> | undefined;
  readonly #read = new Map<string, Promise<Answer>>();

  /** @param folder beside `src` in what was built */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async page(encodings: string | undefined): Promise<Answer> {
    return (
      (await this.file('index.html', encodings)) ?? {
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: Buffer.from('This page was not built. Run: npm run build\n'),
      }
    );
  }

  /** @returns undefined when there is no such file */
  async file(name: string, encodings = ''): Promise<Answer | undefined> {
    this.#listed ??= list(this.#folder);
    const files = await this.#listed;
    if (!files.has(name) || /\.(br|gz)$/.test(name)) return undefined;
    const accepted = encodings.split(',').map((encoding) => encoding.trim().split(';', 1)[0]);
    for (const [encoding, ending] of [
      ['br', '.br'],
      ['gzip', '.gz'],
    ] as const)
      if (accepted.includes(encoding) && files.has(name + ending))
        return this.#answer(files, name + ending, name, { 'content-encoding': encoding });
    return this.#answer(files, name, name, {});
  }

  #answer(
    files: ReadonlyMap<string, string>,
    file: string,
    name: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const known = this.#read.get(file);
    if (known !== undefined) return known;
    const type = types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
    const answer = readFile(files.get(file) ?? '').then((body) => ({
      headers: { 'content-type': type, vary: 'accept-encoding', ...headers },
      body,
    }));
    this.#read.set(file, answer);
    return answer;
  }
}

async function list(name: string): Promise<ReadonlyMap<string, string>> {
  const folder = foldersOf(name).find((candidate) => existsSync(`${candidate}index.html`));
  if (folder === undefined) return new Map();
  return new Map((await readdir(folder)).map((file) => [file, `${folder}${file}`]));
}

/**
 * No script, style or picture but the gateway's own, nothing inline, no other site around it: a name that holds
 * script stays a name. https://www.w3.org/TR/CSP3/
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What each page of ours tells a browser. */
const pageHeaders = {
  'content-security-policy': policy,
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
} as const;
