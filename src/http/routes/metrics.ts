import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../contract/index.ts';
import { assertScope, keyOf } from '../serve-route.ts';

/** Counts in a format that a monitoring system reads. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

export const metricsPath = '/metrics';
export const metricsMethods = ['GET'] as const;
/** How long one counting is answered again, in milliseconds. */
const SHARED_FOR_MS = 1_000;

/**
 * `GET /metrics`: not part of the Seam API, and text. Its key needs the scope `metrics`, or `read`, which shows more.
 * The counts are those of all devices together.
 */
export function serveMetrics(app: FastifyInstance, metrics: MetricsText, clock: Clock): void {
  let last: { readonly at: number; readonly text: Promise<string> } | undefined;
  app.route({
    method: [...metricsMethods],
    url: metricsPath,
    handler: async (request, reply) => {
      assertScope(keyOf(request), { scopes: ['metrics', 'read'], path: metricsPath, whole: true });
      const at = clock.now();
      // Counting costs as much as there are devices and labels: who asks more often gets the same again.
      if (last === undefined || at - last.at >= SHARED_FOR_MS) last = { at, text: metrics.text() };
      return reply.type(metrics.contentType).send(await last.text);
    },
  });
}
