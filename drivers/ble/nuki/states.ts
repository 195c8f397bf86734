import type { LockReading, LockState } from '../../../src/contract/index.ts';
import { doorSensorStates, lockStates } from './catalogue.ts';
import type { KeyturnerStates } from './codec-replies.ts';

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

/** Uncalibrated, calibrating and starting locks do not know where their bolt is. */
export const stateOf = ({ lockState }: KeyturnerStates): LockState => words.get(lockState) ?? 'unknown';

export const isMoving = (states: KeyturnerStates): boolean => {
  const state = stateOf(states);
  return state === 'locking' || state === 'unlocking';
};

export const doorOf = ({ doorSensor }: KeyturnerStates): 'open' | 'closed' | undefined => {
  if (doorSensor === doorSensorStates.open) return 'open';
  return doorSensor === doorSensorStates.closed ? 'closed' : undefined;
};

export function readingOf(states: KeyturnerStates): LockReading {
  const door = doorOf(states);
  return { state: stateOf(states), ...(door && { door }) };
}
