import { type Delivery, GatewayError, type GatewayErrorType } from '../../../src/contract/index.ts';
import { completions, errorCodes } from './catalogue.ts';
import type { KeyturnerStates } from './codec-replies.ts';
import { type LockTarget, stateOf } from './states.ts';

/** What a person reads, after the device's name. */
interface Meaning {
  readonly type: GatewayErrorType;
  readonly text: string;
  readonly delivery?: Delivery;
}

const pairAgain = 'Pair it again: see drivers/ble/nuki/README.md.';
const tryAgain = 'It is tried again while there is time.';

/** Nuki Bluetooth API, "Error codes". */
const meanings: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [
    errorCodes.notPairing,
    { type: 'device_not_ready', text: 'is not in pairing mode. Hold its button until its ring lights up.' },
  ],
  [errorCodes.badAuthenticator, { type: 'authentication_failed', text: `did not accept the key. ${pairAgain}` }],
  [
    errorCodes.maxUsers,
    { type: 'device_rejected', text: 'knows as many users as it can. Remove one in the vendor’s app.' },
  ],
  [
    errorCodes.notAuthorized,
    { type: 'authentication_failed', text: `does not know this gateway any more. ${pairAgain}` },
  ],
  [
    errorCodes.invalidAuthId,
    { type: 'authentication_failed', text: `does not know this gateway any more. ${pairAgain}` },
  ],
  [
    errorCodes.badPin,
    {
      type: 'authentication_failed',
      text: 'refused the security PIN. Pair it again with the PIN set in the vendor’s app.',
    },
  ],
  [
    errorCodes.tooManyPinAttempts,
    {
      type: 'authentication_failed',
      text: 'was told a wrong security PIN too often. Wait, then pair it again with the right one.',
    },
  ],
  [errorCodes.badNonce, { type: 'device_busy', text: `found the command out of date. ${tryAgain}` }],
  [errorCodes.badCrc, { type: 'device_busy', text: `received a damaged message. ${tryAgain}` }],
  [errorCodes.busy, { type: 'device_busy', text: `is moving already. ${tryAgain}` }],
  [
    errorCodes.disabled,
    { type: 'device_rejected', text: 'has this gateway’s access switched off. Allow it in the vendor’s app.' },
  ],
  [
    errorCodes.remoteNotAllowed,
    { type: 'device_rejected', text: 'does not let this gateway operate it from afar. Allow it in the vendor’s app.' },
  ],
  [
    errorCodes.timeNotAllowed,
    { type: 'device_rejected', text: 'does not let this gateway in at this hour. Change it in the vendor’s app.' },
  ],
  [
    errorCodes.tooManyEntries,
    {
      type: 'no_space_for_access_code_on_device',
      text: 'holds as many codes as it can. Delete some that are no longer needed.',
    },
  ],
  [
    errorCodes.codeAlreadyExists,
    { type: 'duplicate_code_on_device', text: 'holds that code already. Choose another.' },
  ],
  [
    errorCodes.codeInvalid,
    {
      type: 'invalid_access_code',
      text: 'does not take that code. Use six digits from 1 to 9 that do not begin with 12.',
    },
  ],
  [
    errorCodes.codeInvalidTimeout1,
    { type: 'device_rejected', text: 'is locked against codes for a while, after wrong ones. Wait and try again.' },
  ],
  [
    errorCodes.codeInvalidTimeout2,
    { type: 'device_rejected', text: 'is locked against codes for a while, after wrong ones. Wait and try again.' },
  ],
  [
    errorCodes.codeInvalidTimeout3,
    { type: 'device_rejected', text: 'is locked against codes for a while, after wrong ones. Wait and try again.' },
  ],
  [
    errorCodes.positionUnknown,
    { type: 'device_rejected', text: 'does not know where its bolt is. Calibrate it in the vendor’s app.' },
  ],
  [errorCodes.notCalibrated, { type: 'device_rejected', text: 'is not calibrated. Calibrate it in the vendor’s app.' }],
  [
    errorCodes.motorBlocked,
    { type: 'lock_jammed', text: 'reports that its motor is blocked. Somebody has to look at the door.' },
  ],
  [
    errorCodes.clutchFailure,
    { type: 'hardware_fault', text: 'reports a fault of its clutch. Somebody has to look at it.' },
  ],
  [
    errorCodes.motorTimeout,
    { type: 'hardware_fault', text: 'reports that its motor took too long. Somebody has to look at it.' },
  ],
  [
    errorCodes.motorPositionLimit,
    { type: 'hardware_fault', text: 'reports that its motor went too far. Calibrate it in the vendor’s app.' },
  ],
  [
    errorCodes.motorPowerFailure,
    { type: 'hardware_fault', text: 'reports a fault of its motor’s power. Put new batteries in.' },
  ],
  [
    errorCodes.clutchPowerFailure,
    { type: 'hardware_fault', text: 'reports a fault of its clutch’s power. Put new batteries in.' },
  ],
  [errorCodes.canceled, { type: 'device_rejected', text: 'was stopped at the lock by somebody.', delivery: 'acted' }],
  [
    errorCodes.motorLowVoltage,
    { type: 'low_battery', text: 'has too little power left to move. Put new batteries in.' },
  ],
  [errorCodes.voltageTooLow, { type: 'low_battery', text: 'has too little power left to move. Put new batteries in.' }],
  [
    errorCodes.firmwareUpdateNeeded,
    { type: 'device_rejected', text: 'wants its firmware updated first, in the vendor’s app.' },
  ],
]);

const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`;

/** What the lock itself said no with. */
export class LockRefusal extends GatewayError {
  /** One of `errorCodes`. */
  readonly code: number;

  constructor(type: GatewayErrorType, message: string, code: number, delivery: Delivery) {
    super(type, message, { delivery });
    this.code = code;
  }
}

/** What an error report of the lock means. @param moved the lock had said that it accepted the command */
export function refusal(deviceName: string, code: number, moved = false): LockRefusal {
  const meaning = meanings.get(code) ?? { type: 'device_rejected', text: 'refused, for a reason of its own.' };
  const said = new GatewayError(meaning.type, '').delivery;
  const delivery = moved && said === 'refused' ? 'acted' : (meaning.delivery ?? said);
  const text = `${deviceName} ${meaning.text} The lock’s own code for it is ${hex(code)}.`;
  return new LockRefusal(meaning.type, text, code, delivery);
}

/** What a completion other than success means, in a state that was read after the command. */
export function incomplete(deviceName: string, completion: number): GatewayError {
  const acted = { delivery: 'acted' } as const;
  switch (completion) {
    case completions.motorBlocked:
      return refusal(deviceName, errorCodes.motorBlocked);
    case completions.canceled:
      return refusal(deviceName, errorCodes.canceled);
    case completions.lowMotorVoltage:
      return new GatewayError('low_battery', refusal(deviceName, errorCodes.motorLowVoltage).message, acted);
    case completions.clutchFailure:
      return refusal(deviceName, errorCodes.clutchFailure);
    case completions.motorPowerFailure:
      return refusal(deviceName, errorCodes.motorPowerFailure);
    default:
      return new GatewayError(
        'hardware_fault',
        `${deviceName} did not finish its movement (${hex(completion)}). Somebody has to look at the door.`,
      );
  }
}

/** An answer that was none. */
export const garbled = (deviceName: string, cause: unknown): GatewayError =>
  new GatewayError(
    'device_offline',
    `${deviceName} sent something that could not be read, and the connection was ended. Try again.`,
    { cause },
  );

export const silent = (deviceName: string, what: string, cause?: unknown): GatewayError =>
  new GatewayError(
    'device_offline',
    `${deviceName} did not answer (${what}). Try again; if it keeps happening, take its batteries out for a moment.`,
    { cause },
  );

export const relocked = (deviceName: string): GatewayError =>
  new GatewayError(
    'outcome_unknown',
    `${deviceName} has locked itself: it may have been unlocked before. Look at the door before sending another command.`,
  );

/** It says that it completed, and stands elsewhere. */
export const notMoved = (deviceName: string, target: LockTarget, states: KeyturnerStates): GatewayError =>
  new GatewayError(
    'state_not_reached',
    `${deviceName} was told to be ${target}, says that it is done, and is ${stateOf(states)}. Look at the door, and try ` +
      'again.',
  );

/** An unlocked door does not show whether its latch was pulled. */
export const unlatchUnknown = (deviceName: string): GatewayError =>
  new GatewayError(
    'outcome_unknown',
    `${deviceName} is unlocked, and neither said nor has in its log that its latch was pulled. Try the door before ` +
      'sending another command.',
  );
