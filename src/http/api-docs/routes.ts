import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../../contract/index.ts';
import { BuiltFiles } from '../built-files.ts';
import { pageHeaders } from '../page-headers.ts';

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
