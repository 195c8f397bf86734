import type { Secret } from '../../../src/contract/index.ts';
import type { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import type { Claim, Traits, Value } from '../../../src/driver-kit/evidence/claims.ts';
import type { BridgeComplaint } from './bridge-complaint.ts';
import { type Bolt, tellsOfBolt } from './codec.ts';
import type { FeedEvent, HeardMessage } from './device-feed.ts';
import type { OwnTraffic } from './own-traffic.ts';
import { holds, isUntold, type SlotStatus } from './slot-status.ts';

/** Zigbee's own patience with a silent device: an answer that was given up may come so long after its question. */
export const lateByMs = 10_000;

/**
 * Nothing on MQTT says what it answers, and the acknowledgement is the broker's. A report that is heard after it can have
 * been under way when the command left, for some 150 ms of radio (measured): what it shows is so now, since it is a change,
 * and the fastest locks report the command itself as soon. So no age is taken off.
 */
export const boltTraits: Traits = {
  answers: 'mixed',
  lateByMs,
  oldByMs: 0,
  acknowledgedBy: 'middleman',
  tellsChanges: true,
  echoes: false,
};

/** The bridge may believe a PIN stored before anybody read it back. */
export const slotTraits: Traits = { ...boltTraits, echoes: true };

/** What the lock keeps of when to lock itself: its seconds as text. */
export const autoRelockAbout = 'auto_relock';

export const slotAbout = (slot: number): string => `slot/${slot}`;

/** A lock tells its relocking again for this long. A guess. */
const relockToldAgainMs = 30_000;

/** What a message speaks of; undefined when that is everything in it. */
type Subjects = ReadonlySet<string> | undefined;

/** Translates what MQTT shows of a lock into claims; what they are worth, the engine decides. */
export class Testimony {
  readonly #book: EvidenceBook<BridgeComplaint>;
  readonly #own: OwnTraffic;
  #written: { readonly slot: number; readonly code: Secret | undefined } | undefined;
  /** The slots as the book was told of them. */
  readonly #told = new Map<number, SlotStatus>();
  /** An UNLOCK is under way on a bolt that was locked when it left. */
  #unlocks = false;

  constructor(book: EvidenceBook<BridgeComplaint>, own: OwnTraffic) {
    this.#book = book;
    this.#own = own;
  }

  hear(event: FeedEvent): void {
    switch (event.kind) {
      case 'gap':
        this.#unlocks = false;
        this.#told.clear();
        this.#book.gap();
        return;
      case 'reachable':
        this.#book.reachable();
        return;
      case 'complaint':
        this.#complained(event);
        return;
      case 'message':
        this.#heard(event);
        return;
      case 'presence':
        return;
    }
  }

  /** A door command leaves now. */
  commandLeft(target: 'locked' | 'unlocked'): void {
    this.#unlocks = target === 'unlocked' && this.#book.known('bolt') === 'locked';
  }

  /** Until the return value is called, this slot is compared with this code; others are merely held or free. */
  writing(slot: number, code: Secret | undefined): () => void {
    this.#written = { slot, code };
    this.#told.delete(slot);
    return () => {
      this.#written = undefined;
    };
  }

  #complained(complaint: BridgeComplaint): void {
    const { verb, reason } = complaint;
    if (verb === 'get') this.#book.unanswered(complaint);
    else if (isMisconfiguration(reason)) this.#book.said({ word: 'refused', reason: complaint });
    else this.#book.said({ word: 'lost', reason: complaint });
  }

  #heard(heard: HeardMessage): void {
    const { event } = heard.message;
    const subjects = this.#subjectsOf(heard);
    const claims = this.#ofSlots(heard, subjects).concat(
      this.#ofAutoRelock(heard, subjects),
      this.#ofBolt(heard, subjects),
      this.#ofEvent(heard),
    );
    if (claims.length > 0) this.#book.told(...claims);
    const isOurSlot = event?.kind === 'programmed' && event.slot === this.#written?.slot && !heard.retained;
    if (isOurSlot) this.#book.said({ word: 'done' });
  }

  /** What a message speaks of that shows nothing new: what was asked, and everything when nothing was. */
  #subjectsOf({ changed, retained, message }: HeardMessage): Subjects {
    if (retained || message.event !== undefined || (changed !== undefined && changed.size > 0)) return undefined;
    return this.#own.takeAnswered();
  }

  #ofBolt(heard: HeardMessage, subjects: Subjects): readonly Claim[] {
    const { bolt } = heard;
    if (bolt === undefined) return [];
    const isNews = tellsOfBolt(heard.changed);
    if (isNews) this.#own.takeAnswerAbout('bolt');
    const claim = claimOf(heard, isNews, subjects, 'bolt', places[bolt]);
    return [heard.isEcho ? { ...claim, carried: true } : claim];
  }

  /** Of the slots that a message carries along, the book need not hear again what it was told before. */
  #ofSlots(heard: HeardMessage, subjects: Subjects): Claim[] {
    const claims: Claim[] = [];
    const isOther = tellsOther(heard);
    for (const [slot, status] of heard.message.slots) {
      const isAsTold = this.#told.get(slot) === status;
      if (isAsTold && isOther) continue;
      const about = slotAbout(slot);
      if (isAsTold && subjects?.has(about) === false) continue;
      if (!heard.retained && slot !== this.#written?.slot) this.#told.set(slot, status);
      const isNews = heard.changedSlots.has(slot);
      claims.push(claimOf(heard, isNews, subjects, about, this.#valueOf(slot, status)));
    }
    return claims;
  }

  #ofAutoRelock(heard: HeardMessage, subjects: Subjects): readonly Claim[] {
    const { autoRelockS } = heard.message;
    if (autoRelockS === undefined) return [];
    const isNews = heard.changed?.has('auto_relock_time') === true;
    if (isNews) this.#own.takeAnswerAbout(autoRelockAbout);
    return [claimOf(heard, isNews, subjects, autoRelockAbout, String(autoRelockS))];
  }

  #valueOf(slot: number, status: SlotStatus): Value {
    if (isUntold(status)) return 'not_known';
    if (status.status === 'available') return 'free';
    if (status.status !== 'enabled') return 'other';
    const { code } = this.#written?.slot === slot ? this.#written : { code: undefined };
    if (code === undefined) return 'held';
    const held = holds(status, code);
    return held === 'this' ? 'ours' : held === 'another' ? 'other' : 'withheld';
  }

  /** An event may be told again long after: only one over the air that is owed for the last command is a word on it. */
  #ofEvent({ message: { event }, bolt, at, retained, isOfLastCommand }: HeardMessage): readonly Claim[] {
    if (retained || event?.kind !== 'operated') return [];
    const { operation, method } = event;
    // A lock may say that it carried out the command while its bolt got stuck, or got lost; and what it tells again of a
    // command of before stands beside where the bolt is now. One that moves only now reports it in a moment.
    if (bolt !== undefined && bolt !== operation) return [];
    if (method === 'remote' && (operation === 'locked' || operation === 'unlocked'))
      return isOfLastCommand
        ? [{ about: 'bolt', value: operation, at, cause: 'remote' }]
        : [{ about: 'bolt', value: operation, at, cause: 'remote_again', carried: true }];
    if (method !== 'automatic' || operation !== 'locked') return [];
    if (this.#own.isRepeated('relock', relockToldAgainMs) || !this.#unlocks) return [];
    // A lock that locks itself again had been unlocked; as it was locked when the command left, that was since.
    return [
      { about: 'bolt', value: 'unlocked', at, cause: 'other', notBefore: at },
      { about: 'bolt', value: 'locked', at, cause: 'other' },
    ];
  }
}

const places: Readonly<Record<Bolt | 'unknown', Value>> = {
  locked: 'locked',
  unlocked: 'unlocked',
  not_fully_locked: 'half_way',
  unknown: 'not_known',
};

const tellsOther = ({ changed, message }: HeardMessage): boolean =>
  (changed?.size ?? 0) > 0 || message.event !== undefined;

/** Cached keys ride in every message: what did not change in one that tells something else is no word of its own. */
function claimOf(heard: HeardMessage, isNews: boolean, subjects: Subjects, about: string, value: Value): Claim {
  const { at, retained } = heard;
  const isCarried = !isNews && (tellsOther(heard) || subjects?.has(about) === false);
  if (!retained && !isCarried) return { about, value, at };
  return { about, value, at, ...(retained && { kept: true }), ...(isCarried && { carried: true }) };
}

/** The bridge sent nothing to the device: its settings are wrong. */
export const isMisconfiguration = (reason: BridgeComplaint['reason']): boolean =>
  reason === 'unknown_device' || reason === 'no_converter' || reason === 'slot_out_of_range';
