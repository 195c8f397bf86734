import { type Delivery, GatewayError, type GatewayErrorType } from '../../../src/contract/index.ts';
import { DEVICE_BUSY, exceptionName, GATEWAY_PATH_UNAVAILABLE, isSettingsFault } from '../modbus/exceptions.ts';
import type { RelaySession } from './relay-session.ts';

export type RelayTarget = 'released' | 'secured';

const fail = (type: GatewayErrorType, message: string, delivery?: Delivery) =>
  new GatewayError(type, message, delivery && { delivery });

/** The board said no to a command. Undefined when its exception leaves open what it did. */
export function refusal({ name, link }: RelaySession, exception: number): GatewayError | undefined {
  const said = `${name} was not switched: unit ${link.unit} refused with ${exceptionName(exception)}.`;
  if (exception === DEVICE_BUSY) return fail('device_busy', `${said} It is busy; try again in a moment.`);
  if (isSettingsFault(exception))
    return fail('device_rejected', `${said} The board has no such function or relay: check profile and channel.`);
  if (exception === GATEWAY_PATH_UNAVAILABLE)
    return fail('device_rejected', `${said} Check what stands between the line and the board.`);
  return undefined;
}

/** Reads begun afterwards show the relay where it was. */
export function notReached({ name }: RelaySession, target: RelayTarget, said: string): GatewayError {
  const what = target === 'released' ? 'was not released' : 'was not secured';
  return fail(
    'state_not_reached',
    `${name} ${what}: ${said}, and its relay was read afterwards and had not moved. Try again; if it stays so, check ` +
      'the profile, the wiring and the board.',
  );
}

/**
 * @param said what the board said to the command
 * @param line what the line said last
 */
export function readTooLate(
  { name }: RelaySession,
  target: RelayTarget,
  said: string,
  line: string | undefined,
): GatewayError {
  const until = target === 'released' ? 'before its time was over' : 'in time';
  return fail(
    'outcome_unknown',
    `It is not known whether ${name} was ${target}: ${said}, and the relay could not be read ${until}. ` +
      `${line === undefined ? '' : `${line} `}Look at the door before sending another command.`,
  );
}

/** The device was closed while its command was under way. */
export function closedMeanwhile({ name }: RelaySession, target: RelayTarget): GatewayError {
  return fail(
    'outcome_unknown',
    `It is not known whether ${name} was ${target}: the command had left when the device was closed. Look at the door.`,
  );
}

export function doorNotClosed({ name }: RelaySession): GatewayError {
  return fail(
    'door_not_closed',
    `${name} is secured by its relay, but its contact says that the door stands open. Close the door.`,
  );
}
