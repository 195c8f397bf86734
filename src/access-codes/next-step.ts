import type { AccessCodeRules } from '../contract/index.ts';
import type { AccessCodeRecord, CodePlacement } from '../model/records.ts';
import type { CodeRepository } from './code-repository.ts';

/** One thing to do on the lock, or in the book, for one code. */
export type CodeStep =
  /** Nothing has left for it: it is only forgotten. */
  | { readonly kind: 'drop'; readonly placement: CodePlacement }
  /** A write may have left: the lock is asked what became of it. */
  | { readonly kind: 'find_out'; readonly placement: CodePlacement }
  | { readonly kind: 'clear'; readonly placement: CodePlacement }
  /** `slot` undefined: the lock assigns it. */
  | { readonly kind: 'write'; readonly slot: number | undefined }
  | { readonly kind: 'no_space' };

/**
 * The next step from what the lock holds of a code to what is wanted, undefined when they are the same. New before
 * old: an entry that still opens goes only once the new one was seen, unless the lock has no room for both or would
 * refuse the same digits twice. Creating, updating, removing, repairing and finishing what a crash cut short are all
 * this.
 */
export function nextStep(book: CodeRepository, code: AccessCodeRecord, rules: AccessCodeRules): CodeStep | undefined {
  const { want, fitting } = book.standing(code);
  const { placements } = code;
  const planned = placements.find(({ state }) => state === 'planned');
  if (planned) return { kind: 'drop', placement: planned };
  const doubtful = placements.find(({ state }) => state === 'writing');
  if (doubtful) return { kind: 'find_out', placement: doubtful };
  const [first] = placements;
  if (want === 'as_it_is') return undefined;
  if (want === 'off_lock') return first && { kind: 'clear', placement: first };
  const surplus = placements.find((placement) => placement !== fitting);
  if (fitting) return surplus && { kind: 'clear', placement: surplus };
  const inTheWay = placements.find((placement) => mustGo(placement) || book.hasDigits(placement, code));
  if (inTheWay) return { kind: 'clear', placement: inTheWay };
  if (rules.slots === 'device') return { kind: 'write', slot: undefined };
  const slot = book.freeSlot(code.deviceId, rules.slots);
  if (slot !== undefined) return { kind: 'write', slot };
  return first ? { kind: 'clear', placement: first } : { kind: 'no_space' };
}

const mustGo = ({ state }: CodePlacement): boolean => state === 'clearing' || state === 'spoilt';

/** Whether something is left to do for a code that can be done now. */
export function needsWork(book: CodeRepository, code: AccessCodeRecord, rules: AccessCodeRules): boolean {
  const step = nextStep(book, code, rules);
  if (!step) return false;
  return (step.kind !== 'write' && step.kind !== 'no_space') || !book.isBlocked(code);
}
