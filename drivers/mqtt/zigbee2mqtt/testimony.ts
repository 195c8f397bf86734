import type { Secret } from '../../../src/contract/index.ts';
import type { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import type { Claim, Traits, Value } from '../../../src/driver-kit/evidence/claims.ts';
import type { BridgeComplaint } from './bridge-complaint.ts';
import type { Bolt, LockEvent } from './codec.ts';
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

const slotPrefix = 'slot/';

export const slotAbout = (slot: number): string => `${slotPrefix}${slot}`;

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
  #told: Map<number, SlotStatus> | undefined;
  /** The book was told of the relocking, or that nothing is told of it. */
  #isRelockTold = false;
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
        this.#told = undefined;
        this.#isRelockTold = false;
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
    this.#told?.delete(slot);
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
    const { isNews, retained, message } = heard;
    const { event } = message;
    // One that shows nothing new speaks of what was asked, and of everything when nothing was.
    const subjects = retained || isNews ? undefined : this.#own.takeAnswered();
    const claims: Claim[] = [];
    this.#hearSlots(heard, subjects, claims);
    this.#hearAutoRelock(heard, subjects, claims);
    this.#hearBolt(heard, subjects, claims);
    if (event?.kind === 'operated' && !retained) this.#hearOperation(heard, event, claims);
    if (claims.length > 0) this.#book.told(...claims);
    if (event?.kind === 'programmed' && event.slot === this.#written?.slot && !retained)
      this.#book.said({ word: 'done' });
  }

  #hearBolt(heard: HeardMessage, subjects: Subjects, claims: Claim[]): void {
    const { bolt, isEcho, changed } = heard;
    if (bolt === undefined) return;
    const isChanged = changed !== undefined && (changed.has('state') || changed.has('lock_state'));
    if (isChanged) this.#own.takeAnswerAbout('bolt');
    const claim = claimOf(heard, isChanged, subjects, 'bolt', places[bolt]);
    claims.push(isEcho ? { ...claim, carried: true } : claim);
  }

  /** Of what a message carries along, the book need not hear again what it was told before. */
  #hearSlots(heard: HeardMessage, subjects: Subjects, claims: Claim[]): void {
    const { message, isNews, retained, changedSlots } = heard;
    const asked = subjects && slotsIn(subjects);
    for (const [slot, status] of message.slots) {
      if (this.#told?.get(slot) === status && (isNews || asked?.has(slot) === false)) continue;
      if (!retained && slot !== this.#written?.slot) {
        this.#told ??= new Map();
        this.#told.set(slot, status);
      }
      claims.push(claimOf(heard, changedSlots.has(slot), subjects, slotAbout(slot), this.#valueOf(slot, status)));
    }
  }

  #hearAutoRelock(heard: HeardMessage, subjects: Subjects, claims: Claim[]): void {
    const { message, changed, isNews, retained } = heard;
    const isChanged = changed?.has('auto_relock_time') === true;
    if (isChanged) this.#own.takeAnswerAbout(autoRelockAbout);
    else if (this.#isRelockTold && (isNews || subjects?.has(autoRelockAbout) === false)) return;
    this.#isRelockTold ||= !retained;
    if (message.autoRelockS !== undefined)
      claims.push(claimOf(heard, isChanged, subjects, autoRelockAbout, String(message.autoRelockS)));
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
  #hearOperation({ bolt, at, isOfLastCommand }: HeardMessage, event: Operated, claims: Claim[]): void {
    const { operation, method } = event;
    // A lock may say that it carried out the command while its bolt got stuck, or got lost; and what it tells again of a
    // command of before stands beside where the bolt is now. One that moves only now reports it in a moment.
    if (bolt !== undefined && bolt !== operation) return;
    if (method === 'remote' && (operation === 'locked' || operation === 'unlocked')) {
      if (isOfLastCommand) claims.push({ about: 'bolt', value: operation, at, cause: 'remote' });
      else claims.push({ about: 'bolt', value: operation, at, cause: 'remote_again', carried: true });
    } else if (method === 'automatic' && operation === 'locked') {
      if (this.#own.isRepeated('relock', relockToldAgainMs) || !this.#unlocks) return;
      // A lock that locks itself again had been unlocked; as it was locked when the command left, that was since.
      claims.push({ about: 'bolt', value: 'unlocked', at, cause: 'other', notBefore: at });
      claims.push({ about: 'bolt', value: 'locked', at, cause: 'other' });
    }
  }
}

type Operated = Extract<LockEvent, { kind: 'operated' }>;

const places: Readonly<Record<Bolt | 'unknown', Value>> = {
  locked: 'locked',
  unlocked: 'unlocked',
  not_fully_locked: 'half_way',
  unknown: 'not_known',
};

function slotsIn(subjects: ReadonlySet<string>): ReadonlySet<number> {
  const slots = new Set<number>();
  for (const about of subjects) if (about.startsWith(slotPrefix)) slots.add(Number(about.slice(slotPrefix.length)));
  return slots;
}

/** Cached keys ride in every message: what did not change in one that tells something else is no word of its own. */
function claimOf(heard: HeardMessage, isChanged: boolean, subjects: Subjects, about: string, value: Value): Claim {
  const { at, retained, isNews } = heard;
  const isCarried = !isChanged && (isNews || subjects?.has(about) === false);
  if (!retained && !isCarried) return { about, value, at };
  return { about, value, at, ...(retained && { kept: true }), ...(isCarried && { carried: true }) };
}

/** The bridge sent nothing to the device: its settings are wrong. */
export const isMisconfiguration = (reason: BridgeComplaint['reason']): boolean =>
  reason === 'unknown_device' || reason === 'no_converter' || reason === 'slot_out_of_range';
