import { GatewayError } from '../../../src/contract/index.ts';
import type { Named } from './failures.ts';

export const slotTaken = ({ name }: Named, slot: number) =>
  new GatewayError(
    'slot_conflict',
    `Slot ${slot} of ${name} already holds a code that is not this one. It was left alone: take another slot, or ` +
      'delete that code at the lock.',
    { delivery: 'not_sent' },
  );

export const notStored = ({ name }: Named, slot: number) =>
  new GatewayError(
    'code_not_stored',
    `${name} was sent the code for slot ${slot}, but does not hold it when asked. The lock says nothing of why: it may ` +
      'not take this code’s length, or hold the same code in another slot. Try another code.',
  );

export const storedOtherwise = ({ name }: Named, slot: number) =>
  new GatewayError(
    'code_not_stored',
    `${name} was sent the code for slot ${slot} and holds another one there. Delete it and try again.`,
  );

export const duplicate = ({ name }: Named, slot: number) =>
  new GatewayError(
    'duplicate_code_on_device',
    `${name} did not take the code: it already holds the same one in slot ${slot}. Choose another code.`,
  );

export const notCleared = ({ name }: Named, slot: number) =>
  new GatewayError(
    'code_not_stored',
    `${name} was told to delete the code in slot ${slot}, but still holds it when asked. It still opens the door. Try ` +
      'again, or delete it at the lock.',
  );

export const codeUnknown = ({ name }: Named, slot: number, what: 'write' | 'delete') =>
  new GatewayError(
    'outcome_unknown',
    what === 'write'
      ? `The code for slot ${slot} was sent to ${name}, which has not told since whether it holds it.`
      : `${name} was told to delete the code in slot ${slot}, and has not told since whether it did. It may still open.`,
  );
