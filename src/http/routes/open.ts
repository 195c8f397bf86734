import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../../contract/index.ts';
import type { Gateway } from '../../model/gateway.ts';
import { methodsOf } from '../route.ts';

export const openPaths = ['/health', '/openapi.json'] as const;
const open = { config: { open: true } };

/**
 * What answers without a key: `/health`, which says nothing but whether commands are accepted, and the API description,
 * which is the same at every gateway and which the official client's `getOpenapiSchema` fetches without a key.
 */
export function serveOpenRoutes(app: FastifyInstance, gateway: Gateway): void {
  app.route({
    ...open,
    method: [...methodsOf.read],
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
    method: [...methodsOf.read],
    url: '/openapi.json',
    handler: async (_request, reply) => {
      description ??= readDescription(gateway.identity.version);
      return reply.type('application/json; charset=utf-8').send(await description);
    },
  });
}

/** The file is made, and kept up to date, by openapi.test.ts: making it here would take a quarter of a second of loop. */
async function readDescription(version: string): Promise<string> {
  const description = JSON.parse(await readFile(new URL('../openapi.json', import.meta.url), 'utf8'));
  description.info.version = version;
  return JSON.stringify(description);
}
