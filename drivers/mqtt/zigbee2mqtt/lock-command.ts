import type { CommandContext, LockOutcome, LockReading, ReadContext } from '../../../src/contract/index.ts';
import type { Goal, Plan } from '../../../src/driver-kit/evidence/claims.ts';
import { doorOutcome, unasked } from '../../../src/driver-kit/lock-sentences.ts';
import { doorCommand, stateRead } from './codec.ts';
import { asking, type DeviceSession, obstacleTo, question, sending } from './device-session.ts';
import { complained, unreached } from './failures.ts';
import { boltTraits } from './testimony.ts';

const plan: Plan = {
  // Measured: a healthy lock reports after about 0.9 s; one that has said nothing by then is asked.
  firstAskMs: 3_000,
  // Guesses: a read costs battery.
  betweenMs: 2_000,
  longestBetweenMs: 2_000,
  // A guess: the measured answer takes 0.15 s, a sleepy lock seconds.
  patienceMs: 2_000,
  travelMs: 3_000,
  // Some locks report `not_fully_locked` on their way. A guess: the questions themselves take two seconds.
  halfWayMs: 600,
  // Measured: the operation event comes 10 ms after the state.
  witnessMs: 500,
  reasonMs: 0,
  knownForMs: 5_000,
  // The bridge's own word that a frame was lost; reads go on for this long before it is believed. A guess.
  lossMs: 4_000,
  // A LOCK has one.
  earlyUntil: undefined,
};

/** The truth is told this long before the deadline, so that it is not overtaken by the abort. A guess. */
const marginMs = 200;

/**
 * Locks or unlocks, and stays until it is known what became of it.
 * @throws GatewayError as the error table has it
 */
export const operate =
  (session: DeviceSession, target: 'locked' | 'unlocked') =>
  async (ctx: CommandContext): Promise<LockOutcome> => {
    const { feed, book, own, testimony, device } = session;
    const goal: Goal = { proof: [{ about: 'bolt', value: target }] };
    // A LOCK may be sent once more while there is time, so it is told early, and asked for closely; an UNLOCK never is.
    const chosen: Plan = target === 'locked' ? { ...plan, earlyUntil: ctx.sendBy, betweenMs: 1_000 } : plan;
    const payload = doorCommand(target === 'locked' ? 'LOCK' : 'UNLOCK');
    const leaves = () => {
      testimony.commandLeft(target);
      return own.commanded(target);
    };
    const verdict = await book.judge({
      goal,
      traits: boltTraits,
      plan: chosen,
      ctx,
      marginMs,
      send: sending(session, { payload, ctx, leaves }),
      ask: asking(session, stateRead),
    });
    // Its bridge guessed that it is away, and it said nothing: the guess is borne out.
    if (verdict.end === 'unknown' && verdict.why === 'silent' && feed.availability === 'offline')
      throw unreached(device, 'maybe_sent');
    // Why nobody could be asked says more than that nothing was heard.
    const obstacle = verdict.end === 'unknown' && verdict.why === 'silent' ? obstacleTo(session) : undefined;
    if (obstacle !== undefined) throw unasked({ name: device.name, target }, obstacle);
    return doorOutcome(verdict, { name: device.name, target }, (complaint, end) =>
      complaint.verb === 'get'
        ? undefined
        : complained(device, complaint.reason, end === 'refused' ? end : 'maybe_sent'),
    );
  };

/**
 * Asks the lock where its bolt is.
 * @throws GatewayError as a read does; the signal's reason when the lock does not answer
 */
export async function readBolt(session: DeviceSession, ctx: ReadContext): Promise<LockReading> {
  const place = await question(session, ctx.signal, {
    ...{ about: 'bolt', key: 'state', payload: stateRead },
    ...{ traits: boltTraits, plan: { ...plan, firstAskMs: 0 } },
  });
  switch (place) {
    case 'locked':
    case 'unlocked':
      return { state: place };
    case 'half_way':
      return { state: 'jammed' };
    default:
      return { state: 'unknown' };
  }
}
