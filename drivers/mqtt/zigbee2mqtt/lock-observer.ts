import { type Clock, type CommandContext, GatewayError, type LockOutcome } from '../../../src/contract/index.ts';
import type { BridgeComplaint } from './bridge-complaint.ts';
import type { Bolt } from './codec.ts';
import type { DeviceFeed, FeedEvent } from './device-feed.ts';
import { complained, isMisconfiguration, type Named } from './failures.ts';
import { LockEvidence } from './lock-evidence.ts';
import { jammed, notReached, outcomeUnknown } from './lock-failures.ts';
import { straggleMs } from './reading.ts';

/** A lock that has said nothing by then is asked (measured: a healthy one reports after about 0.9 s). */
const firstReadMs = 3_000;
/** An unanswered read is given up after this. A guess: the measured answer takes 0.15 s, a sleepy lock seconds. */
const readPatienceMs = 2_000;
/** Between two reads that show the old place. A guess that leaves a LOCK time to be sent once more. */
const betweenReadsMs = 1_000;
/** A bolt that is half way is asked again after this: some locks report it on their way. A guess. */
const halfWayMs = 1_500;
/** The bridge's own word that a frame was lost; reads go on for this long before it is believed. A guess. */
const lossPatienceMs = 4_000;
/** The last read begins this long before the end: a late lock must not be called failed early. A guess. */
const lastReadMs = 1_800;
/** The truth is told this long before the deadline, so that it is not overtaken by the abort. A guess. */
const marginMs = 200;

export interface ObserverOptions {
  readonly feed: DeviceFeed;
  readonly clock: Clock;
  readonly device: Named;
  readonly target: 'locked' | 'unlocked';
  readonly ctx: CommandContext;
}

/** Decides from what is heard after the send when to ask and what to say in the end. */
export class LockObserver {
  readonly #options: ObserverOptions;
  readonly #end: number;
  #evidence: LockEvidence;
  /** `Clock.now()` */
  #sentAt: number | undefined;
  #nextReadAt: number;
  #readBeganAt = Number.NEGATIVE_INFINITY;
  /** Answers in a row that showed the same place, to reads begun late enough to count against the command. */
  #lateAnswers: { readonly bolt: Bolt; readonly count: number } | undefined;
  #answeredReadAt = Number.NEGATIVE_INFINITY;
  #halfWayAt: number | undefined;
  #acknowledgement: 'awaited' | 'came' | 'lost' = 'awaited';
  /** `Clock.now()` when the message came that showed that the bolt arrived. */
  #reachedAt: number | undefined;
  #commandLost = false;
  #readLost = false;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#end = options.ctx.deadline - marginMs;
    this.#nextReadAt = this.#end;
    this.#evidence = this.#freshEvidence();
  }

  /** Whatever is heard from now on is evidence. */
  begin(sentAt: number): void {
    this.#sentAt = sentAt;
    this.#nextReadAt = sentAt + firstReadMs;
    this.#evidence = this.#freshEvidence();
  }

  /** `Clock.now()` at which something is to be done if nothing happens before. */
  get nextMoment(): number {
    // Before the command left only the abort ends the wait.
    if (this.#sentAt === undefined) return this.#options.ctx.deadline + marginMs;
    const moments = [this.#end, this.#jammedAt];
    if (this.#evidence.readOutstanding) moments.push(this.#readBeganAt + readPatienceMs);
    else if (this.#options.feed.interruption === undefined) moments.push(this.#nextReadAt);
    if (this.#commandLost && this.#readLost) moments.push(this.#sentAt + lossPatienceMs);
    return Math.min(...moments);
  }

  /** Asks the lock where its bolt is when it is time to. */
  askIfDue(ask: () => Promise<void>): void {
    const now = this.#options.clock.now();
    if (this.#evidence.readOutstanding) {
      if (now < this.#readBeganAt + readPatienceMs) return;
      this.#evidence.readFailed();
      this.#planRead(now);
    }
    if (this.#sentAt === undefined || now < this.#nextReadAt || this.#options.feed.interruption !== undefined) return;
    this.#readBeganAt = now;
    this.#evidence.readBegan();
    this.#planRead(now + betweenReadsMs);
    // It did not leave: when the way is open again, there will be another.
    ask().catch(() => this.#evidence.readFailed());
  }

  /**
   * The broker has the command. What reached us before its acknowledgement had reached the broker before the command
   * did, on the same connection in the same order, so the command cannot have caused it.
   *
   * @param at `Clock.now()` when the acknowledgement was read
   */
  acknowledged(at: number): void {
    this.#acknowledgement = 'came';
    if (this.#reachedAt !== undefined && this.#reachedAt < at) {
      this.#evidence = this.#freshEvidence();
      this.#reachedAt = undefined;
    }
    if (this.#halfWayAt !== undefined && this.#halfWayAt < at) this.#halfWayAt = undefined;
  }

  /** @throws GatewayError when nothing was sent */
  notAcknowledged(error: unknown): void {
    if (!(error instanceof GatewayError) || error.delivery === 'maybe_sent') this.#acknowledgement = 'lost';
    else throw error;
  }

  /** @throws GatewayError when the bridge says that it sent nothing */
  hear(event: FeedEvent): void {
    const { clock } = this.#options;
    switch (event.kind) {
      case 'gap':
        this.#evidence.gap();
        this.#lateAnswers = undefined;
        // Where the bolt went from half way may have been said in the gap.
        this.#halfWayAt = undefined;
        return;
      case 'presence':
        return;
      case 'reachable':
        this.#planRead(clock.now());
        return;
      case 'complaint':
        this.#complained(event);
        return;
      case 'message': {
        const waited = this.#evidence.readOutstanding;
        this.#evidence.hear(event);
        if (this.#evidence.finding === 'reached') this.#reachedAt ??= event.at;
        if (this.#evidence.finding === 'half_way' && this.#halfWayAt === undefined) {
          this.#halfWayAt = event.at;
          this.#planRead(clock.now() + halfWayMs);
        }
        if (waited && !this.#evidence.readOutstanding) this.#answered();
        return;
      }
    }
  }

  /**
   * @returns the outcome once it is known, undefined while it is not
   * @throws GatewayError when the outcome is a failure
   */
  judge(): LockOutcome | undefined {
    const { clock, ctx, device, target } = this.#options;
    const now = clock.now();
    if (this.#sentAt === undefined) return undefined;
    if (this.#evidence.finding === 'reached') {
      return this.#acknowledgement === 'awaited' ? undefined : { wasConfirmedByDevice: true };
    }
    if (now >= this.#jammedAt) throw jammed(device, target);
    if (this.#commandLost && this.#readLost && now >= this.#sentAt + lossPatienceMs)
      throw complained(device, 'not_delivered', 'maybe_sent');
    // A LOCK may be sent once more while there is time, so it is told early; an UNLOCK never is.
    const inTime = target === 'locked' && now < ctx.sendBy;
    if (inTime && this.#showsOldPlace) throw notReached(device, target);
    if (now < this.#end) return undefined;
    return this.#conclude();
  }

  #conclude(): LockOutcome {
    const { device, target } = this.#options;
    const { answers, wasThereBefore } = this.#evidence;
    if (answers?.bolt === 'not_fully_locked') throw jammed(device, target);
    if (this.#showsOldPlace && this.#answeredReadAt >= this.#end - 2 * lastReadMs) throw notReached(device, target);
    if (this.#commandLost && this.#readLost) throw complained(device, 'not_delivered', 'maybe_sent');
    const undoubted =
      this.#acknowledgement !== 'lost' && !this.#commandLost && (answers === undefined || answers.bolt === target);
    if (wasThereBefore && undoubted) return { wasConfirmedByDevice: false };
    throw outcomeUnknown(device, target, 'silent');
  }

  /** Two reads, begun long enough after the send, found the bolt where it was before. */
  get #showsOldPlace(): boolean {
    if (this.#lateAnswers === undefined || this.#halfWayAt !== undefined) return false;
    const { bolt, count } = this.#lateAnswers;
    return count >= 2 && bolt !== this.#options.target && bolt !== 'not_fully_locked';
  }

  /**
   * When a bolt that was seen half way counts as jammed unless it is seen elsewhere before. Only answers to reads say
   * that it stayed there, and only two: a lock that fell silent half way may have arrived since, and one answer may be
   * a report of something else that carries the old place along.
   */
  get #jammedAt(): number {
    if (this.#halfWayAt === undefined) {
      // It may have been half way before: then only reads tell.
      const stuck = this.#lateAnswers?.bolt === 'not_fully_locked' && this.#lateAnswers.count >= 2;
      return stuck ? this.#answeredReadAt : Number.POSITIVE_INFINITY;
    }
    const askedAt = this.#halfWayAt + halfWayMs;
    const { answers } = this.#evidence;
    const stayed = answers?.bolt === 'not_fully_locked' && answers.count >= 2 && this.#answeredReadAt >= askedAt;
    return stayed ? askedAt : Number.POSITIVE_INFINITY;
  }

  #answered(): void {
    const { clock, target } = this.#options;
    const { answers } = this.#evidence;
    this.#answeredReadAt = this.#readBeganAt;
    if (answers !== undefined && this.#sentAt !== undefined && this.#readBeganAt >= this.#sentAt + firstReadMs) {
      const again = this.#lateAnswers?.bolt === answers.bolt ? this.#lateAnswers.count : 0;
      this.#lateAnswers = { bolt: answers.bolt, count: again + 1 };
    }
    // One answer that shows what was asked for, or a bolt that stayed half way, wants its second to be sure. Two that show the old place are
    // enough until shortly before the end: a read costs battery.
    if (answers?.bolt === target) this.#planRead(clock.now() + straggleMs);
    else if (this.#halfWayAt !== undefined && answers?.bolt === 'not_fully_locked') this.#planRead(clock.now());
    else if (this.#showsOldPlace) this.#planRead(this.#end);
    else this.#planRead(Math.max(clock.now(), this.#readBeganAt + betweenReadsMs));
  }

  #complained({ reason, verb, key }: BridgeComplaint): void {
    if (key !== undefined && key !== 'state') return;
    if (verb !== 'get' && isMisconfiguration(reason)) throw complained(this.#options.device, reason, 'refused');
    if (verb === 'set') {
      this.#commandLost = true;
      this.#planRead(this.#options.clock.now());
    } else if (verb === 'get') {
      this.#evidence.readRefuted();
      this.#lateAnswers = undefined;
      this.#readLost = this.#commandLost;
    }
  }

  /** The next read is at `at`, but never so late that the last one is missed. */
  #planRead(at: number): void {
    const last = this.#end - lastReadMs;
    this.#nextReadAt = this.#readBeganAt < last ? Math.min(at, Math.max(last, this.#options.clock.now())) : at;
  }

  #freshEvidence(): LockEvidence {
    const { feed, target } = this.#options;
    return new LockEvidence({ target, before: feed.bolt, news: feed.news });
  }
}
