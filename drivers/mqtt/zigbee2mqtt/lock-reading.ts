import type { LockReading, ReadContext } from '../../../src/contract/index.ts';
import { Inbox } from '../../../src/driver-kit/mailbox.ts';
import { boltKeys, stateRead } from './codec.ts';
import { assertReachable, type Conversation } from './conversation.ts';
import type { FeedEvent } from './device-feed.ts';
import { askUntilSure } from './reading.ts';

/**
 * Asks the lock where its bolt is.
 * @throws GatewayError as a read does; the signal's reason when the lock does not answer
 */
export async function readBolt(conversation: Conversation, ctx: ReadContext): Promise<LockReading> {
  const { clock, closing, feed } = conversation;
  const inbox = new Inbox<FeedEvent>(clock, [ctx.signal, closing]);
  const unsubscribe = feed.listen((event) => inbox.push(event));
  try {
    assertReachable(conversation);
    const bolt = await askUntilSure(conversation, inbox, ctx.signal, {
      payload: stateRead,
      key: 'state',
      asks: (key) => boltKeys.has(key),
      pick: (message) => message.bolt,
      agree: 'when_told_apart',
    });
    return { state: bolt === 'not_fully_locked' ? 'jammed' : (bolt ?? 'unknown') };
  } finally {
    unsubscribe();
    inbox.close();
  }
}
