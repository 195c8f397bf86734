import type { FastifyInstance } from 'fastify';
import { type Clock, GatewayError } from '../../contract/index.ts';
import type { ApiKeyScope } from '../api-key-file.ts';
import { insufficientScope } from '../serve-route.ts';

/** Counts in a format that a monitoring system reads. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

export const metricsPath = '/metrics';
export const metricsMethods = ['GET'] as const;
/** How long one counting is answered again, in milliseconds. */
const SHARED_FOR_MS = 1_000;
const scopes: readonly ApiKeyScope[] = ['metrics', 'read'];

/** `GET /metrics`: not part of the Seam API, and text. Its key needs the scope `metrics`, or `read`, which shows more. */
export function serveMetrics(app: FastifyInstance, metrics: MetricsText, clock: Clock): void {
  let last: { readonly at: number; readonly text: Promise<string> } | undefined;
  app.route({
    method: [...metricsMethods],
    url: metricsPath,
    handler: async (request, reply) => {
      const key = request.apiKey;
      if (key === undefined) throw new GatewayError('unauthorized', 'This request needs an API key.');
      if (!scopes.some((scope) => key.scopes.has(scope))) throw insufficientScope(key, scopes, metricsPath);
      const at = clock.now();
      // Counting costs as much as there are devices and labels: who asks more often gets the same again.
      if (last === undefined || at - last.at >= SHARED_FOR_MS) last = { at, text: metrics.text() };
      return reply.type(metrics.contentType).send(await last.text);
    },
  });
}
