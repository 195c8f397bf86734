import type { LockState } from '../contract/index.ts';
import type { Claim, Plan, Traits, Value } from './evidence/claims.ts';

const traits: Traits = {
  answers: 'none',
  lateByMs: 0,
  oldByMs: 300,
  acknowledgedBy: 'middleman',
  tellsChanges: true,
  echoes: false,
};

/** Nothing is asked; a bolt that stands as asked is given half a second to show that it moved. */
const plan: Plan = {
  firstAskMs: 0,
  betweenMs: 0,
  longestBetweenMs: 0,
  patienceMs: 0,
  travelMs: 0,
  halfWayMs: 0,
  witnessMs: 500,
  reasonMs: 0,
  knownForMs: 0,
};

/**
 * A lock behind a broker that tells every change and cannot be asked: what it tells may be 300 ms old. The numbers are
 * guesses; the truth is told `marginMs` before the deadline.
 */
export const unaskedLock = { traits, plan, marginMs: 200 };

const places: Readonly<Record<LockState, Value>> = {
  locked: 'locked',
  unlocked: 'unlocked',
  locking: 'half_way',
  unlocking: 'half_way',
  jammed: 'stuck',
  unknown: 'not_known',
};

/** What a lock says of its bolt. @param message what carried it, as an MQTT link hands it over */
export const boltClaim = (state: LockState, at: number, message?: { readonly retained: boolean }): Claim => ({
  about: 'bolt',
  value: places[state],
  at,
  ...(message?.retained && { kept: true }),
});
