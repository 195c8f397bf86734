import { type Delivery, GatewayError, type GatewayErrorType } from '../contract/index.ts';
import type { ActionType, Settlement } from '../model/records.ts';

/** How an attempt ends: one value, so that no half of an older outcome can survive beside a newer one. */
export type Outcome =
  | { readonly status: 'success'; readonly result: Readonly<Record<string, unknown>> }
  | {
      readonly status: 'error';
      readonly type: GatewayErrorType;
      readonly message: string;
      readonly delivery: Delivery;
    };

export type Failure = Extract<Outcome, { status: 'error' }>;

export const succeeded = (result: Readonly<Record<string, unknown>>): Outcome => ({ status: 'success', result });

export const failed = (error: GatewayError): Failure => ({
  status: 'error',
  type: error.type,
  message: error.message,
  delivery: error.delivery,
});

export const failedWith = (type: GatewayErrorType, message: string): Failure => failed(new GatewayError(type, message));

export function settlementOf(outcome: Outcome): Settlement {
  return outcome.status === 'success'
    ? { status: 'success', result: outcome.result }
    : { status: 'error', error: { type: outcome.type, message: outcome.message } };
}

/** How each action is told of that was not done, and of which nobody knows whether it was. */
const sentences: Record<
  ActionType,
  { readonly not: (name: string) => string; readonly maybe: (name: string) => string }
> = {
  LOCK_DOOR: {
    not: (name) => `${name} was not locked`,
    maybe: (name) => `It is not known whether ${name} was locked`,
  },
  UNLOCK_DOOR: {
    not: (name) => `${name} was not unlocked`,
    maybe: (name) => `It is not known whether ${name} was unlocked`,
  },
  CREATE_ACCESS_CODE: {
    not: (name) => `The code has not been written to ${name} yet`,
    maybe: (name) => `It is not known yet whether ${name} holds the code`,
  },
  UPDATE_ACCESS_CODE: {
    not: (name) => `The changed code has not been written to ${name} yet`,
    maybe: (name) => `It is not known yet whether ${name} holds the code as it was changed`,
  },
  DELETE_ACCESS_CODE: {
    not: (name) => `The code has not been taken off ${name} yet`,
    maybe: (name) => `It is not known yet whether ${name} still holds the code`,
  },
  CREATE_NOISE_THRESHOLD: {
    not: (name) => `${name} has not been given the noise limit yet`,
    maybe: (name) => `It is not known yet whether ${name} holds the noise limit`,
  },
  UPDATE_NOISE_THRESHOLD: {
    not: (name) => `${name} has not been given the changed noise limit yet`,
    maybe: (name) => `It is not known yet whether ${name} holds the changed noise limit`,
  },
  REMOVE_NOISE_THRESHOLD: {
    not: (name) => `${name} has not been cleared of the noise limit yet`,
    maybe: (name) => `It is not known yet whether ${name} still holds the noise limit`,
  },
  CONFIGURE_AUTO_LOCK: {
    not: (name) => `${name} was not told when to lock itself`,
    maybe: (name) => `It is not known whether ${name} locks itself as it was told to`,
  },
  SIMULATE_KEYPAD_CODE_ENTRY: {
    not: (name) => `Nobody typed a code at ${name}`,
    maybe: (name) => `It is not known whether somebody typed a code at ${name}`,
  },
  SIMULATE_MANUAL_LOCK_VIA_KEYPAD: {
    not: (name) => `Nobody locked ${name} at its keypad`,
    maybe: (name) => `It is not known whether somebody locked ${name} at its keypad`,
  },
  RESET_SANDBOX_WORKSPACE: {
    not: (name) => `${name} was not reset`,
    maybe: (name) => `It is not known whether ${name} was reset`,
  },
};

/** "Front door was not unlocked", for the start of messages. */
export const notDone = (deviceName: string, action: ActionType): string => sentences[action].not(deviceName);

/** "It is not known whether Front door was unlocked", for the start of messages. */
export const maybeDone = (deviceName: string, action: ActionType): string => sentences[action].maybe(deviceName);

export const isDoorAction = (action: ActionType): action is 'LOCK_DOOR' | 'UNLOCK_DOOR' =>
  action === 'LOCK_DOOR' || action === 'UNLOCK_DOOR';

/**
 * What whoever commanded a door is to do next. Codes and noise limits are brought about by the gateway itself: what it
 * goes on doing is said by those who see to them.
 */
export function advice(action: ActionType, forDoor: string): string {
  if (action === 'CONFIGURE_AUTO_LOCK') return ' Ask for it again: that does no harm.';
  return isDoorAction(action) ? ` ${forDoor}` : '';
}
