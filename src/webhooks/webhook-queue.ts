import type { Logger } from 'pino';
import type { Clock, Secret, Timer } from '../contract/index.ts';
import type { Events, WebhookQueueReport } from '../model/gateway.ts';
import type { EventRecord, WebhookRecord } from '../model/records.ts';
import type { Store } from '../model/store.ts';
import { whenKept } from '../model/when-kept.ts';
import { type Delivery, DeliveryLine } from './delivery-line.ts';
import { DeliveryRepository } from './delivery-repository.ts';

import { signedHeaders } from './signature.ts';
import type { WebhookSender } from './webhook-sender.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * How long after each failed try comes the next. Seam's documentation (webhooks: the schedule of Svix) has 5 s, then
 * 5 min: a receiver that restarts would hear nothing of its doors for five minutes, so there are steps between.
 */
const backoff: readonly number[] = [
  ...[5 * second, 10 * second, 15 * second, 30 * second, minute, 2 * minute],
  ...[5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 10 * hour],
];

/** How often what comes anew may try a receiver that is waited for, in milliseconds. A guess. */
const probeEveryMs = 5 * second;

/** Up to this share longer, at random, so that what failed together does not come back together. A guess. */
const jitter = 0.1;

/** Whatever still waits so long after it was written down is given up, in milliseconds. A guess: twice the backoff. */
const expireMs = 72 * hour;

/** @returns milliseconds until the next try, undefined when that was the last */
function retryDelay(failedTries: number, random: () => number): number | undefined {
  const delay = backoff[failedTries - 1];
  return delay === undefined ? undefined : Math.round(delay * (1 + jitter * random()));
}

/** No wait is longer than this, whatever a clock that was set meanwhile makes of it. */
const longestDelayMs = Math.round(10 * hour * (1 + jitter));

/** A receiver must answer by then, in milliseconds (Svix: 15 s). */
const answerWithinMs = 15_000;
/** Deliveries to one receiver at a time. A guess: one slow answer must not hold up another object's event. */
const atATime = 2;
/** How many events are looked at in one turn. */
const batch = 100;
/** What the log says of a receiver that stays away, it says once in so many failures. */
const sayEvery = 50;

export interface WebhookQueueOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  readonly events: Events;
  readonly random: () => number;
  readonly sender: WebhookSender;
  readonly userAgent: string;
  /** The object as this webhook shows it. */
  readonly render: (event: EventRecord, webhook: WebhookRecord) => object;
  /** Whether the event is for this webhook's eyes at this moment. */
  readonly sees: (event: EventRecord, webhook: WebhookRecord) => boolean;
  /** How many events may wait; the oldest go first. */
  readonly limit: number;
}

/**
 * Sends one webhook's events: those of one object in order, each until it was taken or given up. What waits is on disk
 * a second later at most; what a crash forgets is sent again under the same id.
 */
export class WebhookQueue {
  readonly #options: WebhookQueueOptions;
  readonly #secret: Secret;
  readonly #deliveries: DeliveryRepository;
  readonly #lines = new Map<string, DeliveryLine>();
  readonly #ready: DeliveryLine[] = [];
  readonly #underWay = new Map<AbortController, Promise<void>>();
  readonly #known: Set<number>;
  readonly #log: Logger;
  #webhook: WebhookRecord;
  #seen: number;
  #queued = 0;
  #failures = 0;
  #dropped = 0;
  /** `Clock.now()` */
  #probedAt = Number.NEGATIVE_INFINITY;
  #pulling: Timer | undefined;
  #closed = false;

  constructor(webhook: WebhookRecord, secret: Secret, options: WebhookQueueOptions) {
    this.#options = options;
    this.#webhook = webhook;
    this.#secret = secret;
    this.#seen = webhook.afterSeq;
    this.#log = options.log.child({ webhookId: webhook.webhookId, receiver: new URL(webhook.url).host });
    this.#deliveries = new DeliveryRepository(webhook.webhookId, { ...options, log: this.#log });
    const kept = options.store.read.webhookDeliveries(webhook.webhookId);
    // Some of these may come once more when the log is read on from where it was left.
    this.#known = new Set(kept.map(({ eventSeq }) => eventSeq).filter((seq) => seq > webhook.afterSeq));
    for (const { eventSeq, objectKey, tries, nextAt } of kept) {
      this.#add({ eventSeq, objectKey, tries, nextAt, kept: true });
    }
    this.#pull();
  }

  /** How many events wait or are under way. */
  get queued(): number {
    return this.#queued;
  }

  get report(): WebhookQueueReport {
    return { queued: this.#queued, failures: this.#failures, dropped: this.#dropped };
  }

  /** It wants other events from now on; those that wait and are not wanted any more are let go. */
  update(webhook: WebhookRecord): void {
    this.#webhook = webhook;
  }

  /** There is something new in the log. */
  wake(): void {
    if (!this.#pulling) this.#pull();
  }

  /** Stops what is under way. @param keep false for a webhook that was deleted */
  async close(keep: boolean): Promise<void> {
    this.#closed = true;
    this.#pulling?.cancel();
    for (const line of this.#lines.values()) line.retry?.cancel();
    for (const stop of this.#underWay.keys()) stop.abort(new Error('the gateway is stopping'));
    await Promise.all(this.#underWay.values());
    await this.#deliveries.close(keep);
  }

  #pull(): void {
    this.#pulling = undefined;
    if (this.#closed) return;
    const events = this.#options.events.after(this.#seen, batch);
    for (const event of events) {
      this.#seen = event.seq;
      if (!this.#wants(event) || this.#known.delete(event.seq)) continue;
      const nextAt = this.#options.clock.wallTime();
      const objectKey = event.accessGrantId ?? event.deviceId ?? event.spaceId ?? '';
      this.#add({ eventSeq: event.seq, objectKey, tries: 0, nextAt, kept: false });
      this.#probe(objectKey);
    }
    if (events.length > 0) this.#deliveries.seen(this.#seen);
    // Whoever else waits gets a turn before the next ones.
    if (events.length === batch) this.#pulling = this.#options.clock.setTimer(() => this.#pull(), 0);
  }

  #wants(event: EventRecord): boolean {
    const { eventTypes } = this.#webhook;
    if (!eventTypes.includes('*') && !eventTypes.includes(event.eventType)) return false;
    return this.#options.sees(event, this.#webhook);
  }

  #add(delivery: Delivery): void {
    const line = this.#lines.get(delivery.objectKey) ?? new DeliveryLine();
    this.#lines.set(delivery.objectKey, line);
    line.add(delivery);
    this.#queued += 1;
    if (!delivery.kept) this.#deliveries.changed(delivery);
    if (this.#queued > this.#options.limit) this.#dropOldest();
    this.#look(line);
  }

  /**
   * Something new for an object whose earlier event waits is a reason to look whether the receiver is back. The earlier
   * one goes, since order stays; it costs that one no try.
   */
  #probe(objectKey: string): void {
    const { clock } = this.#options;
    const line = this.#lines.get(objectKey);
    const first = line?.waiting[0];
    if (line?.retry === undefined || first === undefined || clock.now() - this.#probedAt < probeEveryMs) return;
    this.#probedAt = clock.now();
    line.retry.cancel();
    line.retry = undefined;
    line.probedInsteadOf = first.nextAt;
    first.nextAt = clock.wallTime();
    this.#look(line);
  }

  /** Sees to it that the first of a line is sent when it is due. */
  #look(line: DeliveryLine): void {
    const [first] = line.waiting;
    if (this.#closed || first === undefined || line.busy || line.retry) return;
    const wait = Math.min(first.nextAt - this.#options.clock.wallTime(), longestDelayMs);
    if (wait <= 0 || first.tries === 0) {
      line.busy = true;
      this.#ready.push(line);
      this.#sendOn();
      return;
    }
    line.retry = this.#options.clock.setTimer(() => {
      line.retry = undefined;
      first.nextAt = this.#options.clock.wallTime();
      this.#look(line);
    }, wait);
  }

  #sendOn(): void {
    while (!this.#closed && this.#underWay.size < atATime) {
      const line = this.#ready.shift();
      if (line === undefined) return;
      const stop = new AbortController();
      const sent = this.#deliver(line, stop).finally(() => {
        this.#underWay.delete(stop);
        this.#sendOn();
      });
      this.#underWay.set(stop, sent);
    }
  }

  async #deliver(line: DeliveryLine, stop: AbortController): Promise<void> {
    const [first] = line.waiting;
    const failure = first && (await this.#try(first, stop));
    line.busy = false;
    if (this.#closed && failure !== undefined) return;
    // It may have been dropped meanwhile, to make room.
    if (first !== undefined && line.waiting[0] === first) {
      if (failure === undefined) this.#done(line, first);
      else this.#failed(line, first, failure);
    }
    this.#look(line);
  }

  /** @returns why it was not taken; undefined when it was, or when there is nothing to send any more */
  async #try({ eventSeq }: Delivery, stop: AbortController): Promise<string | undefined> {
    const { clock, store, events, sender, render, userAgent } = this.#options;
    const [event] = events.after(eventSeq - 1, 1);
    if (event?.seq !== eventSeq || !this.#wants(event)) return undefined;
    if (clock.wallTime() - event.createdAt > expireMs) {
      this.#log.error({ eventId: event.eventId }, 'an event waited too long for its receiver and is given up');
      return undefined;
    }
    const patience = clock.setTimer(() => stop.abort(new Error('no answer within 15 s')), answerWithinMs);
    try {
      const body = await whenKept(store, () => JSON.stringify(render(event, this.#webhook)));
      if (!this.#wants(event)) return undefined;
      const headers = {
        'content-type': 'application/json',
        'user-agent': userAgent,
        ...signedHeaders(this.#secret, event.eventId, clock.wallTime(), body),
      };
      const status = await sender.send({ url: this.#webhook.url, headers, body }, stop.signal);
      if (status < 200 || status >= 300) return `it answered ${status}`;
      this.#isBack();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      patience.cancel();
    }
  }

  #done(line: DeliveryLine, delivery: Delivery): void {
    line.probedInsteadOf = undefined;
    line.waiting.shift();
    this.#queued -= 1;
    if (line.waiting.length === 0) this.#lines.delete(delivery.objectKey);
    this.#deliveries.done(delivery);
  }

  #failed(line: DeliveryLine, delivery: Delivery, why: string): void {
    const { clock, random } = this.#options;
    const inItsTurn = line.probedInsteadOf;
    line.probedInsteadOf = undefined;
    if (inItsTurn !== undefined) {
      delivery.nextAt = inItsTurn;
      return;
    }
    delivery.tries += 1;
    if (this.#failures % sayEvery === 0) {
      this.#log.warn({ why, queued: this.#queued }, 'a webhook was not taken; it is tried again later');
    }
    this.#failures += 1;
    const delay = retryDelay(delivery.tries, random);
    if (delay === undefined) {
      this.#log.error({ why, eventSeq: delivery.eventSeq }, 'an event was refused to the last try and is given up');
      this.#done(line, delivery);
      return;
    }
    delivery.nextAt = clock.wallTime() + delay;
    this.#deliveries.changed(delivery);
  }

  /** A receiver that takes one again is sent the others at once, whatever they were to wait. */
  #isBack(): void {
    if (this.#failures === 0) return;
    this.#log.info({ queued: this.#queued, failures: this.#failures }, 'the receiver takes webhooks again');
    this.#failures = 0;
    for (const line of this.#lines.values()) {
      if (!line.retry) continue;
      line.retry.cancel();
      line.retry = undefined;
      const [first] = line.waiting;
      if (first) first.nextAt = this.#options.clock.wallTime();
      this.#look(line);
    }
  }

  #dropOldest(): void {
    let oldest: { readonly line: DeliveryLine; readonly delivery: Delivery } | undefined;
    for (const line of this.#lines.values()) {
      // One under way is left alone.
      const delivery = line.waiting[line.busy ? 1 : 0];
      if (delivery && (!oldest || delivery.eventSeq < oldest.delivery.eventSeq)) oldest = { line, delivery };
    }
    if (!oldest) return;
    const { line, delivery } = oldest;
    if (this.#dropped++ % 1_000 === 0) {
      this.#log.error(
        { limit: this.#options.limit },
        'more events wait for this receiver than are kept: the oldest go',
      );
    }
    if (line.waiting[0] === delivery) {
      line.retry?.cancel();
      line.retry = undefined;
    }
    line.waiting.splice(line.waiting.indexOf(delivery), 1);
    this.#queued -= 1;
    this.#deliveries.done(delivery);
    this.#look(line);
  }
}
