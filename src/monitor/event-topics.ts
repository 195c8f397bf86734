import type { EventRecord } from '../model/records.ts';
import type { Answers, Viewer } from '../wire/answers.ts';
import type { Outbox } from './outbox.ts';
import { type TopicTree, topicRules } from './topics.ts';

/** Everybody on the broker: nobody to whom a code is shown. */
const everybody: Viewer = { may: () => false };

/** Tells each event of the log as it is written down: the object that HTTP shows, under the same id. */
export class EventTopics {
  readonly #answers: Answers;
  readonly #outbox: Outbox;
  readonly #tree: TopicTree;

  constructor(answers: Answers, outbox: Outbox, tree: TopicTree) {
    this.#answers = answers;
    this.#outbox = outbox;
    this.#tree = tree;
  }

  /** For {@link Events.onEvent}. */
  heard(event: EventRecord): void {
    const { deviceId, eventId, noiseThresholdId } = event;
    if (deviceId === undefined) return;
    const topic = noiseThresholdId === undefined ? this.#tree.deviceEvents(deviceId) : this.#tree.noiseEvents(deviceId);
    this.#outbox.happened(`event ${eventId}`, () =>
      this.#outbox.say(topic, topicRules.event, JSON.stringify(this.#answers.event(event, everybody))),
    );
  }
}
