import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Clock, GatewayError, type Timer, type Unsubscribe } from '../../contract/index.ts';
import type { Events, Gateway } from '../../model/gateway.ts';
import { reaches } from '../../model/permission.ts';
import type { EventRecord } from '../../model/records.ts';
import { whenKept } from '../../model/when-kept.ts';
import { meets } from '../../store/event-query.ts';
import type { ApiKey, ApiKeyVerifier } from '../api-keys.ts';
import { type Callers, presentedKey } from '../authentication.ts';
import { queryDecoder, type RawQuery } from '../query-string.ts';
import { parameterReader } from '../route.ts';
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

/** A line that means nothing, so that neither end takes the silence for the end, in milliseconds. A guess. */
const heartbeatMs = 15_000;
/** A client that has read nothing for so long is hung up on, in milliseconds: it can resume. A guess. */
const blockedMs = 30_000;
/** The longest a stream lasts, in milliseconds: the next one asks for the key again, which may have been revoked. */
const longestMs = 3_600_000;
/** How many events are read from the log at a time. */
const batch = 50;
/** How soon a client should come back, in milliseconds. */
const comeBackMs = 2_000;

interface StreamRequest {
  /** `seq` after which it begins. */
  readonly after: number;
  /** What was asked to resume is not kept any more. */
  readonly hasGap: boolean;
  readonly wants: (event: EventRecord) => boolean;
  /** What is rendered shows more than the event's own record: it is told once all of that is on disk. */
  readonly whenKept: <Told>(tell: () => Told) => Told | Promise<Told>;
  /** Who the key that it was opened with stands for now; undefined once it may not read any more. */
  readonly viewer: () => StreamViewer | undefined | Promise<StreamViewer | undefined>;
}

interface StreamLine {
  readonly event: EventRecord;
  /** Undefined for what this stream does not tell. */
  readonly text: string | undefined;
}

/** What a stream's client may see at this moment. */
interface StreamViewer {
  sees(event: EventRecord): boolean;
  render(event: EventRecord): object;
}

/**
 * One client's live stream (WHATWG HTML, section 9.2). Nothing waits for a slow client: what it has not read stays in
 * the log, and is read from there once its connection takes more. So a replay and the live stream are one path.
 */
class EventStream {
  readonly #events: Events;
  readonly #clock: Clock;
  readonly #response: ServerResponse;
  readonly #request: StreamRequest;
  readonly #onEnd: () => void;
  readonly #unsubscribe: Unsubscribe;
  readonly #end: Timer;
  #heartbeat: Timer;
  #patience: Timer | undefined;
  /** `seq` up to which everything was written, or was not wanted. */
  #cursor: number;
  /** What was rendered is not on disk as a whole yet. */
  #waiting = false;
  #ended = false;

  constructor(events: Events, clock: Clock, response: ServerResponse, request: StreamRequest, onEnd: () => void) {
    this.#events = events;
    this.#clock = clock;
    this.#response = response;
    this.#request = request;
    this.#onEnd = onEnd;
    this.#cursor = request.after;
    this.#heartbeat = this.#beat();
    this.#end = clock.setTimer(() => this.close(), longestMs);
    this.#unsubscribe = events.onEvent(() => this.#ifAllowed((viewer) => this.#writeOn(viewer)));
    response.on('drain', () => this.#drained());
    response.on('close', () => this.close());
    response.on('error', () => this.close());
    this.#write(`retry: ${comeBackMs}\n\n`);
    if (request.hasGap) this.#write(gap);
    this.lookAgain();
  }

  /** Ends at once when its key may not read any more. */
  lookAgain(): void {
    this.#ifAllowed((viewer) => this.#writeOn(viewer));
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unsubscribe();
    this.#heartbeat.cancel();
    this.#end.cancel();
    this.#patience?.cancel();
    this.#response.end();
    this.#onEnd();
  }

  #drained(): void {
    this.#patience?.cancel();
    this.#patience = undefined;
    this.lookAgain();
  }

  /** A key that was revoked hears nothing more, and one that was restricted hears what it still may. */
  #ifAllowed(go: (viewer: StreamViewer) => void): void {
    if (this.#ended) return;
    const decide = (viewer: StreamViewer | undefined) => (viewer === undefined ? this.close() : go(viewer));
    const verdict = this.#request.viewer();
    if (verdict instanceof Promise) void verdict.then(decide);
    else decide(verdict);
  }

  #writeOn(viewer: StreamViewer): void {
    while (!this.#ended && this.#patience === undefined && !this.#waiting) {
      const events = this.#events.after(this.#cursor, batch);
      if (events.length === 0) return;
      const told = this.#request.whenKept(() => events.map((event) => this.#lineOf(event, viewer)));
      if (told instanceof Promise) {
        this.#waiting = true;
        void told.then(
          (lines) => this.#resume((now) => this.#writeLines(lines, now)),
          // The disk refuses: what is to be told is looked at again with the next event.
          () => this.#resume(() => undefined),
        );
      } else this.#writeLines(told, viewer);
    }
  }

  /** After a wait, in which the key may have lost what it could see. */
  #resume(go: (viewer: StreamViewer) => void): void {
    this.#ifAllowed((viewer) => {
      this.#waiting = false;
      go(viewer);
      this.#writeOn(viewer);
    });
  }

  #lineOf(event: EventRecord, viewer: StreamViewer): StreamLine {
    if (!viewer.sees(event) || !this.#request.wants(event)) return { event, text: undefined };
    return { event, text: `id: ${event.eventId}\ndata: ${JSON.stringify(viewer.render(event))}\n\n` };
  }

  #writeLines(lines: readonly StreamLine[], viewer: StreamViewer): void {
    for (const { event, text } of lines) {
      if (this.#ended || this.#patience !== undefined) return;
      this.#cursor = event.seq;
      if (text !== undefined && viewer.sees(event)) this.#write(text);
    }
  }

  #write(text: string): void {
    if (this.#ended || this.#response.write(text)) return;
    this.#patience ??= this.#clock.setTimer(() => {
      this.close();
      // What it would not read is not waited for.
      this.#response.destroy();
    }, blockedMs);
  }

  #beat(): Timer {
    return this.#clock.setTimer(() => {
      this.#heartbeat = this.#beat();
      if (this.#patience === undefined) this.#ifAllowed(() => this.#write(': \n\n'));
    }, heartbeatMs);
  }
}

const gap =
  'event: gap\ndata: {"message":"The event to resume after is not kept any more: this begins with the oldest one that is."}\n\n';

/** The live streams of all clients. */
class EventStreams {
  readonly #events: Events;
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #streams = new Set<EventStream>();
  #closed = false;

  constructor(events: Events, clock: Clock, limit: number) {
    this.#events = events;
    this.#clock = clock;
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#streams.size >= this.#limit;
  }

  /** @param response whose head was written */
  open(response: ServerResponse, request: StreamRequest): void {
    if (this.#closed) {
      response.end();
      return;
    }
    const stream: EventStream = new EventStream(this.#events, this.#clock, response, request, () =>
      this.#streams.delete(stream),
    );
    this.#streams.add(stream);
  }

  /** After the keys changed: a stream whose key is gone ends now, not with its next event. */
  lookAgain(): void {
    for (const stream of [...this.#streams]) stream.lookAgain();
  }

  /** Ends them all; clients come back by themselves and resume. */
  close(): void {
    this.#closed = true;
    for (const stream of [...this.#streams]) stream.close();
  }
}
