import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Clock, GatewayError, type Timer } from '../../contract/index.ts';
import type { AttemptRecord, EventRecord } from '../../model/records.ts';
import { whenKept } from '../../model/when-kept.ts';
import { attemptHistory } from '../../wire/action-attempt.ts';
import type { ApiKeyVerifier } from '../api-keys.ts';
import { type Callers, presentedKey } from '../authentication.ts';
import type { Caller } from '../route.ts';
import { assertScope, keyOf } from '../serve-route.ts';

export const livePath = '/strikeplate/live';

/** Pages that look on at a time. A guess. */
const AT_MOST = 32;
/** Changes are told together this long after the first, in milliseconds: a device that reports often is told of last. */
const TOGETHER_MS = 100;
/** A sign of life, in milliseconds: it is also when the key is looked at again. */
const BEAT_MS = 10_000;
/** A page that does not read is hung up on once this much waits for it, in bytes. A guess. */
const BACKLOG = 1_048_576;

/**
 * `GET /strikeplate/live`: what the console shows, as it changes, as server-sent events: `devices`, `attempts` with their
 * history, `events`, `box`. What was missed is not told again: a page that comes back asks for everything anew.
 */
export function serveLive(app: FastifyInstance, callers: Callers, keys: ApiKeyVerifier, clock: Clock): LivePages {
  const pages = new LivePages();
  app.route({
    method: 'GET',
    url: livePath,
    exposeHeadRoute: false,
    handler: (request, reply) => {
      const key = keyOf(request);
      assertScope(key, { scopes: ['read'], path: livePath });
      if (pages.size >= AT_MOST)
        throw new GatewayError('rate_limit_exceeded', `${AT_MOST} pages look on already. Close one.`, {
          retryAfterSeconds: 10,
        });
      const token = presentedKey(request) ?? '';
      reply.hijack();
      reply.raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      const callerNow = async (): Promise<Caller | undefined> => {
        const found = await keys.verify(token);
        return found?.scopes.has('read') ? callers.of(found, request) : undefined;
      };
      pages.add(
        new LivePage(reply.raw, request, callers.of(key, request), callerNow, clock, (page) => pages.delete(page)),
      );
      return reply;
    },
  });
  return pages;
}

/** All pages that look on. */
export class LivePages {
  readonly #pages = new Set<LivePage>();

  get size(): number {
    return this.#pages.size;
  }

  add(page: LivePage): void {
    this.#pages.add(page);
  }

  delete(page: LivePage): void {
    this.#pages.delete(page);
  }

  /** After the keys changed: a page whose key is gone ends now. */
  lookAgain(): void {
    for (const page of [...this.#pages]) void page.lookAgain();
  }

  close(): void {
    for (const page of [...this.#pages]) page.close();
  }
}

class LivePage {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #callerNow: () => Promise<Caller | undefined>;
  readonly #onEnd: (page: LivePage) => void;
  readonly #subscriptions: (() => void)[];
  readonly #devices = new Set<string>();
  readonly #attempts = new Map<string, AttemptRecord>();
  #events: EventRecord[] = [];
  #caller: Caller;
  /** A page whose key reaches other devices by now asks for everything anew. */
  readonly #reach: string;
  #flush: Timer | undefined;
  #beat: Timer;
  #ended = false;

  constructor(
    response: ServerResponse,
    request: FastifyRequest,
    caller: Caller,
    callerNow: () => Promise<Caller | undefined>,
    clock: Clock,
    onEnd: (page: LivePage) => void,
  ) {
    this.#response = response;
    this.#caller = caller;
    this.#reach = reachOf(caller);
    this.#callerNow = callerNow;
    this.#clock = clock;
    this.#onEnd = onEnd;
    const { devices, attempts, events } = caller.gateway;
    this.#subscriptions = [
      devices.onReport(({ deviceId }) => {
        this.#devices.add(deviceId);
        this.#soon();
      }),
      attempts.onChange((attempt) => {
        this.#attempts.set(attempt.actionAttemptId, attempt);
        this.#soon();
      }),
      events.onEvent((event) => {
        this.#events.push(event);
        if (event.deviceId !== undefined) this.#devices.add(event.deviceId);
        this.#soon();
      }),
    ];
    this.#beat = this.#nextBeat();
    request.raw.on('close', () => this.close());
    response.on('close', () => this.close());
    response.on('error', () => this.close());
    this.#tell('hello', { boot_id: caller.gateway.identity.bootId });
    this.#tell('box', boxOf(caller));
  }

  async lookAgain(): Promise<void> {
    const caller = await this.#callerNow();
    const isOther = caller?.gateway !== this.#caller.gateway || reachOf(caller) !== this.#reach;
    if (caller === undefined || isOther) this.close();
    else this.#caller = caller;
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#flush?.cancel();
    this.#beat.cancel();
    this.#response.end();
    this.#onEnd(this);
  }

  #soon(): void {
    if (this.#ended) return;
    this.#flush ??= this.#clock.setTimer(() => {
      void this.#tellAll()
        // The disk refuses: the page shows what it had until something changes again.
        .catch(() => undefined)
        .then(() => {
          this.#flush = undefined;
          if (this.#devices.size + this.#attempts.size + this.#events.length > 0) this.#soon();
        });
    }, TOGETHER_MS);
  }

  /** One after the other, each once all that it shows is on disk. */
  async #tellAll(): Promise<void> {
    const caller = this.#caller;
    const { gateway, answers } = caller;
    const changed = { devices: [...this.#devices], attempts: [...this.#attempts.values()], events: this.#events };
    this.#devices.clear();
    this.#attempts.clear();
    this.#events = [];
    const within = ({ deviceId }: { readonly deviceId: string | undefined }) => caller.sees(deviceId);
    const told = await whenKept(gateway, () => ({
      devices: changed.devices.flatMap((id) => gateway.devices.get(id) ?? []).map((one) => answers.device(one)),
      // What was within reach when it happened may be no more.
      attempts: changed.attempts.filter(within).map((attempt) => ({
        action_attempt: answers.attempt(attempt, caller),
        action_attempt_history: attemptHistory(attempt, gateway.attempts.history(attempt.actionAttemptId) ?? []),
      })),
      events: changed.events.filter(within).map((event) => answers.event(event, caller)),
    }));
    if (caller.gateway !== this.#caller.gateway) return;
    const { devices, attempts, events } = told;
    if (devices.length > 0) this.#tell('devices', { devices });
    if (attempts.length > 0) this.#tell('attempts', { attempts });
    if (events.length > 0) this.#tell('events', { events });
  }

  #nextBeat(): Timer {
    return this.#clock.setTimer(() => {
      this.#beat = this.#nextBeat();
      this.#tell('box', boxOf(this.#caller));
      void this.lookAgain();
    }, BEAT_MS);
  }

  #tell(event: string, data: object): void {
    if (this.#ended) return;
    this.#response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (this.#response.writableLength > BACKLOG) {
      this.close();
      this.#response.destroy();
    }
  }
}

/** Nothing for a key that is not restricted. */
const reachOf = ({ reach }: Caller): string => (reach === undefined ? '' : [...reach].sort().join(' '));

/** How the box is, as far as the caller may see it. */
export function boxOf({ gateway }: Caller) {
  const { identity, ready, attempts, webhooks, time, clock, devices } = gateway;
  return {
    gateway_id: identity.id,
    name: identity.name,
    version: identity.version,
    boot_id: identity.bootId,
    started_at: new Date(identity.startedAt).toISOString(),
    now: new Date(clock.wallTime()).toISOString(),
    ready: ready.ok,
    not_ready_reason: ready.ok ? null : ready.reason,
    clock_confirmed: time.confidence.confirmed,
    clock_doubt: time.confidence.confirmed ? null : time.confidence.reason,
    links: gateway.links().map(({ name, state, reconnects }) => ({
      name,
      status: state.status,
      reason: state.status === 'down' ? state.reason : null,
      hint: state.status === 'down' ? state.hint : null,
      reconnects,
    })),
    pending_attempts: attempts.pendingCount,
    queued_webhooks: webhooks.queued,
    device_count: devices.list().length,
    lanes: devices.list().flatMap(({ deviceId }) => {
      const waiting = gateway.laneDepth(deviceId);
      return waiting === 0 ? [] : [{ device_id: deviceId, waiting }];
    }),
    webhook_queues: webhooks.list().map(({ webhookId }) => ({
      webhook_id: webhookId,
      ...(webhooks.queueOf(webhookId) ?? { queued: 0, failures: 0, dropped: 0 }),
    })),
  };
}
