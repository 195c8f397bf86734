import { type CodeCommandContext, GatewayError } from '../../../src/contract/index.ts';
import { Inbox } from '../../../src/driver-kit/mailbox.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { pinRead, type SlotStatus, slotKey } from './codec.ts';
import { assertReachable, type Conversation } from './conversation.ts';
import type { FeedEvent } from './device-feed.ts';
import { complained, isMisconfiguration } from './failures.ts';
import { codeUnknown } from './pin-failures.ts';
import { askUntilSure, type Question } from './reading.ts';

/** A write is read back when the lock says that it programmed the slot, or after this (measured: 0.35 s). */
const programmedWithinMs = 1_500;
/** Between two reads that do not show the code yet: they cost battery. A guess. */
const betweenReadsMs = 1_500;
/** What a read shows after this is what the lock made of the write: sleepy ones were reported to need up to 8 s. */
const settledAfterMs = 10_000;
/** The truth is told this long before the deadline, so that it is not overtaken by the abort. A guess. */
const marginMs = 500;

/** How a slot is asked for, and what makes an answer certain. */
export function slotQuestion(slot: number, agree: Question<SlotStatus>['agree']): Question<SlotStatus> {
  return {
    payload: pinRead(slot),
    key: 'pin_code',
    asks: (key) => key === slotKey(slot),
    pick: (message) => message.slots.get(slot),
    agree,
  };
}

/** One command on one slot: reads, at most one write, and reads again, with doors passing between the steps. */
export class PinSession {
  readonly #conversation: Conversation;
  readonly #ctx: CodeCommandContext;
  readonly #slot: number;
  readonly #inbox: Inbox<FeedEvent>;
  readonly #unsubscribe: () => void;
  #sent = false;
  #lost = false;

  constructor(conversation: Conversation, ctx: CodeCommandContext, slot: number) {
    this.#conversation = conversation;
    this.#ctx = ctx;
    this.#slot = slot;
    this.#inbox = new Inbox(conversation.clock, [ctx.signal, conversation.closing]);
    this.#unsubscribe = conversation.feed.listen((event) => this.#inbox.push(event));
  }

  /** True once the write may have left. */
  get sent(): boolean {
    return this.#sent;
  }

  close(): void {
    this.#unsubscribe();
    this.#inbox.close();
  }

  /** @throws GatewayError, `not_sent` */
  async readBefore(): Promise<SlotStatus> {
    assertReachable(this.#conversation);
    const status = await this.#ask('when_told_apart', this.#ctx.sendBy);
    if (status === undefined) throw complained(this.#conversation.device, 'no_answer', 'not_sent');
    return status;
  }

  /**
   * @returns what the lock made of it, whether it is what was wanted or not
   * @throws GatewayError `outcome_unknown` or `device_offline`, `maybe_sent`, when the lock does not say
   */
  async writeAndReadBack(payload: string, wanted: string, what: 'write' | 'delete'): Promise<SlotStatus> {
    const { clock, device } = this.#conversation;
    const end = this.#ctx.deadline - marginMs;
    await this.#ctx.letDoorsPass();
    await this.#write(payload);
    const writtenAt = clock.now();
    await this.#awaitProgramming();
    let last: SlotStatus | undefined;
    let silent = false;
    while (clock.now() < end) {
      await this.#ctx.letDoorsPass();
      const status = await this.#askAfterWrite(end);
      silent = status === undefined;
      last = status ?? last;
      if (status?.status === wanted) return status;
      if (status !== undefined && clock.now() >= writtenAt + settledAfterMs) return status;
      await this.#pause(Math.min(end, clock.now() + betweenReadsMs));
    }
    if (last !== undefined && !silent) return last;
    if (this.#lost) throw complained(device, 'not_delivered', 'maybe_sent');
    throw codeUnknown(device, this.#slot, what);
  }

  async #write(payload: string): Promise<void> {
    const { link, topics } = this.#conversation;
    assertReachable(this.#conversation);
    const permit = await this.#inbox.whileOpen(this.#ctx.pointOfNoReturn());
    assertReachable(this.#conversation);
    const noticing = observedPermit(permit, {
      spent: () => {
        this.#sent = true;
        this.#inbox.clear();
      },
    });
    try {
      await this.#inbox.whileOpen(link.command(noticing, topics.set, payload, this.#ctx.signal));
    } catch (error) {
      // Not acknowledged: the reads tell.
      if (!(error instanceof GatewayError) || error.delivery !== 'maybe_sent') throw error;
    }
  }

  /** Locks that send programming events spare the wait. */
  async #awaitProgramming(): Promise<void> {
    const { clock, device } = this.#conversation;
    const until = clock.now() + programmedWithinMs;
    for (;;) {
      const event = await this.#inbox.next(until);
      if (event === undefined) return;
      if (event.kind === 'message') {
        const happened = event.message.event;
        if (happened?.kind === 'programmed' && happened.slot === this.#slot && !event.retained) return;
      }
      if (event.kind === 'complaint' && event.verb !== 'get' && (event.key ?? 'pin_code') === 'pin_code') {
        if (isMisconfiguration(event.reason)) throw complained(device, event.reason, 'refused');
        this.#lost = true;
      }
    }
  }

  async #askAfterWrite(end: number): Promise<SlotStatus | undefined> {
    try {
      // One answer could be what the bridge made up when it sent the write; two reads cannot both be.
      return await this.#ask('twice', end);
    } catch (error) {
      if (error instanceof GatewayError && error.delivery === 'not_sent' && !this.#conversation.closing.aborted)
        return undefined;
      throw error;
    }
  }

  #ask(agree: Question<SlotStatus>['agree'], until: number): Promise<SlotStatus | undefined> {
    return askUntilSure(this.#conversation, this.#inbox, this.#ctx.signal, {
      ...slotQuestion(this.#slot, agree),
      until,
      between: () => this.#ctx.letDoorsPass(),
    });
  }

  async #pause(until: number): Promise<void> {
    while ((await this.#inbox.next(until)) !== undefined);
  }
}
