import type { Clock } from '../../../src/contract/index.ts';
import type { Claim, Goal, Plan, Traits } from '../../../src/driver-kit/evidence/claims.ts';
import { lockActions, lockStates } from './catalogue.ts';
import { asUtc } from './code-times.ts';
import type { KeyturnerStates } from './codec-replies.ts';
import { REPLY_MS } from './connection.ts';
import { type LockTarget, stateOf } from './states.ts';

/** What a Nuki's words can prove: answers belong to their question on one encrypted connection, in order. */
export const nukiTraits: Traits = {
  answers: 'correlated',
  lateByMs: 0,
  oldByMs: 0,
  acknowledgedBy: 'device',
  tellsChanges: false,
  echoes: false,
};

/** The truth is told this long before the deadline, so that it is not overtaken by the abort. A guess. */
export const CHANGE_MARGIN_MS = 1_000;

/** A change of a code or a setting is there once it was answered; without an answer it is looked for again. Guesses. */
export const changePlan: Plan = {
  firstAskMs: REPLY_MS,
  betweenMs: 2_000,
  longestBetweenMs: 4_000,
  patienceMs: REPLY_MS,
  travelMs: 1_000,
  halfWayMs: 0,
  witnessMs: 0,
  reasonMs: 0,
  knownForMs: 0,
  earlyUntil: Number.POSITIVE_INFINITY,
};

/** What a message says that was made so long before it came is of before, in milliseconds. Locks count in seconds. */
const OLD_MS = 3_000;

/**
 * The lock's own clock beside ours, so that what it says again later can be told by its time. A lock whose clock was
 * never set, or is set anew meanwhile, proves nothing.
 */
export class LockClock {
  readonly #clock: Clock;
  /** The lock's time minus `Clock.now()`, when it last answered. */
  #offset: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An answer came just now. */
  answered({ time }: KeyturnerStates): void {
    this.#offset = asUtc(time) - this.#clock.now();
  }

  isOld({ time }: KeyturnerStates): boolean {
    return this.#offset !== undefined && asUtc(time) - this.#offset < this.#clock.now() - OLD_MS;
  }
}

const bolts = new Map<string, string>([
  ['locked', 'locked'],
  ['unlocked', 'unlocked'],
  ['locking', 'half_way'],
  ['unlocking', 'half_way'],
  ['jammed', 'stuck'],
]);

const latches = new Map<number, string>([
  [lockStates.unlatching, 'half_way'],
  [lockStates.unlatched, 'pulled'],
]);

/** The motor has got hold of the latch. */
export const isUnlatching = ({ lockState }: KeyturnerStates): boolean => latches.has(lockState);

/** What a state says of bolt, way and latch. @param isOld it was made before, and only comes now */
export function claimsOf(states: KeyturnerStates, at: number, isOld = false): readonly Claim[] {
  const state = stateOf(states);
  const age = isOld ? { notBefore: Number.NEGATIVE_INFINITY } : {};
  // A latch is pulled with the bolt back already.
  const bolt = isUnlatching(states) ? 'unlocked' : (bolts.get(state) ?? 'not_known');
  const latch = latches.get(states.lockState) ?? (bolt === 'not_known' ? 'not_known' : 'free');
  return [
    ...(bolt === 'half_way' ? [{ about: 'way', value: state, at, ...age }] : []),
    { about: 'latch', value: latch, at, ...age },
    { about: 'bolt', value: bolt, at, ...age },
  ];
}

/** What UNLOCK and LOCK are after. A pulled latch leaves nothing behind: it has to be seen, or to be in the lock's log. */
export function goalOf(action: number, target: LockTarget): Goal {
  if (action === lockActions.unlatch)
    return {
      proof: [{ about: 'latch', value: 'pulled' }],
      // The bolt is asked about as well: it may jam on its way.
      passing: ['latch', 'bolt'].map((about) => ({ about, value: 'half_way' })),
    };
  return {
    proof: [{ about: 'bolt', value: target }],
    passing: [{ about: 'way', value: target === 'locked' ? 'locking' : 'unlocking' }],
  };
}

/** The lock's own record of this very command. */
export const recordOf = (action: number, target: LockTarget, at: number): readonly Claim[] => [
  action === lockActions.unlatch
    ? { about: 'latch', value: 'pulled', at, cause: 'this_command' }
    : { about: 'bolt', value: target, at, cause: 'this_command' },
];

/** A turn takes 1 s to 4 s, and begins within 2 s: guesses, from the times of a simulated lock of third parties. */
export const TURN_MS = 4_000;

export const doorPlan = (earlyUntil: number | undefined): Plan => ({
  firstAskMs: 5_000,
  betweenMs: 1_000,
  longestBetweenMs: 2_000,
  patienceMs: 3_000,
  travelMs: TURN_MS,
  halfWayMs: 6_000,
  witnessMs: 2_000,
  reasonMs: 0,
  knownForMs: 5_000,
  ...(earlyUntil !== undefined && { earlyUntil }),
});
