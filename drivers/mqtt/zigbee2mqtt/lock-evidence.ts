import { type Bolt, boltKeys } from './codec.ts';
import { answersRead, type BoltNews, type HeardMessage } from './device-feed.ts';

/** What was heard so far amounts to. */
export type Finding =
  /** The bolt was seen where it was told to go, or something happened that needs it to have been there. */
  | 'reached'
  /** The bolt left its place and did not arrive. */
  | 'half_way'
  /** Nothing that arose after the send says anything yet. */
  | 'open';

export interface EvidenceStart {
  readonly target: 'locked' | 'unlocked';
  /** Where the bridge said the bolt is when the command left; undefined when it had not said since the last gap. */
  readonly before: Bolt | undefined;
  /** Changes heard shortly before the command left. */
  readonly news: readonly BoltNews[];
}

/**
 * The operation event comes about 10 ms after the state report it belongs to (measured). One that comes within this
 * time after a change from before the send may be that change's own. A guess with room for a slow radio.
 */
const echoMs = 500;

/**
 * Weighs what MQTT shows after a door command left. Cached keys ride in every message, so only a change, an
 * operation event, or answers to reads that began afterwards count. A transition counts even if it was undone since.
 */
export class LockEvidence {
  readonly #start: EvidenceStart;
  #previous: Bolt | undefined;
  #gap = false;
  #finding: Finding = 'open';
  /** Answers in a row that showed the same place. */
  #answers: { readonly bolt: Bolt; readonly count: number } | undefined;
  #readOutstanding = false;

  constructor(start: EvidenceStart) {
    this.#start = start;
    this.#previous = start.before;
  }

  get finding(): Finding {
    return this.#finding;
  }

  /** Where the last answers to reads put the bolt, and how many in a row. */
  get answers(): { readonly bolt: Bolt; readonly count: number } | undefined {
    return this.#answers;
  }

  /** True until the read that was begun last is answered. */
  get readOutstanding(): boolean {
    return this.#readOutstanding;
  }

  /** The cache said before and says still that the bolt is where it was told to go, and no gap lies between. */
  get wasThereBefore(): boolean {
    const { before, target } = this.#start;
    return !this.#gap && before === target && this.#previous === target;
  }

  readBegan(): void {
    this.#readOutstanding = true;
  }

  readFailed(): void {
    this.#readOutstanding = false;
  }

  /** The bridge says that a read failed: what was taken for its answer was not. */
  readRefuted(): void {
    this.#readOutstanding = false;
    this.#answers = undefined;
  }

  /** What comes next does not join up with what was before. */
  gap(): void {
    this.#gap = true;
    this.#previous = undefined;
    this.#answers = undefined;
    this.#readOutstanding = false;
    if (this.#finding === 'half_way') this.#finding = 'open';
  }

  hear(heard: HeardMessage): void {
    this.#weighEvent(heard);
    const { bolt } = heard.message;
    if (bolt === undefined) return;
    const previous = this.#previous;
    this.#previous = bolt;
    if (!heard.retained && previous !== undefined && bolt !== previous) this.#weighChange(bolt);
    if (this.#readOutstanding && answersRead(heard, (key) => boltKeys.has(key)) !== 'other') this.#weighAnswer(bolt);
  }

  #weighEvent({ message, at, retained, ofEarlierCommand }: HeardMessage): void {
    const { event } = message;
    if (retained || event?.kind !== 'operated' || event.operation === 'access_denied') return;
    // A lock may say that it carried out the command while its own report says that the bolt got stuck.
    if (message.bolt === 'not_fully_locked') return;
    const { news, target } = this.#start;
    if (news.some((change) => change.bolt === event.operation && at < change.at + echoMs)) return;
    if (event.method === 'remote' && event.operation === target && !ofEarlierCommand) this.#finding = 'reached';
    // A lock that locks itself again was unlocked before; when it was locked as the command left, it was since.
    const wasLocked = this.#start.before === 'locked' && !this.#gap;
    if (target === 'unlocked' && event.method === 'automatic' && event.operation === 'locked' && wasLocked)
      this.#finding = 'reached';
  }

  #weighChange(bolt: Bolt): void {
    if (bolt === this.#start.target) this.#finding = 'reached';
    else if (bolt === 'not_fully_locked' && this.#finding === 'open') this.#finding = 'half_way';
  }

  /** One answer alone may be a report of something else that did not change; two to two reads are not. */
  #weighAnswer(bolt: Bolt): void {
    this.#readOutstanding = false;
    this.#answers = { bolt, count: this.#answers?.bolt === bolt ? this.#answers.count + 1 : 1 };
    if (bolt === this.#start.target && this.#answers.count >= 2) this.#finding = 'reached';
  }
}
