import type { Clock } from '../contract/index.ts';
import type { Attempts, Gateway } from '../model/gateway.ts';
import type { AttemptRecord, EventRecord } from '../model/records.ts';
import { isoTime } from '../wire/iso-time.ts';
import type { Serializers } from '../wire/serializers.ts';
import type { Viewer } from '../wire/viewer.ts';
import type { Metrics } from './metrics.ts';
import type { Outbox, RetainedTopic } from './outbox.ts';
import type { MonitorPublisher } from './publisher.ts';
import { type TopicTree, topicRules } from './topics.ts';

export interface GatewayTopicsOptions {
  readonly gateway: Gateway;
  readonly metrics: Metrics;
  readonly publisher: MonitorPublisher;
  readonly tree: TopicTree;
  /** Milliseconds between two health messages. */
  readonly intervalMs: number;
  /** SHA-256 of the configuration file, hexadecimal. */
  readonly configDigest: string | undefined;
}

/** Health is worth so many intervals, then the broker forgets it. */
const HEALTH_INTERVALS = 3;

/** The three retained topics that speak of the gateway itself. */
export interface GatewayTopics {
  readonly status: RetainedTopic;
  readonly info: RetainedTopic;
  readonly health: RetainedTopic;
}

export function gatewayTopics(options: GatewayTopicsOptions): GatewayTopics {
  const { tree, intervalMs, gateway } = options;
  const { clock, identity } = gateway;
  // The wall clock may be set while the gateway runs, the other one not.
  const startedAt = clock.now() - Math.max(0, clock.wallTime() - identity.startedAt);
  const expirySeconds = Math.ceil((HEALTH_INTERVALS * intervalMs) / 1_000);
  return {
    status: { topic: tree.status, rule: topicRules.status, render: () => 'online' },
    info: { topic: tree.info, rule: topicRules.info, render: () => JSON.stringify(info(options)) },
    health: {
      topic: tree.health,
      rule: { ...topicRules.health, expirySeconds },
      render: () => JSON.stringify(health(options, clock.now() - startedAt)),
    },
  };
}

function info({ gateway, publisher, configDigest }: GatewayTopicsOptions): Readonly<Record<string, unknown>> {
  const { identity, devices } = gateway;
  const list = devices.list();
  return {
    gateway_id: identity.id,
    name: identity.name,
    workspace_id: identity.workspaceId,
    time_zone: identity.timeZone,
    version: identity.version,
    node: process.version,
    boot_id: identity.bootId,
    started_at: isoTime(identity.startedAt),
    ...(configDigest === undefined ? {} : { config_sha256: configDigest }),
    mqtt_version: publisher.protocolVersion === 5 ? '5.0' : '3.1.1',
    drivers: [...new Set(list.map(({ driver }) => driver))].sort(),
    devices: list.length,
  };
}

function health({ gateway, metrics }: GatewayTopicsOptions, uptimeMs: number): Readonly<Record<string, unknown>> {
  const { identity, clock } = gateway;
  const { pending, successTotal, errorTotal, p50Ms, p99Ms } = metrics.attempts;
  return {
    ts: isoTime(clock.wallTime()),
    boot_id: identity.bootId,
    uptime_s: Math.round(uptimeMs / 1_000),
    rss_mb: Math.round(metrics.probe.rssBytes() / 1_048_576),
    loop_lag_p99_ms: Math.round(metrics.probe.loopLag.p99Ms * 10) / 10,
    attempts: {
      pending,
      success_total: successTotal,
      error_total: errorTotal,
      p50_ms: p50Ms ?? null,
      p99_ms: p99Ms ?? null,
    },
    links: Object.fromEntries(
      gateway.links().map(({ name, state, reconnects }) => [
        name,
        {
          status: state.status,
          ...(state.status === 'up' ? {} : { reason: state.reason }),
          ...(reconnects === 0 ? {} : { reconnects }),
        },
      ]),
    ),
  };
}

/** Lines that may be told in a burst, and how many each further second allows. Guesses. */
const BURST = 20;
const PER_SECOND = 5;
/** Longer texts are cut. Characters. */
const LONGEST = 500;

const levels: Readonly<Record<number, string>> = { 40: 'warn', 50: 'error', 60: 'fatal' };
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Fields of a log line that are told, and their names there. Everything else stays in the gateway's own log. */
const words = { device: 'device', driver: 'driver', link: 'link', broker: 'broker', reason: 'reason' } as const;

/**
 * Warnings and errors on the log topic. A code cannot get out this way, whatever a library wrote into the log: only
 * named fields are told, and in all of them every run of four or more digits is masked, the shortest that a code has.
 * Ids are told when they are UUIDs, names when configuration has them.
 */
export class LogTopic {
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #topic: string;
  readonly #names: ReadonlySet<string>;
  #allowance = BURST;
  #allowedAt: number;
  #leftOut = 0;
  #lines = 0;

  /** @param names words from configuration that may hold digits: slugs, drivers, links */
  constructor(clock: Clock, outbox: Outbox, topic: string, names: ReadonlySet<string>) {
    this.#clock = clock;
    this.#outbox = outbox;
    this.#topic = topic;
    this.#names = names;
    this.#allowedAt = clock.now();
  }

  /** @param line as pino wrote it */
  heard(line: string): void {
    if (!this.#allowed()) {
      this.#leftOut += 1;
      return;
    }
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    this.#outbox.happened(`log ${++this.#lines}`, () => {
      const told = maskedLine(line, this.#names);
      if (told === undefined) return;
      const text = JSON.stringify(leftOut === 0 ? told : { ...told, left_out: leftOut });
      this.#outbox.say(this.#topic, topicRules.log, text);
    });
  }

  #allowed(): boolean {
    const now = this.#clock.now();
    this.#allowance = Math.min(BURST, this.#allowance + ((now - this.#allowedAt) / 1_000) * PER_SECOND);
    this.#allowedAt = now;
    if (this.#allowance < 1) return false;
    this.#allowance -= 1;
    return true;
  }
}

/** Undefined for what is not a warning or an error, or not JSON. */
export function maskedLine(line: string, names: ReadonlySet<string>): Readonly<Record<string, unknown>> | undefined {
  let entry: Readonly<Record<string, unknown>>;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { level, time, msg, actionAttemptId, err } = entry;
  const name = typeof level === 'number' ? levels[level] : undefined;
  if (name === undefined) return undefined;
  const told: Record<string, unknown> = {
    ts: typeof time === 'number' ? isoTime(time) : undefined,
    level: name,
    msg: typeof msg === 'string' ? masked(msg) : '',
  };
  for (const [field, as] of Object.entries(words)) {
    const value = entry[field];
    if (typeof value === 'string') told[as] = names.has(value) ? value : masked(value);
  }
  if (typeof actionAttemptId === 'string' && uuid.test(actionAttemptId)) told.action_attempt_id = actionAttemptId;
  const error = toldError(err);
  if (error !== undefined) told.error = error;
  return told;
}

/** The text of our own errors is written to be shown; of any other only the kind is told. */
function toldError(err: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof err !== 'object' || err === null || !('type' in err) || typeof err.type !== 'string') return undefined;
  const ours = err.type === 'GatewayError' && 'message' in err && typeof err.message === 'string';
  return { type: masked(err.type), ...(ours ? { message: masked(String(err.message)) } : {}) };
}

/** Digits of every script: a keypad's digits may come back as others. */
const masked = (text: string): string => text.slice(0, LONGEST).replace(/\p{Nd}{4,}/gu, '****');

/** Everybody on the broker: nobody to whom a code is shown. */
const everybody: Viewer = { may: () => false };

/** More than a device's lane holds, so that one of them has ended unless none ever did. */
const LANE_AND_MORE = 32;

export interface AttemptTopicsOptions {
  readonly attempts: Attempts;
  readonly answers: Serializers;
  readonly outbox: Outbox;
  readonly tree: TopicTree;
  /** The configured devices. */
  readonly deviceIds: Iterable<string>;
}

/** The newest finished attempt of one device. */
class LastAttempt implements RetainedTopic {
  readonly topic: string;
  readonly rule = topicRules.lastAttempt;
  text: string | undefined;
  readonly #fromStore: () => string | undefined;
  #asked = false;

  constructor(topic: string, fromStore: () => string | undefined) {
    this.topic = topic;
    this.#fromStore = fromStore;
  }

  render(): string | undefined {
    if (this.text === undefined && !this.#asked) {
      this.#asked = true;
      this.text = this.#fromStore();
    }
    return this.text;
  }
}

/** Tells each attempt as it goes, and keeps every device's last one. */
export class AttemptTopics {
  readonly #options: AttemptTopicsOptions;
  readonly #last = new Map<string, LastAttempt>();

  constructor(options: AttemptTopicsOptions) {
    this.#options = options;
    for (const deviceId of options.deviceIds)
      this.#last.set(deviceId, new LastAttempt(options.tree.lastAttempt(deviceId), () => this.#lastKnown(deviceId)));
  }

  last(deviceId: string): RetainedTopic | undefined {
    return this.#last.get(deviceId);
  }

  /** For {@link Attempts.onChange}. What the wire does not show of an attempt's life is not told again. */
  heard(attempt: AttemptRecord): void {
    const status = attempt.settlement?.status ?? 'pending';
    this.#options.outbox.happened(`${attempt.actionAttemptId} ${status}`, () => this.#tell(attempt));
  }

  #tell(attempt: AttemptRecord): void {
    const { outbox, tree } = this.#options;
    const { deviceId, settlement, settledAt, acceptedAt } = attempt;
    const text = this.#text(attempt);
    const took = settledAt === undefined ? {} : { took_ms: String(Math.max(0, settledAt - acceptedAt)) };
    outbox.say(tree.attempt(attempt.actionAttemptId), topicRules.attempt, text, { device_id: deviceId, ...took });
    if (settlement === undefined) return;
    const last = this.#last.get(deviceId);
    if (last === undefined) return;
    last.text = lastText(attempt, text);
    outbox.changed(last);
  }

  #lastKnown(deviceId: string): string | undefined {
    const { attempts } = this.#options;
    for (const limit of [1, LANE_AND_MORE]) {
      const newest = attempts.list({ deviceId, limit });
      const ended = newest.find(({ settlement }) => settlement !== undefined);
      if (ended !== undefined) return lastText(ended, this.#text(ended));
      if (newest.length < limit) return undefined;
    }
    return undefined;
  }

  #text(attempt: AttemptRecord): string {
    return JSON.stringify(this.#options.answers.attempt(attempt, everybody));
  }
}

const lastText = ({ deviceId, settledAt, acceptedAt }: AttemptRecord, attemptText: string): string =>
  `{"device_id":${JSON.stringify(deviceId)},"at":"${isoTime(settledAt ?? acceptedAt)}","attempt":${attemptText}}`;

/** Tells each event of the log as it is written down: the object that HTTP shows, under the same id. */
export class EventTopics {
  readonly #answers: Serializers;
  readonly #outbox: Outbox;
  readonly #tree: TopicTree;

  constructor(answers: Serializers, outbox: Outbox, tree: TopicTree) {
    this.#answers = answers;
    this.#outbox = outbox;
    this.#tree = tree;
  }

  /** For {@link Events.onEvent}. */
  heard(event: EventRecord): void {
    const topic = this.#topicOf(event);
    if (topic === undefined) return;
    const { eventId } = event;
    this.#outbox.happened(`event ${eventId}`, () =>
      this.#outbox.say(topic, topicRules.event, JSON.stringify(this.#answers.event(event, everybody))),
    );
  }

  /** Those of a grant are told there, also when they are about one of its doors. */
  #topicOf({ deviceId, noiseThresholdId, accessGrantId, spaceId }: EventRecord): string | undefined {
    if (accessGrantId !== undefined) return this.#tree.grantEvents(accessGrantId);
    if (spaceId !== undefined) return this.#tree.spaceEvents(spaceId);
    if (deviceId === undefined) return undefined;
    return noiseThresholdId === undefined ? this.#tree.deviceEvents(deviceId) : this.#tree.noiseEvents(deviceId);
  }
}
