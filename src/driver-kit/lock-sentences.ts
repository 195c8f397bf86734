import { GatewayError, type LockOutcome, type LockState } from '../contract/index.ts';
import type { Claim, Plan, Traits, Value, Verdict } from './evidence/claims.ts';

/** A door command in words. */
export interface DoorCommand {
  /** The device's name as people know it. */
  readonly name: string;
  readonly target: 'locked' | 'unlocked';
}

const verbs = { locked: 'lock', unlocked: 'unlock' } as const;
const asked = ({ name, target }: DoorCommand): string => `${name} was told to ${verbs[target]}`;

export const jammed = (command: DoorCommand): GatewayError =>
  new GatewayError(
    'lock_jammed',
    `The bolt of ${command.name} stopped half way when it was told to ${verbs[command.target]}. Go there: see that the ` +
      'door is properly closed and nothing blocks the bolt, then turn it by hand or try again.',
  );

/** Only for what the device said itself, asked after the command. */
export const notReached = (command: DoorCommand): GatewayError =>
  new GatewayError(
    'state_not_reached',
    `${asked(command)}, but when it was asked afterwards it said that it is not ${command.target}. ` +
      (command.target === 'locked'
        ? 'Look at the door, then try again.'
        : 'It may still act, or have unlocked and locked itself again. Look at the door before you try again.'),
  );

export const refused = (command: DoorCommand): GatewayError =>
  new GatewayError(
    'device_rejected',
    `${asked(command)} and refused. Look at the lock: it may be blocked, in a mode of its own, or low on power.`,
  );

const whyUnknown = {
  silent: 'nothing it said since shows whether it did',
  not_known: 'says since that it does not know where its bolt is',
  too_late: 'it could not be looked at before that would have been over',
  lost: 'the command may have been lost on its way',
  closed: 'its driver was closed before it answered',
} as const;

export const outcomeUnknown = (command: DoorCommand, why: keyof typeof whyUnknown): GatewayError =>
  new GatewayError(
    'outcome_unknown',
    `${asked(command)}, and ${why === 'not_known' ? 'it ' : ''}${whyUnknown[why]}. Look at the door before you send ` +
      'another command.',
  );

/** The command had left, and the lock could not be asked since. @param cause why not */
export const unasked = ({ name, target }: DoorCommand, cause: GatewayError): GatewayError =>
  new GatewayError(
    'outcome_unknown',
    `It is not known whether ${name} is ${target}: the command had left, and the lock could not be asked since. ` +
      `${cause.message} Look at the door before sending another command.`,
    { cause },
  );

/**
 * A verdict as the core wants it.
 * @param because the driver's own error for its own reason, which says more; undefined when it has none
 * @throws GatewayError for every end that is no success
 */
export function doorOutcome<Reason>(
  verdict: Verdict<Reason>,
  command: DoorCommand,
  because: (reason: Reason, end: 'refused' | 'unknown') => GatewayError | undefined = () => undefined,
): LockOutcome {
  const given = (reason: Reason | undefined, end: 'refused' | 'unknown') =>
    reason === undefined ? undefined : because(reason, end);
  switch (verdict.end) {
    case 'confirmed':
      return { wasConfirmedByDevice: true };
    case 'unconfirmed':
      return { wasConfirmedByDevice: false };
    case 'stuck':
      throw jammed(command);
    case 'not_reached':
      throw notReached(command);
    case 'refused':
      throw given(verdict.reason, 'refused') ?? refused(command);
    case 'unknown':
      throw given(verdict.reason, 'unknown') ?? outcomeUnknown(command, verdict.why);
    case 'answered':
      throw new Error('a command was judged like a question');
  }
}

const traits: Traits = {
  answers: 'none',
  lateByMs: 0,
  oldByMs: 300,
  acknowledgedBy: 'middleman',
  tellsChanges: true,
  echoes: false,
};

/** Nothing is asked; a bolt that stands as asked is given half a second to show that it moved. */
const plan: Plan = {
  firstAskMs: 0,
  betweenMs: 0,
  longestBetweenMs: 0,
  patienceMs: 0,
  travelMs: 0,
  halfWayMs: 0,
  witnessMs: 500,
  reasonMs: 0,
  knownForMs: 0,
};

/**
 * A lock behind a broker that tells every change and cannot be asked: what it tells may be 300 ms old. The numbers are
 * guesses; the truth is told `marginMs` before the deadline.
 */
export const unaskedLock = { traits, plan, marginMs: 200 };

const places: Readonly<Record<LockState, Value>> = {
  locked: 'locked',
  unlocked: 'unlocked',
  locking: 'half_way',
  unlocking: 'half_way',
  jammed: 'stuck',
  unknown: 'not_known',
};

/** What a lock says of its bolt. @param message what carried it, as an MQTT link hands it over */
export const boltClaim = (state: LockState, at: number, message?: { readonly retained: boolean }): Claim => ({
  about: 'bolt',
  value: places[state],
  at,
  ...(message?.retained && { kept: true }),
});
