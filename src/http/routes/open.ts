import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../../contract/index.ts';
import type { Gateway } from '../../gateway/ports.ts';
import type { Route } from '../route.ts';

const open = { config: { open: true } };

/**
 * What answers without a key: `/health`, which says nothing but whether commands are accepted, and the API description,
 * which is the same at every gateway and which the official client's `getOpenapiSchema` fetches without a key.
 */
export function serveOpenRoutes(app: FastifyInstance, gateway: Gateway, routes: readonly Route[]): void {
  app.route({
    ...open,
    method: ['GET', 'POST'],
    url: '/health',
    handler: () => {
      const { ready } = gateway;
      if (!ready.ok) throw new GatewayError('storage_unavailable', ready.reason);
      return { ok: true };
    },
  });
  let description: Promise<string> | undefined;
  app.route({
    ...open,
    method: ['GET', 'POST'],
    url: '/openapi.json',
    handler: async (_request, reply) => {
      // Loaded when somebody asks: it costs more than the rest of this layer, and a gateway may run for years without.
      description ??= import('../openapi.ts').then(async ({ describeApi }) =>
        JSON.stringify(await describeApi(routes, gateway.identity.version)),
      );
      return reply.type('application/json; charset=utf-8').send(await description);
    },
  });
}
