import { isDeepStrictEqual } from 'node:util';
import type { Inbox } from '../../../src/driver-kit/mailbox.ts';
import type { StateMessage } from './codec.ts';
import type { Conversation } from './conversation.ts';
import { answersRead, type FeedEvent } from './device-feed.ts';
import { complained, unreachable } from './failures.ts';

export interface Question<T> {
  /** The payload for the device's `get` topic. */
  readonly payload: string;
  /** The attribute as the bridge's error lines name it. */
  readonly key: string;
  /** Whether a lasting key tells of what is asked. */
  readonly asks: (key: string) => boolean;
  /** The answer, where a message has it. */
  readonly pick: (message: StateMessage) => T | undefined;
  /**
   * How many answers in a row must agree, each to a read of its own. `when_told_apart`: one that cannot come from the
   * cache, otherwise two.
   */
  readonly agree: 'when_told_apart' | 'twice';
  /** Runs between two steps on the wire. */
  readonly between?: () => Promise<void>;
  /** `Clock.now()` at which it is given up; without it only the signals end it. */
  readonly until?: number;
}

interface Answer<T> {
  readonly answer: T;
  readonly fresh: boolean;
}

/** Between two answers that say the same, for one that says otherwise to come in. A guess: three times the measured. */
export const straggleMs = 500;

/** An unanswered read is given up after this, in milliseconds, and asked again. Doors wait at most this long. */
const patienceMs = 2_000;

/**
 * Asks the device until its answer can be told from the cache, whose keys ride in every message.
 * @returns undefined when `until` came first
 * @throws GatewayError `link_unavailable`, `device_offline`, `misconfigured`, all `not_sent`
 */
export async function askUntilSure<T>(
  { feed, link, topics, clock, device }: Conversation,
  inbox: Inbox<FeedEvent>,
  signal: AbortSignal,
  question: Question<T>,
): Promise<T | undefined> {
  const until = question.until ?? Number.POSITIVE_INFINITY;
  let held: { readonly answer: T } | undefined;
  while (clock.now() < until) {
    if (feed.interruption !== undefined) throw unreachable(device, feed.interruption, 'not_sent');
    inbox.clear();
    await inbox.whileOpen(link.query(topics.get, question.payload, signal));
    const heard = await awaitAnswer(Math.min(until, clock.now() + patienceMs));
    if (heard !== undefined) {
      const agrees = held !== undefined && isDeepStrictEqual(held.answer, heard.answer);
      if (agrees || (heard.fresh && question.agree === 'when_told_apart')) return heard.answer;
      // What looked like the answer may have been a report of something else: then the answer is still on its way.
      const later = await lastAnswer(Math.min(until, clock.now() + straggleMs));
      if (later?.fresh === true && question.agree === 'when_told_apart') return later.answer;
      held = later ?? heard;
    }
    await question.between?.();
  }
  return undefined;

  async function lastAnswer(until: number): Promise<Answer<T> | undefined> {
    let last: Answer<T> | undefined;
    for (;;) {
      const next = await awaitAnswer(until);
      if (next === undefined) return last;
      last = next;
    }
  }

  async function awaitAnswer(patienceEnds: number): Promise<Answer<T> | undefined> {
    for (;;) {
      const event = await inbox.next(patienceEnds);
      if (event === undefined || event.kind === 'gap') return undefined;
      if (event.kind === 'complaint' && event.verb !== 'set' && (event.key ?? question.key) === question.key)
        throw complained(device, event.reason, 'not_sent');
      if (event.kind !== 'message') continue;
      const kind = answersRead(event, question.asks);
      const answer = kind === 'other' ? undefined : question.pick(event.message);
      if (answer !== undefined) return { answer, fresh: kind === 'fresh' };
    }
  }
}
