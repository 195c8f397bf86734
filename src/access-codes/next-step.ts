import type { AccessCodeRules } from '../contract/index.ts';
import type { AccessCodeRecord, CodePlacement, UnmanagedCodeRecord } from '../model/records.ts';
import type { CodeEvaluation } from './wanted.ts';

/** One thing to do on the lock, or in the repository, for one code. */
export type CodeStep =
  /** Nothing has left for it: it is only forgotten. */
  | { readonly kind: 'drop'; readonly placement: CodePlacement }
  /** A write may have left: the lock is asked what became of it. */
  | { readonly kind: 'find_out'; readonly placement: CodePlacement }
  | { readonly kind: 'clear'; readonly placement: CodePlacement }
  /** `slot` undefined: the lock assigns it. */
  | { readonly kind: 'write'; readonly slot: number | undefined }
  | { readonly kind: 'no_space' }
  /** Another code still has these digits there, and the lock would refuse them: nothing is to be done before that is gone. */
  | { readonly kind: 'blocked' };

/** A code with what is wanted of it now. */
export interface EvaluatedCode extends CodeEvaluation {
  readonly code: AccessCodeRecord;
  /** Something else is to be told of it than what is written down: the time has changed it. */
  readonly isStale: boolean;
}

/** What a lock holds, or may hold, as far as is known. */
export interface LockHoldings {
  readonly codes: readonly AccessCodeRecord[];
  /** Put there by others. */
  readonly unmanaged: readonly UnmanagedCodeRecord[];
  /** The same for the same digits; undefined for digits that cannot be read. */
  readonly markOf: (sealed: Uint8Array, of: AccessCodeRecord) => string | undefined;
}

/**
 * The next step from what the lock holds of a code to what is wanted, undefined when they are the same. New before
 * old: an entry that still opens goes only once the new one was seen, unless the lock has no room for both or would
 * refuse the same digits twice. Creating, updating, removing, repairing and finishing what a crash cut short are all
 * this.
 */
export function nextStep(
  { code, want, fitting }: EvaluatedCode,
  holdings: LockHoldings,
  rules: AccessCodeRules,
): CodeStep | undefined {
  const { placements } = code;
  if (want !== 'off_lock' && fitting && placements.length === 1) return undefined;
  const planned = placements.find(({ state }) => state === 'planned');
  if (planned) return want === 'on_lock' && isBlocked(code, holdings) ? blocked : { kind: 'drop', placement: planned };
  const doubtful = placements.find(({ state }) => state === 'writing');
  if (doubtful) return { kind: 'find_out', placement: doubtful };
  const [first] = placements;
  if (want === 'as_it_is') return undefined;
  if (want === 'off_lock') return first && { kind: 'clear', placement: first };
  const surplus = placements.find((placement) => placement !== fitting);
  if (fitting) return surplus && { kind: 'clear', placement: surplus };
  const inTheWay = placements.find((placement) => mustGo(placement) || hasDigitsOf(code, placement, holdings));
  if (inTheWay) return { kind: 'clear', placement: inTheWay };
  if (isBlocked(code, holdings)) return blocked;
  if (rules.slots === 'device') return { kind: 'write', slot: undefined };
  const slot = freeSlot(rules.slots, holdings);
  if (slot !== undefined) return { kind: 'write', slot };
  return first ? { kind: 'clear', placement: first } : { kind: 'no_space' };
}

/** Whether something is left to do for a code that can be done now. */
export function needsWork(evaluated: EvaluatedCode, holdings: LockHoldings, rules: AccessCodeRules): boolean {
  const step = nextStep(evaluated, holdings, rules);
  return step !== undefined && step !== blocked;
}

const blocked: CodeStep = { kind: 'blocked' };

const mustGo = ({ state }: CodePlacement): boolean => state === 'clearing' || state === 'spoilt';

/** Whether a placement holds the digits that its code is to have. */
function hasDigitsOf(code: AccessCodeRecord, { sealedCode }: CodePlacement, { markOf }: LockHoldings): boolean {
  if (Buffer.compare(sealedCode, code.sealedCode) === 0) return true;
  const mark = markOf(code.sealedCode, code);
  return mark !== undefined && markOf(sealedCode, code) === mark;
}

/** The lowest slot that nobody holds, as far as is known. */
function freeSlot(
  { first, count }: { readonly first: number; readonly count: number },
  { codes, unmanaged }: LockHoldings,
): number | undefined {
  const taken = new Set<number | undefined>(unmanaged.map(({ slot }) => slot));
  for (const { placements } of codes) for (const { slot } of placements) taken.add(slot);
  for (let slot = first; slot < first + count; slot++) if (!taken.has(slot)) return slot;
  return undefined;
}

/** Another code's entry has the digits that this code is to have. */
function isBlocked(code: AccessCodeRecord, { codes, markOf }: LockHoldings): boolean {
  const mark = markOf(code.sealedCode, code);
  if (mark === undefined) return false;
  return codes.some(
    (other) =>
      other.accessCodeId !== code.accessCodeId &&
      other.placements.some(({ sealedCode }) => markOf(sealedCode, other) === mark),
  );
}
