import type { LockReading, LockState } from '../../../src/contract/index.ts';
import { doorSensorStates, lockStates } from './catalogue.ts';
import type { KeyturnerStates } from './codec-replies.ts';

export type LockTarget = 'locked' | 'unlocked';

/** Nuki state 0: uninitialized. */
const NOT_SET_UP = 0x00;

const words: ReadonlyMap<number, LockState> = new Map<number, LockState>([
  [lockStates.locked, 'locked'],
  [lockStates.unlocking, 'unlocking'],
  [lockStates.unlocked, 'unlocked'],
  [lockStates.locking, 'locking'],
  [lockStates.unlatched, 'unlocked'],
  [lockStates.unlockedLockAndGo, 'unlocked'],
  [lockStates.unlatching, 'unlocking'],
  [lockStates.motorBlocked, 'jammed'],
]);

/** Uncalibrated, calibrating and starting locks do not know where their bolt is, and neither does one not set up yet. */
export const stateOf = ({ nukiState, lockState }: KeyturnerStates): LockState =>
  nukiState === NOT_SET_UP ? 'unknown' : (words.get(lockState) ?? 'unknown');

export const isMoving = (states: KeyturnerStates): boolean => {
  const state = stateOf(states);
  return state === 'locking' || state === 'unlocking';
};

/** `unknown`: there is a sensor, and it cannot tell. Undefined: there is none, or it is switched off. */
export function doorOf({ doorSensor }: KeyturnerStates): 'open' | 'closed' | 'unknown' | undefined {
  switch (doorSensor) {
    case undefined:
    case doorSensorStates.unavailable:
    case doorSensorStates.deactivated:
      return undefined;
    case doorSensorStates.open:
      return 'open';
    case doorSensorStates.closed:
      return 'closed';
    default:
      return 'unknown';
  }
}

export const isDoorSensorTampered = ({ doorSensor }: KeyturnerStates): boolean =>
  doorSensor === doorSensorStates.tampered;

export function readingOf(states: KeyturnerStates): LockReading {
  const door = doorOf(states);
  return { state: stateOf(states), ...(door !== undefined && door !== 'unknown' && { door }) };
}
