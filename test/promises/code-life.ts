import type { EventRecord } from '../../src/model/records.ts';
import type { KeypadChange, TimedKeypad, WriteFault } from '../kit/locks/timed-keypad.ts';
import type { Stretch } from './stretches.ts';

const minute = 60_000;

/** One thing that happens, and how long passes after it. Numbers are chosen by fast-check, so that they shrink. */
export type LifeStep = { readonly afterMs: number } & (
  | { readonly kind: 'create'; readonly digits: string; readonly from: number | undefined; readonly minutes: number }
  | { readonly kind: 'digits'; readonly which: number; readonly digits: string }
  | { readonly kind: 'end'; readonly which: number; readonly minutes: number }
  | { readonly kind: 'start'; readonly which: number; readonly from: number; readonly minutes: number }
  | { readonly kind: 'delete'; readonly which: number }
  | { readonly kind: 'leave' | 'leave_unheard' | 'return' | 'crash' | 'crash_kept' | 'lose_all' | 'clock_right' }
  /** In the moment in which the lock has done what it was asked next, should it be before the next step. */
  | { readonly kind: 'crash_at_write' }
  | { readonly kind: 'restart_after'; readonly minutes: number }
  | { readonly kind: 'fault'; readonly fault: WriteFault }
  | { readonly kind: 'by_hand'; readonly hand: Hand; readonly unseen: 'away' | 'dead' | undefined }
  | { readonly kind: 'delete_foreign'; readonly which: number }
  | { readonly kind: 'clock_wrong'; readonly byMinutes: number }
  | { readonly kind: 'clock_confirmed_slow' | 'restart_slow'; readonly byMinutes: number }
);

/** What somebody does at the keypad: to the slot of that number, or to one that the gateway has filled. */
export interface Hand {
  readonly slot: number;
  readonly isOurs: boolean;
  /** Undefined to empty it. */
  readonly digits: string | undefined;
}

/** When digits were wanted on the lock: true time, in milliseconds since the Unix epoch. */
export interface RequestedCode {
  readonly id: string;
  readonly digits: string;
  /** When it was accepted. */
  readonly since: number;
  readonly startsAt: number | undefined;
  readonly endsAt: number | undefined;
  /** When something else was wanted in its place, or nothing. */
  until: number | undefined;
}

export interface Trouble {
  /** `time`: nobody can say what time it is. `slow`: an operator confirmed a time that is too early. */
  readonly what: 'away' | 'dead' | 'time' | 'slow';
  readonly stretch: Stretch;
}

export interface LifeTrace {
  readonly from: number;
  readonly until: number;
  readonly wishes: readonly RequestedCode[];
  readonly keypad: TimedKeypad;
  /** Stretches in which a gateway could not have done better. */
  readonly trouble: readonly Trouble[];
  /** When the lock came back, or the gateway: times at which what others did meanwhile is looked for. */
  readonly comebacks: readonly number[];
  /** What somebody did, the lock told of, and somebody listened to. */
  readonly heard: ReadonlySet<KeypadChange>;
  readonly events: readonly EventRecord[];
  /** Strangers' codes that somebody asked the gateway to remove. */
  readonly givenUp: ReadonlySet<string>;
  /** Codes on the lock that the gateway shows as not its own, in the end; digits where the lock shows them. */
  readonly shownAsForeign: readonly { readonly slot: number; readonly digits: string | undefined }[];
  /** What the gateway says in the end. */
  readonly told: readonly {
    readonly id: string;
    readonly digits: string;
    readonly status: string;
    readonly problems: readonly string[];
  }[];
}

/** After a failure that the lock does not tell of, the gateway waits before it tries again: at most this long. */
export const ladderMs = 6 * minute;
