import { errorTypes, type GatewayErrorType } from '../contract/index.ts';
import type { AttemptAnswer, DeviceAnswer } from './wire.ts';

/** What became of a door command, for a person who stands there. `good` is false for anything but success. */
export function describeOutcome(
  attempt: AttemptAnswer,
  device: DeviceAnswer,
  tookMs: number,
): { readonly text: string; readonly good: boolean } {
  const name = device.display_name;
  const unlock = attempt.action_type === 'UNLOCK_DOOR';
  const done = unlock ? 'unlocked' : 'locked';
  const look = `See how it went: strikeplate attempts history ${attempt.action_attempt_id}`;
  switch (attempt.status) {
    case 'success': {
      const seconds = `${(tookMs / 1_000).toFixed(1)} s`;
      if (attempt.result?.was_confirmed_by_device === true)
        return { good: true, text: `${name} is ${done}: ${witness(device, unlock)} (${seconds}).` };
      return {
        good: true,
        text: `${name} is ${done} as far as it says itself: no movement was observed (${seconds}).`,
      };
    }
    case 'error': {
      const type = attempt.error?.type ?? 'internal_error';
      const message = attempt.error?.message ?? 'The gateway gave no reason.';
      if (deliveryOf(type) === 'maybe_sent')
        return { good: false, text: `${name}: nobody knows whether it was ${done}. ${message} (${type})\n${look}` };
      // The gateway's own sentence says so as well, as often as not.
      const says = message.startsWith(`${name} was not ${done}`);
      return { good: false, text: `${says ? '' : `${name} was not ${done}. `}${message} (${type})\n${look}` };
    }
    case 'pending':
      return {
        good: true,
        text: `${name}: the attempt goes on. What became of it: strikeplate attempts get ${attempt.action_attempt_id}`,
      };
  }
}

const witness = (device: DeviceAnswer, unlock: boolean) =>
  device.properties.strikeplate_metadata.observes === 'actuator'
    ? `its release was seen ${unlock ? 'on' : 'off'}; nobody sees a bolt`
    : 'the bolt was seen to be';

const deliveryOf = (type: string) =>
  Object.hasOwn(errorTypes, type) ? errorTypes[type as GatewayErrorType].delivery : undefined;

/** One line for a list. */
export function outcomeInShort(attempt: AttemptAnswer): string {
  if (attempt.status === 'error') return attempt.error?.type ?? 'error';
  const confirmed = attempt.result?.was_confirmed_by_device;
  if (attempt.status === 'success' && typeof confirmed === 'boolean')
    return confirmed ? 'success, observed' : 'success, not observed';
  return attempt.status;
}
