import { createHash } from 'node:crypto';
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
  let description: Promise<Description> | undefined;
  app.route({
    ...open,
    method: [...methodsOf.read],
    url: '/openapi.json',
    handler: async (request, reply) => {
      description ??= readDescription(gateway.identity.version);
      const { body, tag } = await description;
      reply.header('etag', tag).header('cache-control', 'public, max-age=3600');
      if (isKnownTag(request.headers['if-none-match'], tag)) return reply.status(304).send();
      return reply.type('application/json; charset=utf-8').send(body);
    },
  });
}

interface Description {
  /** Bytes: they are sent as they are, however often. */
  readonly body: Buffer;
  readonly tag: string;
}

/** The file is made, and kept up to date, by openapi.test.ts: making it here would take a quarter of a second of loop. */
async function readDescription(version: string): Promise<Description> {
  const description = JSON.parse(await readFile(new URL('../openapi.json', import.meta.url), 'utf8'));
  description.info.version = version;
  const body = Buffer.from(JSON.stringify(description));
  return { body, tag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}

/** RFC 9110, section 13.1.2; a weak tag of the same text is the same. */
function isKnownTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || header.split(',').some((known) => known.trim().replace(/^W\//, '') === tag);
}
