import type { Value, Verdict } from './claims.ts';

export interface Found {
  /** What was known right before it was asked, as `EvidenceBook.known` has it. */
  readonly before: Value | undefined;
  /** What the command is after, and what it was found to be. */
  readonly value: Value;
  /** The command that had left was refused: whatever moved it since was not the command. */
  readonly wasRefused: boolean;
}

/**
 * How a command ended that had left before, when the device is found to stand as asked before it would be sent again. It is
 * confirmed by a change alone: it was seen elsewhere since, and is there now.
 */
export const foundThere = ({ before, value, wasRefused }: Found): Verdict<never> => {
  const saysNothing = before === undefined || before === value || before === 'not_known' || before === 'withheld';
  return saysNothing || wasRefused ? { end: 'unconfirmed' } : { end: 'confirmed', by: 'change' };
};
