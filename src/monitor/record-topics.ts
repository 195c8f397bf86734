import type { Attempts } from '../model/gateway.ts';
import type { AttemptRecord, EventRecord } from '../model/records.ts';
import { isoTime } from '../wire/iso-time.ts';
import type { Serializers } from '../wire/serializers.ts';
import type { Viewer } from '../wire/viewer.ts';
import type { Outbox, RetainedTopic } from './outbox.ts';
import { type TopicTree, topicRules } from './topics.ts';

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
