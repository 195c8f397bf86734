import swagger from '@fastify/swagger';
import Fastify from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { errorTypes } from '../../src/contract/index.ts';
import { methodsOf, type Route } from '../../src/http/route.ts';
import { streamPath } from '../../src/http/routes/event-stream.ts';
import { eventFilters } from '../../src/http/routes/events.ts';
import { metricsPath } from '../../src/http/routes/metrics.ts';

const errorBody = z
  .object({
    error: z.object({
      type: z
        .enum(Object.entries(errorTypes).flatMap(([type, row]) => ('http' in row ? [type] : [])))
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
      openapi: '3.0.3',
      info: {
        title: 'Strikeplate',
        version: '0.0.0',
        description: 'Locks, keypads and noise sensors, in the wire format of the Seam API.',
      },
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
  const description = app.swagger() as Description;
  await app.close();
  dropUnused(description);
  return description;
}

interface Description {
  readonly components: { readonly schemas: Record<string, unknown> };
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
  return Object.entries(errorTypes)
    .flatMap(([type, row]) => ('http' in row ? [`${type} ${row.http}`] : []))
    .join(', ');
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
    response: { 200: route.answer.extend({ ok: z.literal(true) }).describe('Done.'), default: errorBody },
  };
}

function operationId({ path }: Route, method: string): string {
  const words = path.split('/').flatMap((part) => (part === '' || part.startsWith(':') ? [] : part.split('_')));
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}${method.charAt(0)}${method.slice(1).toLowerCase()}`;
}
