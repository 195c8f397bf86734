import type { Logger } from 'pino';
import type { Clock, MqttMessage, Timer, Unsubscribe } from '../contract/index.ts';
import type { MonitorPublisher } from './publisher.ts';
import { type TopicRule, topicRules } from './topics.ts';

/** What is told together, in milliseconds: a topic that changes ten times in it is published once. */
const TICK_MS = 5;
/** How soon after a retained topic was published it may be published again, in milliseconds. A guess. */
const RETAINED_AGAIN_MS = 100;
/** How many messages may wait in the publisher before retained topics wait here, where they cost nothing. A guess. */
const ROOM = 50;
/** How soon it is looked whether there is room again, in milliseconds. */
const ROOM_AGAIN_MS = 10;

/** A topic whose last message the broker keeps. */
export interface RetainedTopic {
  readonly topic: string;
  readonly rule: TopicRule;
  /** What it says now; undefined while there is nothing to say. Called when it is published, not when it changes. */
  render(): string | undefined;
}

/** What was rendered and is to be published: as soon as it is known to be on disk. */
interface Message {
  readonly topic: string;
  readonly rule: TopicRule;
  /** Undefined takes a retained message away. */
  readonly payload: string | undefined;
  readonly userProperties: Readonly<Record<string, string>>;
}

export interface OutboxOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly publisher: MonitorPublisher;
  /** See `Gateway.kept`: what is rendered is published once all of it is on disk. */
  readonly kept: () => true | Promise<boolean>;
  readonly gatewayId: string;
  readonly bootId: string;
  /** Every retained topic there is, in the order in which they are told after a connect. */
  readonly all: () => Iterable<RetainedTopic>;
}

/**
 * Everything the monitor says goes through here. Nothing is rendered or published in the caller's turn: a change leaves
 * a mark, and the marks of a tick are worked off together. What is retained waits as marks, not as messages, so a
 * broker that is slow or away costs one mark per topic; what happened waits in the publisher, which bounds it.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #happened = new Map<string, () => void>();
  readonly #changed = new Set<RetainedTopic>();
  readonly #toClear = new Set<string>();
  /** Per topic: what was published on this connection, and when. */
  readonly #told = new Map<string, { readonly payload: string | undefined; readonly at: number }>();
  readonly #seq = new Map<string, number>();
  readonly #messages: Message[] = [];
  /** What was rendered waits for the disk. */
  #waiting = false;
  #sweep: Iterator<RetainedTopic> | undefined;
  #timer: Timer | undefined;
  #due = 0;
  #closed = false;
  #published = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#options.publisher.state.status === 'up';
  }

  /** How many messages were handed to the publisher so far. */
  get published(): number {
    return this.#published;
  }

  /** Something happened: `tell` runs with this tick's others, in order. A second one of the same key takes its place. */
  happened(key: string, tell: () => void): void {
    if (this.#closed) return;
    this.#happened.set(key, tell);
    this.#wakeIn(TICK_MS);
  }

  /** A retained topic may say something else now. */
  changed(topic: RetainedTopic): void {
    // Without a connection there is nothing to note: everything is told at the next connect.
    if (!this.connected || this.#closed) return;
    this.#changed.add(topic);
    this.#wakeIn(TICK_MS);
  }

  /** The broker has something else on a retained topic: it is told again although it has not changed. */
  repeat(topic: RetainedTopic): void {
    this.#told.delete(topic.topic);
    this.changed(topic);
  }

  /** Takes a retained message away from the broker. */
  clear(topic: string): void {
    this.#toClear.add(topic);
    this.#wakeIn(TICK_MS);
  }

  /** Tells every retained topic again, changed or not. */
  tellAll(): void {
    this.#changed.clear();
    this.#told.clear();
    this.#sweep = this.#options.all()[Symbol.iterator]();
    this.#wakeIn(TICK_MS);
  }

  /** Publishes with the others of this tick; for use in `tell` of {@link Outbox.happened}. */
  say(topic: string, rule: TopicRule, payload: string, userProperties: Readonly<Record<string, string>> = {}): void {
    this.#messages.push({ topic, rule, payload, userProperties });
    if (this.#closed) this.#publish();
  }

  #publish(): void {
    for (const { topic, rule, payload, userProperties } of this.#messages.splice(0)) {
      if (payload === undefined) this.#publishNothing(topic);
      else this.#publishOne(topic, rule, payload, userProperties);
    }
  }

  #publishNothing(topic: string): void {
    this.#published += 1;
    this.#options.publisher.publish(topic, '', {
      qos: 1,
      retain: true,
      expirySeconds: undefined,
      contentType: 'text/plain',
      userProperties: {},
    });
  }

  #publishOne(topic: string, rule: TopicRule, payload: string, userProperties: Readonly<Record<string, string>>): void {
    const { publisher, gatewayId, bootId } = this.#options;
    const seq = (this.#seq.get(rule.schema) ?? 0) + 1;
    this.#seq.set(rule.schema, seq);
    // The gap in `seq` tells that there was something.
    if (rule.onlyNow && !this.connected) return;
    this.#published += 1;
    publisher.publish(topic, payload, {
      qos: rule.qos,
      retain: rule.retain,
      expirySeconds: rule.expirySeconds,
      contentType: rule.contentType ?? 'application/json',
      userProperties: {
        schema: rule.schema,
        gateway_id: gatewayId,
        boot_id: bootId,
        seq: String(seq),
        ...userProperties,
      },
    });
  }

  /**
   * Publishes what there is, as far as there is room, and nothing from then on but what is said yet. To be called when
   * everything is on disk.
   */
  close(): void {
    this.#waiting = false;
    this.#render(0);
    this.#publish();
    this.#closed = true;
    this.#timer?.cancel();
  }

  #wakeIn(ms: number): void {
    if (this.#closed) return;
    const due = this.#options.clock.now() + ms;
    if (this.#timer && this.#due <= due) return;
    this.#timer?.cancel();
    this.#due = due;
    this.#timer = this.#options.clock.setTimer(() => {
      this.#timer = undefined;
      this.#flush(RETAINED_AGAIN_MS);
    }, ms);
  }

  /** @param pauseMs how long a retained topic rests after it was published */
  #flush(pauseMs: number): void {
    if (this.#waiting) {
      this.#wakeIn(TICK_MS);
      return;
    }
    const happened = [...this.#happened];
    const changed = [...this.#changed];
    this.#render(pauseMs);
    const kept = this.#options.kept();
    if (kept === true) {
      this.#publish();
      return;
    }
    this.#waiting = true;
    void kept.then((isKept) => {
      if (!this.#waiting) return;
      this.#waiting = false;
      if (isKept) this.#publish();
      else this.#again(happened, changed);
    });
  }

  /** The disk refused some of what was rendered: it is told as it is now. */
  #again(happened: readonly (readonly [string, () => void])[], changed: readonly RetainedTopic[]): void {
    for (const { topic, payload } of this.#messages.splice(0)) {
      if (payload === undefined) this.#toClear.add(topic);
      else this.#told.delete(topic);
    }
    const since = [...this.#happened];
    this.#happened.clear();
    for (const [key, tell] of [...happened, ...since]) this.#happened.set(key, tell);
    for (const topic of changed) this.#changed.add(topic);
    // Some of it may have been of a sweep, which goes on to all that is not told.
    this.#sweep = this.#options.all()[Symbol.iterator]();
    this.#wakeIn(TICK_MS);
  }

  #render(pauseMs: number): void {
    const happened = [...this.#happened.values()];
    this.#happened.clear();
    for (const tell of happened) this.#guarded(tell);
    if (!this.connected) return;
    const now = this.#options.clock.now();
    const nextDue = this.#tellChanged(now, pauseMs);
    this.#clearSome();
    this.#sweepOn(now);
    if (this.#sweep || this.#toClear.size > 0) this.#wakeIn(ROOM_AGAIN_MS);
    else if (this.#changed.size > 0) this.#wakeIn(Math.max(ROOM_AGAIN_MS, nextDue - now));
  }

  get #room(): boolean {
    return this.#options.publisher.queued + this.#messages.length < ROOM;
  }

  /** @returns when the first of those that rest may be told again */
  #tellChanged(now: number, pauseMs: number): number {
    let nextDue = Number.POSITIVE_INFINITY;
    for (const topic of this.#changed) {
      if (!this.#room) return now;
      const told = this.#told.get(topic.topic);
      const due = told ? told.at + pauseMs : now;
      if (due > now) {
        nextDue = Math.min(nextDue, due);
        continue;
      }
      this.#changed.delete(topic);
      this.#tell(topic, now, told?.payload);
    }
    return nextDue;
  }

  #clearSome(): void {
    for (const topic of this.#toClear) {
      if (!this.#room) return;
      this.#toClear.delete(topic);
      this.#messages.push({ topic, rule: topicRules.discovery, payload: undefined, userProperties: {} });
    }
  }

  #sweepOn(now: number): void {
    while (this.#sweep && this.#room) {
      const next = this.#sweep.next();
      if (next.done) this.#sweep = undefined;
      else if (!this.#told.has(next.value.topic)) this.#tell(next.value, now, undefined);
    }
  }

  #tell(topic: RetainedTopic, at: number, before: string | undefined): void {
    this.#guarded(() => {
      const payload = topic.render();
      if (payload === undefined || payload === before) return;
      // Discovery is long and told once: it is not worth keeping.
      this.#told.set(topic.topic, { payload: topic.rule === topicRules.discovery ? undefined : payload, at });
      this.say(topic.topic, topic.rule, payload);
    });
  }

  /** A fault in what is told must not end the process that moves the doors. */
  #guarded(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#options.log.error({ err: error }, 'the monitor failed to tell something');
    }
  }
}

/** How long the broker is given to send what it has retained, in milliseconds. A guess. */
const LISTEN_MS = 5_000;

export interface StaleTopicsOptions {
  readonly clock: Clock;
  readonly publisher: MonitorPublisher;
  readonly outbox: Outbox;
  /** Where retained messages of ours lie. */
  readonly filters: readonly string[];
  /** Whether a topic that matched is one we still have something to say on. */
  readonly isOurs: (topic: string) => boolean;
}

/**
 * Clears what an earlier configuration left retained. The broker itself is asked, once, after the first connect:
 * nobody else knows what was told in the past.
 */
export class StaleTopics {
  readonly #options: StaleTopicsOptions;
  #subscriptions: Unsubscribe[] | undefined;
  #timer: Timer | undefined;
  #done = false;

  constructor(options: StaleTopicsOptions) {
    this.#options = options;
  }

  /** For each connect: begins to listen, or listens on when the connection was lost meanwhile. */
  connected(): void {
    if (this.#done) return;
    const { clock, publisher, filters } = this.#options;
    this.#subscriptions ??= filters.map((filter) => publisher.subscribe(filter, (message) => this.#heard(message)));
    this.#timer?.cancel();
    this.#timer = clock.setTimer(() => {
      // While the connection is lost nothing was heard to the end.
      if (publisher.state.status === 'up') this.close();
    }, LISTEN_MS);
  }

  close(): void {
    this.#done = true;
    this.#timer?.cancel();
    for (const unsubscribe of this.#subscriptions ?? []) unsubscribe();
    this.#subscriptions = undefined;
  }

  #heard({ topic, payload, retained }: MqttMessage): void {
    // What is not retained is our own, just told.
    if (retained && payload.length > 0 && !this.#options.isOurs(topic)) this.#options.outbox.clear(topic);
  }
}
