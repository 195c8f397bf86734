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

/** The action in words that fit "could not be …". */
const actionWords: Record<ActionType, string> = {
  LOCK_DOOR: 'locked',
  UNLOCK_DOOR: 'unlocked',
  CREATE_ACCESS_CODE: 'given the code',
  UPDATE_ACCESS_CODE: 'given the changed code',
  DELETE_ACCESS_CODE: 'cleared of the code',
  CREATE_NOISE_THRESHOLD: 'given the noise threshold',
  UPDATE_NOISE_THRESHOLD: 'given the changed noise threshold',
  REMOVE_NOISE_THRESHOLD: 'cleared of the noise threshold',
};

/** "Front door was not unlocked", for the start of messages. */
export const notDone = (deviceName: string, action: ActionType): string =>
  `${deviceName} was not ${actionWords[action]}`;

/** "Nobody can know whether Front door was unlocked", for the start of messages. */
export const maybeDone = (deviceName: string, action: ActionType): string =>
  `It is not known whether ${deviceName} was ${actionWords[action]}`;
