import type { CommandContext, LockOutcome } from '../../../src/contract/index.ts';
import { Inbox } from '../../../src/driver-kit/mailbox.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { doorCommand, stateRead } from './codec.ts';
import { assertReachable, type Conversation } from './conversation.ts';
import type { FeedEvent } from './device-feed.ts';
import { outcomeUnknown } from './lock-failures.ts';
import { LockObserver } from './lock-observer.ts';

type Happening =
  | FeedEvent
  | { readonly kind: 'acknowledged'; readonly at: number }
  | { readonly kind: 'not_acknowledged'; readonly error: unknown };

/**
 * Locks or unlocks, and stays until it is known what became of it.
 * @throws GatewayError as the error table has it
 */
export async function operate(
  conversation: Conversation,
  target: 'locked' | 'unlocked',
  ctx: CommandContext,
): Promise<LockOutcome> {
  const { link, feed, topics, clock, device, closing } = conversation;
  const inbox = new Inbox<Happening>(clock, [ctx.signal, closing]);
  const unsubscribe = feed.listen((event) => inbox.push(event));
  let sentAt: number | undefined;
  try {
    assertReachable(conversation);
    const permit = await inbox.whileOpen(ctx.pointOfNoReturn());
    assertReachable(conversation);
    const observer = new LockObserver({ feed, clock, device, target, ctx });
    let takeBack: () => void = () => undefined;
    const noticing = observedPermit(permit, {
      withdrawn: () => takeBack(),
      spent: () => {
        takeBack = feed.commandLeft(target);
        sentAt = clock.now();
        // What was heard up to here is not evidence.
        inbox.clear();
        observer.begin(sentAt);
      },
    });
    link.command(noticing, topics.set, doorCommand(target === 'locked' ? 'LOCK' : 'UNLOCK'), ctx.signal).then(
      (at) => inbox.push({ kind: 'acknowledged', at }),
      (error: unknown) => inbox.push({ kind: 'not_acknowledged', error }),
    );
    for (;;) {
      const happening = await inbox.next(observer.nextMoment);
      if (happening?.kind === 'not_acknowledged') observer.notAcknowledged(happening.error);
      else if (happening?.kind === 'acknowledged') observer.acknowledged(happening.at);
      else if (happening !== undefined) observer.hear(happening);
      const outcome = observer.judge();
      if (outcome !== undefined) return outcome;
      observer.askIfDue(() => link.query(topics.get, stateRead, ctx.signal));
    }
  } catch (error) {
    if (sentAt !== undefined && closing.aborted && error === closing.reason)
      throw outcomeUnknown(device, target, 'closed');
    throw error;
  } finally {
    unsubscribe();
    inbox.close();
  }
}
