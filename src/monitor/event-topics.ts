import type { EventRecord } from '../model/records.ts';
import type { Serializers } from '../wire/serializers.ts';
import type { Viewer } from '../wire/viewer.ts';
import type { Outbox } from './outbox.ts';
import { type TopicTree, topicRules } from './topics.ts';

/** Everybody on the broker: nobody to whom a code is shown. */
const everybody: Viewer = { may: () => false };

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
