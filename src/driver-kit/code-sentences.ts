import { GatewayError } from '../contract/index.ts';

/** What a driver says of a code. The gateway goes on bringing about what is wanted, so nobody is told to ask again. */

export const slotTaken = (name: string, slot: number): GatewayError =>
  new GatewayError(
    'slot_conflict',
    `Slot ${slot} of ${name} already holds a code that is not this one. It was left alone.`,
    { delivery: 'not_sent' },
  );

export const notStored = (name: string, slot: number): GatewayError =>
  new GatewayError(
    'code_not_stored',
    `${name} was sent the code for slot ${slot}, but does not hold it when asked. The lock says nothing of why: it may ` +
      'not take this code’s length, or hold the same code in another slot. Another code may be taken.',
  );

export const storedOtherwise = (name: string, slot: number): GatewayError =>
  new GatewayError(
    'code_not_stored',
    `${name} was sent the code for slot ${slot} and holds another one there. It has to be deleted and created again.`,
  );

export const duplicateOf = (name: string, slot: number | undefined): GatewayError =>
  new GatewayError(
    'duplicate_code_on_device',
    `${name} did not take the code: it already holds the same one${slot === undefined ? '' : ` in slot ${slot}`}. ` +
      'Choose another code.',
  );

export const notCleared = (name: string, slot: number): GatewayError =>
  new GatewayError(
    'code_not_stored',
    `${name} was told to delete the code in slot ${slot}, but still holds it when asked. It still opens the door.`,
  );

export const codeUnknown = (name: string, slot: number, what: 'write' | 'delete'): GatewayError =>
  new GatewayError(
    'outcome_unknown',
    what === 'write'
      ? `The code for slot ${slot} was sent to ${name}, which has not told since whether it holds it.`
      : `${name} was told to delete the code in slot ${slot}, and has not told since whether it did. It may still open.`,
  );
