import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../../contract/index.ts';
import type { ApiKeyScope } from '../api-key-file.ts';
import { insufficientScope } from '../serve-route.ts';

/** Counts in a format that a monitoring system reads. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

export const metricsPath = '/metrics';
export const metricsMethods = ['GET'] as const;
const scopes: readonly ApiKeyScope[] = ['metrics', 'read'];

/** `GET /metrics`: not part of the Seam API, and text. Its key needs the scope `metrics`, or `read`, which shows more. */
export function serveMetrics(app: FastifyInstance, metrics: MetricsText): void {
  app.route({
    method: [...metricsMethods],
    url: metricsPath,
    handler: async (request, reply) => {
      const key = request.apiKey;
      if (key === undefined) throw new GatewayError('unauthorized', 'This request needs an API key.');
      if (!scopes.some((scope) => key.scopes.has(scope))) throw insufficientScope(key, scopes, metricsPath);
      return reply.type(metrics.contentType).send(await metrics.text());
    },
  });
}
