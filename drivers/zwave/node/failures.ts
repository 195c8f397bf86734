import { type Delivery, GatewayError, type GatewayErrorType } from '../../../src/contract/index.ts';

interface Named {
  readonly name: string;
}

export type Target = 'locked' | 'unlocked';

const fail = (type: GatewayErrorType, message: string, delivery?: Delivery) =>
  new GatewayError(type, message, delivery && { delivery });

/** The link speaks of nodes; people know names. What the link said is what a technician needs, so it stays. */
export function named({ name }: Named, error: unknown): unknown {
  if (!(error instanceof GatewayError) || error.message.startsWith(name)) return error;
  const { type, delivery, cause } = error;
  return new GatewayError(type, `${name}: ${error.message}`, { delivery, cause });
}

export const jammed = ({ name }: Named, target: Target) =>
  fail(
    'lock_jammed',
    `${name} jammed: it was told to be ${target}, and its bolt stopped on the way. Push or pull the door so that the bolt is free, and try again.`,
  );

export const refused = ({ name }: Named, target: Target) =>
  fail(
    'device_rejected',
    `${name} refused to be ${target}, and did not say why. Look at the lock: it may be locked out, set to privacy, or its battery may be low.`,
  );

export const notReached = ({ name }: Named, target: Target) =>
  fail(
    'state_not_reached',
    `${name} was told to be ${target}, but says when it is asked that it is not. Look at the door before trying again.`,
  );

export const outcomeUnknown = ({ name }: Named, target: Target) =>
  fail(
    'outcome_unknown',
    `${name} was told to be ${target}, and has not told since whether it is. Look at the door before sending another command.`,
  );

export const noLock = ({ name }: Named) =>
  fail('misconfigured', `${name} is no lock that can be operated over Z-Wave. Check the node in its link.`, 'not_sent');

export const noCodes = ({ name }: Named) =>
  fail(
    'misconfigured',
    `${name} keeps no codes that Z-Wave could write. Take pin_slots out of its settings.`,
    'not_sent',
  );

export const noSuchSlot = ({ name }: Named, slot: number, slots: number) =>
  fail(
    'misconfigured',
    `${name} has ${slots} code slots, and slot ${slot} is none of them. Correct pin_slots.`,
    'not_sent',
  );

export const notOurs = ({ name }: Named, slot: number | undefined) =>
  fail(
    'slot_conflict',
    `Slot ${slot} of ${name} is not one that this gateway may write: pin_slots in its settings says which are.`,
    'not_sent',
  );

export const wrongLength = ({ name }: Named, min: number, max: number) =>
  fail('invalid_access_code', `${name} takes codes of ${min} to ${max} digits. Choose another code.`, 'not_sent');

export const slotTaken = ({ name }: Named, slot: number, delivery: Delivery = 'not_sent') =>
  fail(
    'slot_conflict',
    `Slot ${slot} of ${name} already holds something that is not this code. It was left alone: take another slot, or delete it at the lock.`,
    delivery,
  );

export const duplicate = ({ name }: Named, delivery: Delivery) =>
  fail(
    'duplicate_code_on_device',
    `${name} did not take the code: it already holds the same one in another slot. Choose another code.`,
    delivery,
  );

export const againstRules = ({ name }: Named) =>
  fail(
    'invalid_access_code',
    `${name} did not take the code: it is against the maker's rules. Choose a less simple one.`,
  );

export const notTaken = ({ name }: Named, slot: number) =>
  fail(
    'device_rejected',
    `${name} refused the code for slot ${slot}, and did not say why. It may want another length, or hold the same code elsewhere.`,
  );

export const notStored = ({ name }: Named, slot: number) =>
  fail(
    'code_not_stored',
    `${name} was sent the code for slot ${slot}, but does not hold it when asked. It may not take this length, or hold the same code elsewhere. Try another code.`,
  );

export const storedOtherwise = ({ name }: Named, slot: number) =>
  fail(
    'code_not_stored',
    `${name} was sent the code for slot ${slot} and holds another one there. Delete it and try again.`,
  );

export const notCleared = ({ name }: Named, slot: number) =>
  fail(
    'code_not_stored',
    `${name} was told to delete the code in slot ${slot}, but still holds it when asked. It still opens the door. Try again, or delete it at the lock.`,
  );

export const codeUnknown = ({ name }: Named, slot: number, what: 'write' | 'delete') =>
  fail(
    'outcome_unknown',
    what === 'write'
      ? `The code for slot ${slot} was sent to ${name}, which has not told since whether it holds it.`
      : `${name} was told to delete the code in slot ${slot}, and has not told since whether it did. It may still open.`,
  );
