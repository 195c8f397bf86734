import {
  type CodeCommandContext,
  type CodeWrite,
  GatewayError,
  type ReadContext,
  type SlotReading,
} from '../../../src/contract/index.ts';
import { Inbox } from '../../../src/driver-kit/mailbox.ts';
import { pinClear, pinWrite, type SlotStatus } from './codec.ts';
import { assertReachable, type Conversation } from './conversation.ts';
import type { FeedEvent } from './device-feed.ts';
import { complained } from './failures.ts';
import { codeUnknown, duplicate, notCleared, notStored, slotTaken, storedOtherwise } from './pin-failures.ts';
import { PinSession, slotQuestion } from './pin-session.ts';
import { askUntilSure } from './reading.ts';

/**
 * Writes a PIN to an empty slot and reads it back. A slot that holds anything else is left alone.
 * @throws GatewayError as the error table has it
 */
export async function setPin(
  conversation: Conversation,
  ctx: CodeCommandContext,
  { slot, code }: CodeWrite & { readonly slot: number },
): Promise<SlotReading> {
  const { device, feed } = conversation;
  return converse(conversation, ctx, slot, 'write', async (session) => {
    const before = supported(conversation, await session.readBefore());
    if (before.status !== 'available') {
      if (before.status === 'enabled' && before.code?.equals(code) === true) return readingOf(slot, before);
      throw slotTaken(device, slot);
    }
    const after = await session.writeAndReadBack(pinWrite(slot, code), 'enabled', 'write');
    if (after.status === 'enabled') {
      if (after.code !== undefined && !after.code.equals(code)) throw storedOtherwise(device, slot);
      return readingOf(slot, after);
    }
    const twin = [...feed.slots].find(([other, held]) => other !== slot && held.code?.equals(code) === true);
    throw twin === undefined ? notStored(device, slot) : duplicate(device, twin[0]);
  });
}

/**
 * Empties a slot and reads it back; an empty slot is left as it is.
 * @throws GatewayError as the error table has it
 */
export async function clearPin(conversation: Conversation, ctx: CodeCommandContext, slot: number): Promise<void> {
  return converse(conversation, ctx, slot, 'delete', async (session) => {
    const before = supported(conversation, await session.readBefore());
    if (before.status === 'available') return;
    const after = await session.writeAndReadBack(pinClear(slot), 'available', 'delete');
    if (after.status !== 'available') throw notCleared(conversation.device, slot);
  });
}

/** @throws GatewayError as a read does; the signal's reason when the lock does not answer */
export async function readPin(conversation: Conversation, ctx: ReadContext, slot: number): Promise<SlotReading> {
  const { clock, closing, feed, device } = conversation;
  const inbox = new Inbox<FeedEvent>(clock, [ctx.signal, closing]);
  const unsubscribe = feed.listen((event) => inbox.push(event));
  try {
    assertReachable(conversation);
    const status = await askUntilSure(conversation, inbox, ctx.signal, slotQuestion(slot, 'when_told_apart'));
    if (status === undefined) throw complained(device, 'no_answer', 'not_sent');
    return readingOf(slot, supported(conversation, status));
  } finally {
    unsubscribe();
    inbox.close();
  }
}

async function converse<T>(
  conversation: Conversation,
  ctx: CodeCommandContext,
  slot: number,
  what: 'write' | 'delete',
  talk: (session: PinSession) => Promise<T>,
): Promise<T> {
  const session = new PinSession(conversation, ctx, slot);
  try {
    return await talk(session);
  } catch (error) {
    const { closing, device } = conversation;
    if (session.sent && closing.aborted && error === closing.reason) throw codeUnknown(device, slot, what);
    throw error;
  } finally {
    session.close();
  }
}

/** A slot in use counts as occupied, whether its code is switched on or off. */
const readingOf = (slot: number, { status, code }: SlotStatus): SlotReading => ({
  slot,
  occupied: status !== 'available',
  ...(code === undefined ? {} : { code }),
});

function supported({ device }: Conversation, status: SlotStatus): SlotStatus {
  if (!status.status.startsWith('not_supported')) return status;
  throw new GatewayError(
    'misconfigured',
    `${device.name} says that it has no such code slot. Take pin_slots out of its settings, or correct them.`,
    { delivery: 'not_sent' },
  );
}
