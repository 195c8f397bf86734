/**
 * Values that are no place. `not_known`: the device says that it does not know, or leaves out what it used to say.
 * `withheld`: it knows and does not show it. `half_way`: between two places. `stuck`: half way, and it says that it
 * will stay there. A driver never makes one of these up from something that was not said.
 */
export type NoPlace = 'not_known' | 'withheld' | 'half_way' | 'stuck';

/** A place, in the driver's words (`locked`, `free`, `on`), or one of {@link NoPlace}. */
export type Value = string;

/** One thing that a message of the device says. */
export interface Claim {
  /** What it speaks of: `bolt`, `latch`, `relay`, `contact`, `slot/5`. */
  readonly about: string;
  readonly value: Value;
  /** `Clock.now()` when it came. */
  readonly at: number;
  /** Somebody on the way kept it (a retained message): it tells of the past, and nothing else. */
  readonly kept?: true;
  /** It rode along in a message about something else: known, but no word on its own. */
  readonly carried?: true;
  /**
   * What caused it, where the device names that. `this_command`: it names the very command, so that no other can be
   * meant. `remote`: a command over the air, ours or another's. `remote_again`: the same, and it may be one of before
   * that is told again. `other`: a hand, a keypad, the lock itself.
   */
  readonly cause?: 'this_command' | 'remote' | 'remote_again' | 'other';
  /**
   * `Clock.now()` before which it cannot have arisen, where the device proves it: by a number or a time of its own. An
   * answer that may be to an earlier question has that one's.
   */
  readonly notBefore?: number;
}

/** What a protocol can prove. A guess here is a lie there: in doubt say less. */
export interface Traits {
  /**
   * Whether an answer can be told to belong to its question.
   *
   * - `correlated`: always.
   * - `in_turn`: it follows its question, but one that was given up may come in the place of the next, up to `lateByMs`
   *   after its question.
   * - `mixed`: it looks like what is told unasked.
   * - `none`: the device cannot be asked.
   */
  readonly answers: 'correlated' | 'in_turn' | 'mixed' | 'none';
  /** An answer that was given up can still come so long after its question, in milliseconds. */
  readonly lateByMs: number;
  /**
   * What is told unasked can be so old when it comes, in milliseconds: under way, or told again later. Infinite for
   * what is told from a memory.
   */
  readonly oldByMs: number;
  /**
   * Who acknowledges a command. What is heard before the acknowledgement is of before the command; what is heard after
   * that of the `device`, on the same connection, is of after it. A `middleman`'s proves only the first.
   */
  readonly acknowledgedBy: 'device' | 'middleman' | 'nobody';
  /** The device tells every change of its own accord, so that what it told last holds until it tells otherwise. */
  readonly tellsChanges: boolean;
  /** After a command the middleman says itself what should be: told changes are no evidence, only answers are. */
  readonly echoes: boolean;
}

/** What would prove the end of a command, and what would tell it from the state before. */
export interface Goal {
  /** Any of these proves that the device got there. */
  readonly proof: readonly Sought[];
  /** Seen after the send, these show that it set out, whatever the place was before. */
  readonly passing?: readonly Sought[];
  /** The proof ends by itself so long after the send (a pulse), in milliseconds: what is seen later says nothing. */
  readonly lastsMs?: number;
  /** The proof lasts for a moment: that it is not there any more, or not yet, says nothing (a latch that is pulled). */
  readonly isMomentary?: boolean;
  /** Instead of a proof: whatever an answer shows of this ends the question. */
  readonly question?: string;
}

export interface Sought {
  readonly about: string;
  readonly value: Value;
  /** It counts only when this was known before the send: a lock that locks itself had been unlocked. */
  readonly ifBefore?: { readonly about: string; readonly value: Value };
}

/** When to ask and when to end, in milliseconds. The numbers are the driver's: they were measured, or say so. */
export interface Plan {
  /** From the send to the first question, unless something is told before. */
  readonly firstAskMs: number;
  /** Between two questions: doubled from the first to the last. */
  readonly betweenMs: number;
  readonly longestBetweenMs: number;
  /** A question without an answer is given up after this. Only for `mixed`: elsewhere `ask` ends by itself. */
  readonly patienceMs: number;
  /** How long the device may need: an answer to an earlier question says nothing against the command. */
  readonly travelMs: number;
  /** A device that was seen half way is believed to stay there after this, if it says so when it is asked. */
  readonly halfWayMs: number;
  /** A device that stands as asked is given this long to show that it moved. */
  readonly witnessMs: number;
  /** A refusal is given this long for its reason, and for news that it was none. */
  readonly reasonMs: number;
  /** What an answer showed before the send is known for so long. */
  readonly knownForMs: number;
  /**
   * Until then (`Clock.now()`) two answers that show another place, late enough, end the command early: a LOCK may be
   * sent again, and a pulse cannot come any more.
   */
  readonly earlyUntil?: number | undefined;
  /** From the send, when both the command and a question are known to have been lost on the way. */
  readonly lossMs?: number;
}

/** What happened, one at a time, in the order of its happening. `Reason` is the driver's own. */
export type Input<Reason> =
  | { readonly kind: 'sent'; readonly at: number }
  /** @property at `Clock.now()` when it was read, which may be before it is told here */
  | { readonly kind: 'acknowledged'; readonly at: number }
  | { readonly kind: 'unacknowledged' }
  /** What the device, or who carried it, says of this very command. It is no observation, except for `refused`. */
  | {
      readonly kind: 'said';
      /** `unclear`: an answer to the command that leaves open what became of it. */
      readonly word: 'accepted' | 'working' | 'done' | 'unclear' | 'refused' | 'lost';
      readonly remainingMs?: number;
      readonly reason?: Reason;
    }
  /** The question that was to be put leaves now. */
  | { readonly kind: 'put'; readonly question: number; readonly at: number }
  | { readonly kind: 'told'; readonly claims: readonly Claim[] }
  | { readonly kind: 'answer'; readonly question: number; readonly claims: readonly Claim[] }
  | { readonly kind: 'no_answer'; readonly question: number; readonly reason?: Reason }
  /** What was heard before and what is heard later do not join up. */
  | { readonly kind: 'gap' }
  | { readonly kind: 'reachable' }
  | { readonly kind: 'time' };

export interface Question {
  readonly id: number;
  /** `Clock.now()` when it was put; infinite until it was. */
  readonly began: number;
}

/** How a command ended, as far as can be known. */
export type Verdict<Reason> =
  /** It was seen to do what was asked, after the send. */
  | { readonly end: 'confirmed'; readonly by: 'change' | 'passing' | 'cause' | 'word' }
  /** Only of a question: what an answer showed. */
  | { readonly end: 'answered'; readonly value: Value }
  /** It stands as asked, and nothing tells that from what was before. */
  | { readonly end: 'unconfirmed' }
  /** It refused this very command. */
  | { readonly end: 'refused'; readonly reason: Reason | undefined }
  /** It set out and did not arrive. */
  | { readonly end: 'stuck' }
  /** Asked late enough after the send, it said that it is elsewhere. */
  | { readonly end: 'not_reached'; readonly value: Value }
  | {
      readonly end: 'unknown';
      /** `silent`: nothing that it said since is an answer. `not_known`: it says that it does not know. */
      readonly why: 'silent' | 'not_known' | 'too_late' | 'lost' | 'closed';
      readonly reason?: Reason;
    };
