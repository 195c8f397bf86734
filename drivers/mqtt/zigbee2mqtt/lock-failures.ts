import { GatewayError } from '../../../src/contract/index.ts';
import type { Named } from './failures.ts';

const verbs = { locked: 'lock', unlocked: 'unlock' } as const;

export const jammed = ({ name }: Named, target: 'locked' | 'unlocked') =>
  new GatewayError(
    'lock_jammed',
    `The bolt of ${name} stopped half way when it was told to ${verbs[target]}. Go there: see that the door is ` +
      'properly closed and nothing blocks the bolt, then turn it by hand or try again.',
  );

export const notReached = ({ name }: Named, target: 'locked' | 'unlocked') =>
  new GatewayError(
    'state_not_reached',
    `${name} was told to ${verbs[target]}, but when it was asked afterwards it said that it is not ${target}. ` +
      (target === 'locked'
        ? 'Look at the door, then try again.'
        : 'It may still act, or have unlocked and locked itself again. Look at the door before you try again.'),
  );

export const outcomeUnknown = ({ name }: Named, target: 'locked' | 'unlocked', why: 'silent' | 'closed') =>
  new GatewayError(
    'outcome_unknown',
    why === 'silent'
      ? `${name} was told to ${verbs[target]}, and nothing it said since shows whether it did. Look at the door.`
      : `${name} was told to ${verbs[target]}, and its driver was closed before it answered. Look at the door.`,
  );
