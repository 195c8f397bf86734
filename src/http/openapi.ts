import swagger from '@fastify/swagger';
import Fastify from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { errorTypes } from '../contract/index.ts';
import { methodsOf, type Route } from './route.ts';

const errorBody = z
  .object({
    error: z.object({
      type: z.enum(Object.entries(errorTypes).flatMap(([type, row]) => ('http' in row ? [type] : []))),
      message: z.string(),
      validation_errors: z.record(z.string(), z.unknown()).optional(),
    }),
    ok: z.literal(false),
  })
  .meta({ id: 'error' });

const statusTexts: Readonly<Record<number, string>> = {
  400: 'The request is wrong.',
  401: 'No valid API key came with the request.',
  403: 'The API key lacks the scope.',
  404: 'There is no such object.',
  405: 'The route does not answer to this method.',
  409: 'The request conflicts with what is there.',
  413: 'The body is too large.',
  429: 'Too many requests; see Retry-After.',
  500: 'A fault of the gateway.',
  503: 'Nothing can be accepted now; see Retry-After.',
};

/** The API description (OpenAPI 3), made by an application that has the same routes and serves nobody. */
export async function describeApi(routes: readonly Route[], version: string): Promise<unknown> {
  const app = Fastify({ logger: false });
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  await app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: {
        title: 'Strikeplate',
        version,
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
        response: { 200: z.object({ ok: z.literal(true) }), 503: errorBody.describe(statusTexts[503] ?? '') },
      },
      handler: () => undefined,
    });
  await app.ready();
  const description = app.swagger();
  await app.close();
  return description;
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
      200: route.answer.extend({ ok: z.literal(true) }),
      ...Object.fromEntries(
        Object.entries(statusTexts).map(([status, text]) => [Number(status), errorBody.describe(text)]),
      ),
    },
  };
}

function operationId({ path }: Route, method: string): string {
  const words = path.split('/').flatMap((part) => (part === '' || part.startsWith(':') ? [] : part.split('_')));
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}${method.charAt(0)}${method.slice(1).toLowerCase()}`;
}
