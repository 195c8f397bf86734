import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { Gateway } from '../../model/gateway.ts';
import { reaches } from '../../model/permission.ts';
import { whenKept } from '../../model/when-kept.ts';
import { meets } from '../../store/event-query.ts';
import type { ApiKey, ApiKeyVerifier } from '../api-keys.ts';
import { presentedKey } from '../authentication.ts';
import type { Callers } from '../callers.ts';
import { EventStreams, type StreamViewer } from '../event-stream.ts';
import { parameterReader } from '../parameters.ts';
import { queryDecoder, type RawQuery } from '../query-string.ts';
import { assertScope, keyOf } from '../serve-route.ts';
import { chosenEvents, eventFilters } from './events.ts';

export const streamPath = '/events/stream';

/** Streams at a time. Each costs a socket and a timer, and a read of the log per event. A guess. */
const STREAM_LIMIT = 64;

const parameters = z.object({
  ...eventFilters,
  /** For clients that cannot send the header. */
  last_event_id: z.string().optional(),
});

/**
 * `GET /events/stream`: events as they are written down, as server-sent events. `Last-Event-ID` resumes after the event
 * of that id; without it the stream begins with the next event.
 */
export function serveEventStream(
  app: FastifyInstance,
  gateway: Gateway,
  callers: Callers,
  keys: ApiKeyVerifier,
): EventStreams {
  const { events, clock } = gateway;
  const streams = new EventStreams(events, clock, STREAM_LIMIT);
  const decode = queryDecoder(parameters.shape);
  const read = parameterReader(parameters);
  app.route({
    method: 'GET',
    url: streamPath,
    exposeHeadRoute: false,
    handler: (request, reply) => {
      const key = keyOf(request);
      assertScope(key, { scopes: ['read'], path: streamPath });
      const params = read(decode(request.query as RawQuery));
      const conditions = chosenEvents(params);
      if (streams.isFull) {
        throw new GatewayError(
          'rate_limit_exceeded',
          `${STREAM_LIMIT} event streams are open already, which is all that this gateway serves. Close one.`,
          { retryAfterSeconds: 10 },
        );
      }
      const resumeAfter = String(request.headers['last-event-id'] ?? params.last_event_id ?? '');
      const last = resumeAfter === '' ? undefined : callers.of(key, request).gateway.events.get(resumeAfter);
      const hasGap = resumeAfter !== '' && last === undefined;
      const token = presentedKey(request) ?? '';
      const viewerOf = (found: ApiKey | undefined): StreamViewer | undefined => {
        if (!found?.scopes.has('read')) return undefined;
        const caller = callers.of(found, request);
        return {
          sees: (event) => reaches(found, event.deviceId),
          render: (event) => caller.answers.event(event, caller),
        };
      };
      reply.hijack();
      reply.raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies that collect answers would hold events back.
        'x-accel-buffering': 'no',
        'seam-request-id': request.id,
      });
      streams.open(reply.raw, {
        after: hasGap ? 0 : (last?.seq ?? events.highestSeq),
        hasGap,
        wants: (event) => meets(event, conditions),
        whenKept: (tell) => whenKept(gateway, tell),
        viewer: () => {
          const found = keys.verify(token);
          return found instanceof Promise ? found.then(viewerOf) : viewerOf(found);
        },
      });
    },
  });
  return streams;
}
