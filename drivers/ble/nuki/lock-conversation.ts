import {
  type CommandContext,
  GatewayError,
  type LockOutcome,
  type LockReading,
  type ReadContext,
  sleep,
} from '../../../src/contract/index.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { commands, completions, errorCodes, lockActions, statusCodes, triggers } from './catalogue.ts';
import { lockAction } from './codec-commands.ts';
import { type KeyturnerStates, readKeyturnerStates, readStatus } from './codec-replies.ts';
import type { Conversation } from './conversation.ts';
import { askStates, converse, credentialsOf, type DeviceAccess } from './device-access.ts';
import { incomplete, refusal, silent } from './failures.ts';
import { isMoving, readingOf, stateOf } from './states.ts';

type Target = 'locked' | 'unlocked';

/** How long a lock may take from the command to its first word, in milliseconds: suggested limits say 5 s. */
const FIRST_WORD_MS = 5_000;
/** Between two reads while the motor runs, or may be about to, in milliseconds. A guess: a turn takes 1 s to 4 s. */
const BETWEEN_READS_MS = 1_000;
/** A bolt that has not moved is believed to stay where it is after so many reads. A motor starts within 2 s. */
const READS_AT_REST = 3;
/** A lock that reported the wanted state may take so long to say that it is done, in milliseconds. A guess. */
const LAST_WORD_MS = 4_000;
/** Listening ends this long before the deadline, so that there is time to ask. A guess: asking takes 0.1 s. */
const ASK_MS = 1_500;
/** A lock that is not reached is given up this long before `send_by`: "offline" says more than "expired". A guess. */
const TELL_MS = 150;
/** The truth is told this long before the deadline, so that it is not overtaken by the abort. A guess. */
const MARGIN_MS = 300;

/** What is known of a command once it may have left. */
interface Sent {
  /** The lock said that it takes it on. */
  accepted: boolean;
  /** The lock said that it is done. */
  completed: boolean;
  /** The last state the lock reported after the command left. */
  states: KeyturnerStates | undefined;
}

/**
 * Locks or unlocks, and stays until it is known what became of it. Success takes both: the lock's word that it
 * completed, or a read after a lost connection, and a state seen after the command left.
 *
 * @param before whether this attempt has sent its command before: then nothing is sent until the state was read
 * @throws GatewayError as the error table has it
 */
export async function operate(
  access: DeviceAccess,
  target: Target,
  ctx: CommandContext,
  before: { readonly again: boolean; readonly onSent: () => void },
): Promise<LockOutcome> {
  const { appId } = credentialsOf(access);
  const action = target === 'locked' ? lockActions.lock : lockActions[access.settings.unlock];
  const sent: Sent = { accepted: false, completed: false, states: undefined };
  let hasLeft = false;
  try {
    return await converse(
      access,
      { priority: 'door', signal: ctx.signal, by: ctx.sendBy - TELL_MS, log: ctx.log },
      async (conversation) => {
        if (before.again) {
          const states = await askStates(access, conversation);
          if (stateOf(states) === target) return { wasConfirmedByDevice: true };
          if (isMoving(states)) throw refusal(access.deviceName, errorCodes.busy);
        }
        const challenge = await conversation.challenge();
        const permit = observedPermit(await ctx.pointOfNoReturn(), {
          spent: () => {
            hasLeft = true;
            before.onSent();
            // What was said up to here is not evidence.
            conversation.clear();
          },
        });
        await conversation.act(permit, lockAction({ action, appId }, challenge));
        await listen(access, conversation, target, sent, ctx);
        return judge(access, conversation, target, sent, ctx);
      },
    );
  } catch (error) {
    if (!hasLeft || isVerdict(error)) throw error;
    ctx.log.debug({ accepted: sent.accepted, completed: sent.completed }, 'the outcome is found out by reading');
    return settleByReading(access, target, sent, ctx, error);
  }
}

/** Asks the lock now. */
export async function readLock(access: DeviceAccess, ctx: ReadContext): Promise<LockReading> {
  return converse(access, { priority: 'poll', signal: ctx.signal, log: ctx.log }, async (conversation) =>
    readingOf(await askStates(access, conversation)),
  );
}

/** What the lock itself decided: asking it again would not change it. */
const isVerdict = (error: unknown): boolean =>
  error instanceof GatewayError &&
  (error.delivery === 'refused' || error.delivery === 'acted' || error.type === 'state_not_reached');

/** Follows what the lock says until it says that it is done, or falls silent. */
async function listen(
  access: DeviceAccess,
  conversation: Conversation,
  target: Target,
  sent: Sent,
  ctx: CommandContext,
): Promise<void> {
  const { clock, deviceName } = access;
  const end = ctx.deadline - ASK_MS;
  let until = Math.min(end, clock.now() + FIRST_WORD_MS);
  for (;;) {
    const arrival = await conversation.next(until);
    if (arrival === undefined) return;
    if (arrival.kind === 'error') {
      const { code, command } = arrival.report;
      // An error about something else than the action does not end it.
      if (command === commands.lockAction || command === 0) throw refusal(deviceName, code, sent.accepted);
      continue;
    }
    const { command, payload } = arrival.message;
    if (command === commands.keyturnerStates) {
      sent.states = readKeyturnerStates(payload);
      access.heard(sent.states);
      until = stateOf(sent.states) === target ? Math.min(end, clock.now() + LAST_WORD_MS) : end;
    } else if (command === commands.status) {
      if (readStatus(payload) === statusCodes.accepted) {
        sent.accepted = true;
        until = end;
      } else {
        sent.completed = true;
        return;
      }
    }
  }
}

/** With the lock's word, or its silence, and the connection still there. */
async function judge(
  access: DeviceAccess,
  conversation: Conversation,
  target: Target,
  sent: Sent,
  ctx: CommandContext,
): Promise<LockOutcome> {
  const done = sent.completed ? sent.states : undefined;
  if (done !== undefined && stateOf(done) === target && wentWell(done)) return { wasConfirmedByDevice: true };
  // It said nothing of where its bolt is, or something else than it should.
  sent.states = await askOnSameLink(access, conversation);
  const state = stateOf(sent.states);
  if (state === 'jammed') throw refusal(access.deviceName, errorCodes.motorBlocked);
  if (state === target) {
    if (sent.completed && !wentWell(sent.states)) throw incomplete(access.deviceName, sent.states.lastCompletion ?? 0);
    return { wasConfirmedByDevice: true };
  }
  if (sent.completed && !isMoving(sent.states)) throw notReached(access, target, sent, sent.states);
  return watchUntilRest(access, target, sent, ctx, async () => {
    sent.states = await askOnSameLink(access, conversation);
    return sent.states;
  });
}

/**
 * A lock that never took the command on may refuse every other question on that connection: it waits for what its
 * challenge was for. That is no word on the command, and another connection is asked.
 */
async function askOnSameLink(access: DeviceAccess, conversation: Conversation): Promise<KeyturnerStates> {
  try {
    return await askStates(access, conversation);
  } catch (error) {
    throw silent(access.deviceName, 'where its bolt is', error);
  }
}

const wentWell = ({ lastCompletion }: KeyturnerStates): boolean =>
  lastCompletion === undefined || lastCompletion === completions.success;

/** Over connections of its own: the one that carried the command is gone. */
async function settleByReading(
  access: DeviceAccess,
  target: Target,
  sent: Sent,
  ctx: CommandContext,
  lost: unknown,
): Promise<LockOutcome> {
  return watchUntilRest(access, target, sent, ctx, async () => {
    try {
      return await converse(
        access,
        { priority: 'door', signal: ctx.signal, by: ctx.deadline - MARGIN_MS, log: ctx.log },
        async (conversation) => askStates(access, conversation),
      );
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (isVerdict(error)) throw unknown(access, target, error);
      ctx.log.debug({ why: error instanceof Error ? error.message : 'unknown' }, 'the lock could not be read');
      return undefined;
    }
  }).catch((error: unknown) => {
    // Nobody could be asked: the reason is why the connection was lost.
    throw error === ctx.signal.reason ? unknown(access, target, lost) : error;
  });
}

/** Reads until the bolt is at rest: where it should be, or where it was. */
async function watchUntilRest(
  access: DeviceAccess,
  target: Target,
  sent: Sent,
  ctx: CommandContext,
  read: () => Promise<KeyturnerStates | undefined>,
): Promise<LockOutcome> {
  const { clock, deviceName } = access;
  const end = ctx.deadline - MARGIN_MS;
  let atRest = 0;
  let last: KeyturnerStates | undefined;
  while (clock.now() < end) {
    const states = await read();
    if (states !== undefined) {
      last = states;
      const state = stateOf(states);
      if (state === target) return { wasConfirmedByDevice: true };
      if (state === 'jammed') throw refusal(deviceName, errorCodes.motorBlocked);
      if (!isMoving(states)) atRest += 1;
      if (atRest >= READS_AT_REST) throw notReached(access, target, sent, states);
    }
    if (clock.now() + BETWEEN_READS_MS >= end) break;
    await sleep(clock, BETWEEN_READS_MS, ctx.signal);
  }
  if (last !== undefined && atRest > 0 && sent.completed) throw notReached(access, target, sent, last);
  throw unknown(access, target, undefined);
}

function notReached({ deviceName }: DeviceAccess, target: Target, sent: Sent, states: KeyturnerStates): GatewayError {
  const { lastCompletion, trigger } = states;
  if (target === 'unlocked' && (trigger === triggers.autoLock || trigger === triggers.automatic))
    return new GatewayError(
      'outcome_unknown',
      `${deviceName} has locked itself: it may have been unlocked before. Look at the door before sending another ` +
        'command.',
    );
  // The completion is that of the last action; whether it was ours is known only when the lock took ours on.
  if ((sent.accepted || sent.completed) && lastCompletion !== undefined && !wentWell(states))
    return incomplete(deviceName, lastCompletion);
  return new GatewayError(
    'state_not_reached',
    `${deviceName} was told to be ${target} and is ${stateOf(states)}. Look at the door, and try again.`,
  );
}

const unknown = ({ deviceName }: DeviceAccess, target: Target, cause: unknown): GatewayError =>
  new GatewayError(
    'outcome_unknown',
    `It is not known whether ${deviceName} is ${target}: the connection was lost after the command had left, and the ` +
      'lock could not be asked. Look at the door before sending another command.',
    { cause },
  );
