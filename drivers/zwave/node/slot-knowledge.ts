import type { ZwaveCode } from '../../../src/contract/index.ts';

/** So many slots that a lock says nothing of, and none that it tells of, are a lock that tells of none. A guess. */
const SLOTS_UNTOLD = 3;
/** So many questions in a row that a lock which is there leaves without an answer. A guess; one was seen to skip two. */
const QUESTIONS_UNANSWERED = 6;

/** What has been learnt of how a lock tells of its slots. One that never does is not asked for ever. */
export class SlotKnowledge {
  readonly #ownSlots: number;
  readonly #onLearnt: (why: string) => void;
  #untold = new Set<number>();
  #unanswered = 0;
  #tells = true;

  /** @param ownSlots how many slots are the gateway's */
  constructor(ownSlots: number, onLearnt: (why: string) => void) {
    this.#ownSlots = ownSlots;
    this.#onLearnt = onLearnt;
  }

  /** False for a lock that takes codes and tells of none. */
  get tells(): boolean {
    return this.#tells;
  }

  /** How many more slots are worth a question before it is known that it tells of none. */
  get untoldLeft(): number {
    return Math.min(SLOTS_UNTOLD, this.#ownSlots) - this.#untold.size;
  }

  answered(slot: number, { place }: ZwaveCode): void {
    this.#unanswered = 0;
    if (place !== 'unknown') {
      this.#untold = new Set();
      this.#become(true, 'it tells of its code slots after all');
      return;
    }
    this.#untold.add(slot);
    if (this.untoldLeft <= 0) this.#become(false, 'it says of every code slot that its status is not available');
  }

  /** The lock was there, and left a question about a slot without an answer. */
  unanswered(): void {
    this.#unanswered += 1;
    if (this.#unanswered >= QUESTIONS_UNANSWERED) this.#become(false, 'it answers no question about a code slot');
  }

  #become(tells: boolean, why: string): void {
    if (this.#tells === tells) return;
    this.#tells = tells;
    this.#onLearnt(why);
  }
}
