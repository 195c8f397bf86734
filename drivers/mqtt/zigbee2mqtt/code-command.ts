import type { AccessCodeCapability, CodeCommandContext, Secret, SlotReading } from '../../../src/contract/index.ts';
import {
  codeUnknown,
  duplicateOf,
  notCleared,
  notStored,
  slotTaken,
  storedOtherwise,
} from '../../../src/driver-kit/code-sentences.ts';
import type { CommandToJudge } from '../../../src/driver-kit/evidence/book.ts';
import type { Goal, Plan, Value, Verdict } from '../../../src/driver-kit/evidence/claims.ts';
import { Mailbox } from '../../../src/driver-kit/mailbox.ts';
import { type OwnSlots, ownSlot } from '../../../src/driver-kit/slot-rules.ts';
import type { BridgeComplaint } from './bridge-complaint.ts';
import type { CodeVoice } from './code-voice.ts';
import { pinClear, pinRead, pinWrite, stateRead } from './codec.ts';
import type { FeedEvent, HeardMessage } from './device-feed.ts';
import {
  asking,
  type DeviceSession,
  endOfWrite,
  question,
  sending,
  WRITE_MARGIN_MS,
  writePlan,
} from './device-session.ts';
import { complained, slotUntold, tellsOfNone } from './failures.ts';
import { holds, type SlotStatus } from './slot-status.ts';
import { boltTraits, isMisconfiguration, slotAbout, slotTraits } from './testimony.ts';

const plan: Plan = {
  ...writePlan,
  // A write is read back when the lock says that it programmed the slot, or after this (measured: 0.35 s).
  firstAskMs: 1_500,
  // A guess.
  betweenMs: 1_500,
};

/** A read before a write is given up after this, to see whether the lock tells of codes at all. */
const readWithinMs = 20_000;
/** Zigbee's own patience, and a moment for the line in the log: a write that nobody complains of by then has arrived. */
const complaintWithinMs = 10_500;
/** Doors wait at most this long meanwhile. */
const sliceMs = 1_000;
/** One step on the wire takes no longer before a door is let through. A guess. */
const stepMs = 1_000;

/** A session about codes. */
export interface CodeSession extends DeviceSession {
  readonly voice: CodeVoice;
}

/**
 * Writes a PIN to an empty slot and reads it back. A slot that holds anything else is left alone. A lock that tells of no
 * code gets the write, and nobody can say whether it holds it.
 * @throws GatewayError as the error table has it
 */
export const setPin =
  (session: CodeSession, slots: OwnSlots): AccessCodeCapability['set'] =>
  async (ctx, write) => {
    const { feed, device, voice, testimony, book } = session;
    const { code } = write;
    const slot = ownSlot(device.name, slots, write.slot);
    const command: SlotCommand = { slot, what: 'write', code, payload: pinWrite(slot, code) };
    // While it lasts, what the slot shows is compared with the code that is written.
    const stop = testimony.writing(slot, command.code);
    try {
      const before = voice.isMute ? undefined : await readBefore(session, ctx, slot);
      if (before === undefined) return await writeUnseen(session, ctx, command);
      if (before === 'ours') return readingOf(slot, feed.slots.get(slot));
      if (before !== 'free') throw slotTaken(device.name, slot);
      const about = slotAbout(slot);
      const proof = [
        { about, value: 'ours' },
        { about, value: 'withheld', ifBefore: { about, value: 'free' } },
      ];
      const verdict = await book.judge(written(session, ctx, command, proof));
      const end = endOf(session, command, verdict);
      if (end === 'done') return readingOf(slot, feed.slots.get(slot));
      if (end !== 'free') throw storedOtherwise(device.name, slot);
      const twin = [...feed.slots].find(([other, held]) => other !== slot && holds(held, code) === 'this');
      throw twin === undefined ? notStored(device.name, slot) : duplicateOf(device.name, twin[0]);
    } finally {
      stop();
    }
  };

/**
 * Empties a slot and reads it back; an empty slot is left as it is.
 * @throws GatewayError as the error table has it
 */
export const clearPin =
  (session: CodeSession): AccessCodeCapability['clear'] =>
  async (ctx, slot) => {
    const { device, voice, testimony, book } = session;
    const command: SlotCommand = { slot, what: 'delete', code: undefined, payload: pinClear(slot) };
    // While it lasts, what the slot shows is compared with the code that is written.
    const stop = testimony.writing(slot, command.code);
    try {
      const before = voice.isMute ? undefined : await readBefore(session, ctx, slot);
      if (before === 'free') return;
      if (before === undefined) {
        await writeUnseen(session, ctx, command);
        return;
      }
      const proof = [{ about: slotAbout(slot), value: 'free' }];
      const verdict = await book.judge(written(session, ctx, command, proof));
      if (endOf(session, command, verdict) !== 'done') throw notCleared(device.name, slot);
    } finally {
      stop();
    }
  };

/** @throws GatewayError as a read does; the signal's reason when the lock does not answer */
export const readPin =
  (session: CodeSession): NonNullable<AccessCodeCapability['read']> =>
  async (ctx, slot) => {
    const { device, feed, voice } = session;
    if (voice.isMute) throw tellsOfNone(device);
    const value = await ask(session, ctx.signal, slot, {});
    if (value === undefined) throw complained(device, 'no_answer', 'not_sent');
    return value === 'free' ? { slot, occupied: false } : readingOf(slot, feed.slots.get(slot));
  };

interface SlotCommand {
  readonly slot: number;
  readonly what: 'write' | 'delete';
  readonly code: Secret | undefined;
  readonly payload: string;
}

/**
 * @returns undefined for a lock that turns out to tell of no code
 * @throws GatewayError, `not_sent`
 */
async function readBefore(session: CodeSession, ctx: CodeCommandContext, slot: number): Promise<Value | undefined> {
  const { clock, device, voice } = session;
  const between = lettingDoorsPass(session, ctx);
  const until = Math.min(ctx.sendBy, clock.now() + readWithinMs);
  const value = await ask(session, ctx.signal, slot, { until, between });
  if (value !== undefined) return value;
  // It may be away, or tell of no codes: asked for its bolt, it says which.
  const bolt = await question(session, ctx.signal, {
    ...{ about: 'bolt', key: 'state', payload: stateRead, traits: boltTraits, plan: { ...plan, firstAskMs: 0 } },
    ...{ until: Math.min(ctx.sendBy, clock.now() + plan.patienceMs * 2), between },
  });
  if (bolt !== undefined) voice.isAlive();
  if (voice.isMute) return undefined;
  throw complained(device, 'no_answer', 'not_sent');
}

async function ask(
  session: CodeSession,
  signal: AbortSignal,
  slot: number,
  limits: { readonly until?: number; readonly between?: () => Promise<void> },
): Promise<Value | undefined> {
  const value = await question(session, signal, {
    ...{ about: slotAbout(slot), key: 'pin_code', payload: pinRead(slot), asked: () => session.voice.asked() },
    ...{ traits: slotTraits, plan: { ...plan, firstAskMs: 0, betweenMs: 1_100, longestBetweenMs: 2_000 } },
    ...limits,
  });
  if (value !== undefined && value !== 'not_known') session.voice.answered();
  if (value === 'not_known') throw slotUntold(session.device, slot, session.feed.slots.get(slot)?.status);
  return value;
}

/** Two questions that belong together, to tell an answer from chatter, are one step; doors wait two seconds at most. */
function lettingDoorsPass({ clock }: DeviceSession, ctx: CodeCommandContext): () => Promise<void> {
  let passedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (clock.now() < passedAt + stepMs) return;
    await ctx.letDoorsPass();
    passedAt = clock.now();
  };
}

/** What is judged of a write: that it was read back. */
function written(
  session: CodeSession,
  ctx: CodeCommandContext,
  command: SlotCommand,
  proof: Goal['proof'],
): CommandToJudge<BridgeComplaint> {
  return {
    ...{ goal: { proof }, traits: slotTraits, plan, ctx, marginMs: WRITE_MARGIN_MS },
    send: sendingTo(session, ctx, command),
    ask: asking(session, pinRead(command.slot)),
    between: lettingDoorsPass(session, ctx),
  };
}

const sendingTo = (session: CodeSession, ctx: CodeCommandContext, { slot, what, payload }: SlotCommand) =>
  sending(session, {
    ...{ payload, ctx, before: () => ctx.letDoorsPass() },
    leaves: () => {
      const takeBack = [session.own.wrote(slot, what === 'write'), session.voice.wrote(slot)];
      return () => {
        for (const undo of takeBack) undo();
      };
    },
  });

/** @throws GatewayError when nobody knows, or nothing was written */
const endOf = ({ device }: DeviceSession, { slot, what }: SlotCommand, verdict: Verdict<BridgeComplaint>) =>
  endOfWrite(device, verdict, () => codeUnknown(device.name, slot, what));

/**
 * Writes to a lock that tells of no code. It says at most that it programmed the slot; the bridge says when the write
 * did not arrive. Nobody can say more.
 * @throws GatewayError when it did not arrive, or may not have
 */
async function writeUnseen(session: CodeSession, ctx: CodeCommandContext, command: SlotCommand): Promise<SlotReading> {
  const { clock, feed, device } = session;
  const closing = session.closing();
  const { slot, what } = command;
  const mailbox = new Mailbox<FeedEvent>(clock, [ctx.signal, closing]);
  const stop = feed.listen((event) => mailbox.push(event));
  let isSent = false;
  try {
    const observer = {
      spent: () => {
        isSent = true;
        mailbox.clear();
      },
    };
    await mailbox.whileOpen(sendingTo(session, ctx, command)(observer, () => undefined));
    const until = Math.min(ctx.deadline - WRITE_MARGIN_MS, clock.now() + complaintWithinMs);
    while (clock.now() < until) {
      await ctx.letDoorsPass();
      const event = await mailbox.next(Math.min(until, clock.now() + sliceMs));
      if (event?.kind === 'gap') throw codeUnknown(device.name, slot, what);
      if (event?.kind === 'complaint' && event.verb === 'set' && event.key === 'pin_code')
        throw complained(device, event.reason, isMisconfiguration(event.reason) ? 'refused' : 'maybe_sent');
      if (event?.kind === 'message' && tellsProgramming(event, command)) break;
    }
    return { slot, occupied: what === 'write' };
  } catch (error) {
    if (isSent && closing.aborted && error === closing.reason) throw codeUnknown(device.name, slot, what);
    throw error;
  } finally {
    stop();
    mailbox.close();
  }
}

const tellsProgramming = ({ message: { event }, retained }: HeardMessage, { slot, what }: SlotCommand): boolean =>
  !retained && event?.kind === 'programmed' && event.slot === slot && event.occupied === (what === 'write');

/** A slot in use counts as occupied, whether its code is switched on or off. */
const readingOf = (slot: number, status: SlotStatus | undefined): SlotReading => ({
  slot,
  occupied: status?.status !== 'available',
  ...(status?.code === undefined ? {} : { code: status.code }),
});
