import { readFileSync } from 'node:fs';
import swagger from '@fastify/swagger';
import Fastify from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { errorTypes } from '../../../src/contract/index.ts';
import { methodsOf, type Route } from '../../../src/http/route.ts';
import { streamPath } from '../../../src/http/routes/event-stream.ts';
import { eventFilters } from '../../../src/http/routes/events.ts';
import { metricsPath } from '../../../src/http/routes/gateway.ts';

/** What each group of routes is for, as the table of contents of a viewer. */
const groups: Readonly<Record<string, string>> = {
  access_grants: 'Somebody, some doors and a time: the way to let a guest in.',
  access_methods: 'The PINs of access grants.',
  user_identities: 'The people that access grants are for.',
  spaces: 'Doors that belong together.',
  locks: 'Doors, locked and unlocked.',
  devices: 'What is there: locks, keypads, noise sensors.',
  access_codes: 'Single codes on single locks, below access grants.',
  action_attempts: 'What became of a command.',
  noise_sensors: 'Noise sensors and their thresholds.',
  events: 'What happened.',
  webhooks: 'Whom events are sent to.',
  connected_accounts: 'The links of this gateway.',
  workspaces: 'This gateway, in Seam’s words.',
  clock: 'Whether the gateway’s clock can be believed.',
  strikeplate: 'Keys, the audit log, and what the console asks for.',
  health: 'For supervisors.',
  metrics: 'For monitoring systems.',
};

/** What is said of a status, whatever the type of the error. */
const statuses: Readonly<Record<number, string>> = {
  400: 'The request is not as it must be, or the device cannot do this.',
  401: 'There is no key, or it is not known.',
  403: 'The key may not do this.',
  404: 'There is nothing of this id.',
  405: 'The route does not answer to this method.',
  409: 'It contradicts what is there.',
  413: 'The body is too large.',
  429: 'Too much at once; `Retry-After` says when to come again.',
  500: 'The gateway’s own fault.',
  503: 'Nothing can be accepted at the moment, and nothing was.',
};

/** Each type of error that is an HTTP answer, with its status. */
export const answeredErrors: readonly (readonly [type: string, status: number])[] = Object.entries(errorTypes).flatMap(
  ([type, row]) => ('http' in row ? [[type, row.http] as const] : []),
);

export const errorStatuses: readonly number[] = [...new Set(answeredErrors.map(([, status]) => status))].sort();

/** What docs/errors.md says of each type: what it means and what to do. */
const documented: ReadonlyMap<string, string> = new Map(
  [
    ...readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8').matchAll(
      /^\| `(\w+)` \| \d{3} \| (.+?) \| (.+?) \|$/gm,
    ),
  ].map(([, type = '', meaning = '', advice = '']) => [type, `${meaning} ${advice}`]),
);

/** Each answer that is an error, by its status, with an example of each type that it may be of. */
function errorResponses(): Record<string, unknown> {
  return Object.fromEntries(
    errorStatuses.map((status) => [
      `error_${status}`,
      {
        description: statuses[status] ?? 'An error.',
        content: {
          'application/json': {
            schema: { $ref: '#/components/schemas/error' },
            examples: Object.fromEntries(
              answeredErrors
                .filter(([, of]) => of === status)
                .map(([type]) => [
                  type,
                  { value: { error: { type, message: documented.get(type) ?? '' }, ok: false } },
                ]),
            ),
          },
        },
      },
    ]),
  );
}

const errorBody = z
  .object({
    error: z.object({
      type: z
        .enum(answeredErrors.map(([type]) => type))
        .describe(`HTTP statuses: ${statusesInWords()}. docs/errors.md says what to do about each.`),
      message: z.string().describe('What happened, and what to do next.'),
      validation_errors: z
        .record(z.string(), z.unknown())
        .optional()
        .describe('With invalid_input: `_errors` has the texts about the whole, each parameter a tree of its own.'),
    }),
    ok: z.literal(false),
  })
  .meta({ id: 'error' });

/** What answers with a text of its own kind, and is served apart from the routes. */
const texts = [
  {
    url: streamPath,
    summary: 'Events as they are written down, as server-sent events',
    description: '`Last-Event-ID` resumes after that event. Needs the scope read.',
    produces: ['text/event-stream'],
    querystring: z.object({ ...eventFilters, last_event_id: z.string().optional() }),
  },
  {
    url: metricsPath,
    summary: 'Counts, for Prometheus',
    description: 'Needs the scope metrics or read.',
    produces: ['text/plain'],
  },
];

/** The API description (OpenAPI 3), made by an application that has the same routes and serves nobody. */
export async function describeApi(routes: readonly Route[]): Promise<unknown> {
  const app = Fastify({ logger: false });
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Strikeplate',
        version: '0.0.0',
        description:
          'Locks, keypads and noise sensors, in the wire format of the Seam API. Reads answer to GET and POST, deletes to ' +
          'DELETE and POST, changes to PATCH, PUT and POST: releases of the official clients differ.',
        license: { name: 'MIT' },
      },
      servers: [{ url: '/', description: 'This gateway.' }],
      tags: Object.entries(groups).map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          api_key: { type: 'http', scheme: 'bearer', description: 'A key that begins with seam_gw1_.' },
        },
      },
      security: [{ api_key: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  for (const route of routes)
    for (const method of methodsOf[route.kind])
      app.route({ method, url: route.path, schema: schemaOf(route, method), handler: () => undefined });
  for (const method of methodsOf.read)
    app.route({
      method,
      url: '/health',
      schema: {
        summary: 'Whether commands are accepted',
        security: [],
        response: { 200: z.object({ ok: z.literal(true) }).describe('Yes.'), default: errorBody },
      },
      handler: () => undefined,
    });
  for (const { url, ...schema } of texts)
    app.route({
      method: 'GET',
      url,
      schema: { ...schema, tags: [url.split('/')[1] ?? ''], response: { 200: z.string(), default: errorBody } },
      handler: () => undefined,
    });
  await app.ready();
  const description = app.swagger() as unknown as Description;
  await app.close();
  dropUnused(description);
  return withExamples({
    ...description,
    components: {
      ...description.components,
      // By name: their own order is that in which they were first asked for.
      schemas: Object.fromEntries(Object.entries(description.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
      responses: errorResponses(),
      examples: examplesByName(),
    },
  });
}

interface Description {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, unknown>; readonly [kind: string]: unknown };
}

interface Operation {
  readonly requestBody?: { readonly content: Record<string, Content> };
  readonly responses: Record<string, { readonly content?: Record<string, Content>; readonly $ref?: string }>;
}

interface Content {
  examples?: Record<string, unknown>;
}

/** What was asked and answered in a run of the route table, test/scenarios/seam-routes.test.ts, by path. */
const examples = JSON.parse(readFileSync(new URL('./api-examples.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, { readonly request?: unknown; readonly answer: unknown }>
>;

const exampleName = (path: string): string => path.slice(1).replaceAll('/', '.').replace(/[{}]/g, '');

function examplesByName(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(examples).flatMap(([path, { request, answer }]) => [
      ...(request === undefined ? [] : [[`${exampleName(path)}.request`, { value: request }]]),
      [exampleName(path), { value: answer }],
    ]),
  );
}

/** Examples by reference: a route has up to three methods. Errors by their statuses. */
function withExamples(description: Description): Description {
  for (const [path, operations] of Object.entries(description.paths)) {
    const example = examples[path];
    for (const operation of Object.values(operations)) {
      const { responses, requestBody } = operation;
      const answered = responses['200']?.content?.['application/json'];
      if (example && answered) answered.examples = { run: { $ref: `#/components/examples/${exampleName(path)}` } };
      const asked = requestBody?.content['application/json'];
      if (example?.request !== undefined && asked)
        asked.examples = { run: { $ref: `#/components/examples/${exampleName(path)}.request` } };
      for (const status of errorStatuses) responses[status] = { $ref: `#/components/responses/error_${status}` };
    }
  }
  return description;
}

/** The generator makes every schema twice, for requests and for answers. */
function dropUnused(description: Description): void {
  const { schemas } = description.components;
  for (const name of Object.keys(schemas)) {
    const others = JSON.stringify({ ...description, components: { ...schemas, [name]: undefined } });
    if (!others.includes(`"#/components/schemas/${name}"`)) delete schemas[name];
  }
}

function statusesInWords(): string {
  return answeredErrors.map(([type, status]) => `${type} ${status}`).join(', ');
}

function schemaOf(route: Route, method: string) {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].flatMap(([, name]) => (name === undefined ? [] : [name]));
  const named = Object.entries(route.params.shape);
  const rest = z.object(Object.fromEntries(named.filter(([name]) => !inPath.includes(name))));
  const hasRest = Object.keys(rest.shape).length > 0;
  const summary = route.scopes.length === 0 ? '' : ` Needs the scope ${route.scopes.join(' or ')}.`;
  return {
    summary: route.summary,
    description: `${route.summary}.${summary}`,
    tags: [route.path.split('/')[1] ?? ''],
    operationId: operationId(route, method),
    ...(inPath.length === 0
      ? {}
      : { params: z.object(Object.fromEntries(named.filter(([name]) => inPath.includes(name)))) }),
    ...(hasRest && (method === 'GET' || method === 'DELETE') ? { querystring: rest } : {}),
    ...(hasRest && method !== 'GET' && method !== 'DELETE' ? { body: rest } : {}),
    response: {
      200: route
        .answer()
        .extend({ ok: z.literal(true) })
        .describe('Done.'),
      default: errorBody,
    },
  };
}

function operationId({ path }: Route, method: string): string {
  const words = path.split('/').flatMap((part) => (part === '' || part.startsWith(':') ? [] : part.split('_')));
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}${method.charAt(0)}${method.slice(1).toLowerCase()}`;
}
