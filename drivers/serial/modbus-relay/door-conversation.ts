import {
  type CommandContext,
  GatewayError,
  type LockOutcome,
  type SendPermit,
  sleep,
  unlessAborted,
} from '../../../src/contract/index.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { named } from '../modbus/ask.ts';
import { exceptionName } from '../modbus/exceptions.ts';
import { release, secure } from './board-codec.ts';
import { closedMeanwhile, doorNotClosed, notReached, readTooLate, refusal, type Target } from './failures.ts';
import { type Look, lookAt, type RelayDoor } from './relay-door.ts';

/** A relay moves within 10 ms; a board that acknowledged is looked at again for so long. A guess. */
const SETTLE_MS = 500;
const LOOK_AGAIN_MS = 100;
/** The board's timer and ours may differ; what is read this shortly before the end may be after it. A guess. */
const TIMER_SLACK_MS = 200;

/** Who is told of what happens on the way. */
export interface Bookkeeper {
  saw(look: Look): void;
  /** The command is leaving now. */
  ordered(target: Target): void;
}

interface Sent {
  readonly before: Look;
  /** `Clock.now()` */
  readonly at: number;
  /** A reply with the right checksum repeated the command. */
  readonly acknowledged: boolean;
  /** In words, for messages. */
  readonly said: string;
}

/**
 * Releases or secures the door, and stays until it is known what became of it: the write goes out once, whatever
 * happens to its reply, and reads tell the rest.
 *
 * @throws GatewayError as the error table has it
 */
export async function operate(
  door: RelayDoor,
  target: Target,
  ctx: CommandContext,
  books: Bookkeeper,
): Promise<LockOutcome> {
  return underSignals([ctx.signal, door.closing], (signal) => operateUnder(door, target, { ...ctx, signal }, books));
}

async function operateUnder(
  door: RelayDoor,
  target: Target,
  ctx: CommandContext,
  books: Bookkeeper,
): Promise<LockOutcome> {
  const { signal } = ctx;
  // An absent board is found out before anything was sent, and the reply of a lost one can be settled: what the
  // relay did is told from what it was.
  const contact = target === 'released' ? 'always' : 'never';
  const before = await lookAt(door, { priority: 'door', signal, contact });
  books.saw(before);
  const permit = await unlessAborted(ctx.pointOfNoReturn(), signal);
  const sent = await send(door, target, { before, signal, permit }, books);
  try {
    for (;;) {
      const look = await tryToLook(door, signal);
      if (look) books.saw(look);
      const outcome = target === 'released' ? judgeRelease(door, sent, look) : judgeRest(door, sent, look);
      if (outcome) return outcome;
      await sleep(door.clock, LOOK_AGAIN_MS, signal);
    }
  } catch (error) {
    throw door.closing.aborted && error === door.closing.reason ? closedMeanwhile(door, target) : error;
  }
}

async function send(
  door: RelayDoor,
  target: Target,
  { before, signal, permit }: { before: Look; signal: AbortSignal; permit: SendPermit },
  books: Bookkeeper,
): Promise<Sent> {
  const { link, fitting, clock, name } = door;
  let at: number | undefined;
  const noticing = observedPermit(permit, {
    spent: () => {
      at = clock.now();
      books.ordered(target);
    },
  });
  const request = target === 'released' ? release(link.unit, fitting) : secure(link.unit, fitting);
  try {
    const reply = await link.command(noticing, request, signal);
    const sentAt = at ?? clock.now();
    if (reply.ok) {
      const acknowledged = reply.value === 'as_asked';
      const said = acknowledged
        ? 'the board acknowledged the command'
        : 'the board repeated another command than it got';
      return { before, at: sentAt, acknowledged, said };
    }
    const refused = refusal(door, reply.exception);
    if (refused) throw refused;
    return { before, at: sentAt, acknowledged: false, said: `the board answered ${exceptionName(reply.exception)}` };
  } catch (error) {
    if (at === undefined) throw signal.aborted ? error : named(error, name);
    if (door.closing.aborted && error === door.closing.reason) throw closedMeanwhile(door, target);
    if (!(error instanceof GatewayError) || error.delivery !== 'maybe_sent' || signal.aborted) throw error;
    return { before, at, acknowledged: false, said: 'the command was not acknowledged' };
  }
}

/** Undefined while the board cannot be read; the end of the command ends the wait. */
async function tryToLook(door: RelayDoor, signal: AbortSignal): Promise<Look | undefined> {
  try {
    return await lookAt(door, { priority: 'door', signal, contact: 'unless_released' });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

function judgeRelease(door: RelayDoor, sent: Sent, look: Look | undefined): LockOutcome | undefined {
  const { before, at, acknowledged, said } = sent;
  if (look?.released) {
    // Without an acknowledgement a relay that was on already says nothing of this command.
    return { wasConfirmedByDevice: acknowledged || !before.released };
  }
  if (before.door === 'closed' && look?.door === 'open') return { wasConfirmedByDevice: true };
  const elapsed = (look?.at ?? door.clock.now()) - at;
  if (elapsed >= door.fitting.releaseMs - TIMER_SLACK_MS) throw readTooLate(door, said);
  if (look && elapsed >= Math.min(SETTLE_MS, door.fitting.releaseMs / 2)) throw notReached(door, 'released', said);
  return undefined;
}

function judgeRest(door: RelayDoor, { at, said }: Sent, look: Look | undefined): LockOutcome | undefined {
  if (!look) return undefined;
  if (look.released) {
    if (look.at - at >= SETTLE_MS) throw notReached(door, 'secured', said);
    return undefined;
  }
  if (look.door === 'open') throw doorNotClosed(door);
  return { wasConfirmedByDevice: true };
}
