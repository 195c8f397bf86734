import {
  type CommandContext,
  GatewayError,
  type LockOutcome,
  type LockReading,
  type ReadContext,
  sleep,
  type Timer,
} from '../../../src/contract/index.ts';
import type { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import type { Claim, Value, Verdict } from '../../../src/driver-kit/evidence/claims.ts';
import { foundThere } from '../../../src/driver-kit/evidence/found-there.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { doorOutcome, unasked } from '../../../src/driver-kit/lock-sentences.ts';
import { observedPermit, type PermitObserver } from '../../../src/driver-kit/observed-permit.ts';
import { commands, completions, errorCodes, lockActions, statusCodes, triggers } from './catalogue.ts';
import { lockAction } from './codec-commands.ts';
import { type KeyturnerStates, readKeyturnerStates, readStatus } from './codec-replies.ts';
import type { Arrival, NukiConnection } from './connection.ts';
import { askStates, credentialsOf, type DeviceSession, onConnection } from './device-session.ts';
import { claimsOf, doorPlan, goalOf, isUnlatching, nukiTraits, recordOf, TURN_MS } from './evidence.ts';
import { incomplete, notMoved, refusal, relocked, unlatchUnknown } from './failures.ts';
import { isMoving, type LockTarget, readingOf, stateOf } from './states.ts';

/** A lock that is not reached is given up this long before `send_by`: "offline" says more than "expired". A guess. */
const TELL_MS = 150;
/** The truth is told this long before the deadline, so that it is not overtaken by the abort. A guess. */
const MARGIN_MS = 300;
/** How long after the end of an action its entry may come, in milliseconds. A guess. */
const LOG_LAG_MS = 1_000;
/** A lock that reported the wanted state may take so long to say that it is done, in milliseconds. A guess. */
const LAST_WORD_MS = 4_000;

/** What a lock is operated with. */
export interface DoorAccess extends DeviceSession {
  readonly book: EvidenceBook<GatewayError>;
  /** Sees what the lock's log has of our own commands. */
  readonly record: {
    sent(): void;
    /** Reads the log on, and says how the command ended by it; undefined when it cannot be told. */
    completionOf(action: number, connection: NukiConnection): Promise<number | undefined>;
    /** Whether the log can be read at all. */
    readonly isOpen: boolean;
    /** The lock said last that it is stuck, or does not know where it is. */
    readonly isInDoubt: boolean;
  };
}

/**
 * Locks or unlocks, and stays until it is known what became of it.
 * @param before whether this attempt has sent its command before: then nothing is sent until the state was read
 * @throws GatewayError as the error table has it
 */
export async function operate(
  access: DoorAccess,
  target: LockTarget,
  ctx: CommandContext,
  before: { readonly again: boolean; readonly onSent: () => void },
): Promise<LockOutcome> {
  const door = new DoorCommand(access, target, ctx);
  let verdict: Verdict<GatewayError>;
  try {
    verdict = await door.run(before);
  } catch (error) {
    if (!(error instanceof AlreadyThere)) throw error;
    // An UNLOCK is sent again only when it was refused.
    const found = foundThere({ before: error.before, value: target, wasRefused: target === 'unlocked' });
    return doorOutcome(found, { name: access.deviceName, target });
  }
  if (verdict.end === 'not_reached') {
    if (door.isUnlatch && verdict.value !== 'locked') throw unlatchUnknown(access.deviceName);
    if (door.hasRelocked) throw relocked(access.deviceName);
  }
  // Why nobody could be asked says more than that time is over.
  if (verdict.end === 'unknown' && door.lastError) throw unasked({ name: access.deviceName, target }, door.lastError);
  return doorOutcome(verdict, { name: access.deviceName, target }, (reason) => reason);
}

/** Asks the lock now. */
export async function readLock(access: DoorAccess, ctx: ReadContext): Promise<LockReading> {
  return onConnection(access, { priority: 'poll', signal: ctx.signal, log: ctx.log }, async (connection) =>
    readingOf(await askStates(access, connection)),
  );
}

/** The lock stands as asked, so that its command need not be sent again. */
class AlreadyThere extends Error {
  override readonly name = 'AlreadyThere';
  /** Where the bolt was known to be before it was asked. */
  readonly before: Value | undefined;

  constructor(before: Value | undefined) {
    super();
    this.before = before;
  }
}

type Said = Parameters<Parameters<EvidenceBook<GatewayError>['judge']>[0]['send']>[1];

/** One command and the connection that carries it, for as long as it is judged. */
class DoorCommand {
  readonly #access: DoorAccess;
  readonly #target: LockTarget;
  readonly #ctx: CommandContext;
  readonly #action: number;
  /** Aborts when the connection that carried the command is of no use any more. */
  readonly #over = new AbortController();
  #live: NukiConnection | undefined;
  #hasLeft = false;
  #accepted = false;
  #completed = false;
  #isBehind = false;
  #wasUnderWay = false;
  #sawLatch = false;
  /** What it told last of its state was made before the command: what it says with it may be of before as well. */
  #toldOld = false;
  #hasLookedTwice = false;
  #last: KeyturnerStates | undefined;
  #lastError: GatewayError | undefined;
  /** Seen where it should be, and COMPLETE still to come. */
  #arrived: readonly Claim[] = [];
  #patience: Timer | undefined;
  /** Asks over a connection of its own, when the one that carried the command has ended. */
  #later: Timer | undefined;
  /** The write of the command has come to its end. */
  #written: Promise<unknown> = Promise.resolve();

  constructor(access: DoorAccess, target: LockTarget, ctx: CommandContext) {
    this.#access = access;
    this.#target = target;
    this.#ctx = ctx;
    this.#action = target === 'locked' ? lockActions.lock : lockActions[access.settings.unlock];
  }

  get isUnlatch(): boolean {
    return this.#action === lockActions.unlatch;
  }

  /** Why it could not be asked; undefined once it could. */
  get lastError(): GatewayError | undefined {
    return this.#lastError;
  }

  /** It locked itself last: it may have been unlocked before. */
  get hasRelocked(): boolean {
    const trigger = this.#last?.trigger;
    return this.#target === 'unlocked' && (trigger === triggers.autoLock || trigger === triggers.automatic);
  }

  async run(before: { readonly again: boolean; readonly onSent: () => void }): Promise<Verdict<GatewayError>> {
    const { book } = this.#access;
    const ctx = this.#ctx;
    // A LOCK may be sent once more; an UNLOCK may still act.
    const plan = doorPlan(this.#target === 'locked' ? ctx.sendBy : undefined);
    const marginMs = MARGIN_MS;
    let leaving: Promise<void> = Promise.resolve();
    try {
      return await book.judge({
        ...{ goal: goalOf(this.#action, this.#target), traits: nukiTraits, plan, ctx, marginMs },
        send: (observe, said) => {
          const sent = this.#send(before, observe, said);
          leaving = sent.catch(() => undefined);
          return sent;
        },
        ask: (_about, signal) => this.#ask(signal),
      });
    } finally {
      // The next command may not overlap with this one's connection.
      this.#patience?.cancel();
      this.#later?.cancel();
      this.#over.abort();
      await leaving;
    }
  }

  async #send(
    { again, onSent }: { readonly again: boolean; readonly onSent: () => void },
    observe: PermitObserver,
    said: Said,
  ): Promise<void> {
    const access = this.#access;
    const { book, clock, record } = access;
    const ctx = this.#ctx;
    const options = { priority: 'door', signal: ctx.signal, by: ctx.sendBy - TELL_MS, log: ctx.log } as const;
    await onConnection(access, options, async (connection) => {
      connection.listen((arrival, asked) => this.#hear(arrival, asked, said));
      // Without the lock's log, and after a jam, only the state before tells a change from what was there.
      if (again || !record.isOpen || record.isInDoubt) await this.#lookBefore(connection, again);
      const challenge = await connection.challenge();
      const permit = observedPermit(await ctx.pointOfNoReturn(), {
        spent: () => {
          this.#hasLeft = true;
          record.sent();
          onSent();
          // What was said up to here is not evidence.
          connection.clear();
          observe.spent();
        },
        withdrawn: () => observe.withdrawn?.(),
      });
      const { appId } = credentialsOf(access);
      const written = connection.act(permit, lockAction({ action: this.#action, appId }, challenge));
      this.#written = written.catch(() => undefined);
      await written;
      said({ said: 'acknowledged', at: clock.now() });
      this.#live = connection;
      const leftAt = clock.now();
      await connection.ended(this.#over.signal);
      this.#live = undefined;
      // A motor that has not begun yet stands where it may be told to go: where it is tells something once it has turned.
      if (!this.#over.signal.aborted)
        this.#later = clock.setTimer(() => book.reachable(), Math.max(0, leftAt + TURN_MS - clock.now()));
    });
  }

  /** @throws AlreadyThere, and GatewayError `device_busy`, when this attempt has sent its command before */
  async #lookBefore(connection: NukiConnection, again: boolean): Promise<void> {
    const access = this.#access;
    let states: KeyturnerStates | undefined;
    const before = access.book.known('bolt');
    await access.book.ask({
      ...{ about: 'bolt', traits: nukiTraits, plan: doorPlan(undefined), ctx: this.#ctx },
      ask: async () => {
        states = await askStates(access, connection);
        return claimsOf(states, access.clock.now());
      },
    });
    if (!again || states === undefined) return;
    if (isMoving(states)) throw refusal(access.deviceName, errorCodes.busy);
    if (stateOf(states) === this.#target && !this.isUnlatch) throw new AlreadyThere(before);
  }

  /** Follows what the lock says on the connection of its command. */
  #hear(arrival: Arrival, asked: boolean, said: Said): void {
    if (!this.#hasLeft) {
      // A lock that tells of an action before it was told of one goes on with an earlier one.
      this.#isBehind ||= arrival.kind === 'message' && arrival.message.command === commands.status;
      return;
    }
    const { deviceName, book, clock, lockClock } = this.#access;
    if (arrival.kind === 'error') {
      const { code, command } = arrival.report;
      // An error about something else than the action does not end it.
      if (command === commands.lockAction || (command === 0 && !asked))
        said({ word: 'refused', reason: refusal(deviceName, code, this.#accepted) });
      return;
    }
    const { command, payload } = arrival.message;
    if (command === commands.keyturnerStates && !asked) {
      const states = readKeyturnerStates(payload);
      const isOld = lockClock.isOld(states);
      this.#toldOld = isOld;
      if (!isOld) this.#access.heard(states);
      const claims = claimsOf(states, clock.now(), isOld);
      const isThere = stateOf(states) === this.#target && !isUnlatching(states);
      this.#sawLatch ||= isUnlatching(states) && !isOld;
      this.#wasUnderWay ||= isMoving(states) && !isOld && !this.isUnlatch;
      if (!isThere || isOld) book.told(...claims);
      else {
        // It says COMPLETE for what it did; without that it is asked, and its log with it.
        this.#arrived = claims;
        this.#patience ??= clock.setTimer(() => book.reachable(), LAST_WORD_MS);
      }
    } else if (command === commands.status) {
      if (readStatus(payload) === statusCodes.accepted) {
        this.#accepted = true;
        // What it completed before it accepted this was something else.
        this.#completed = false;
        said({ word: 'accepted' });
        return;
      }
      // Without ACCEPTED, or with a state of before, it may be of an earlier action: then it is asked where it stands.
      const isOurs = this.#accepted && !this.#toldOld;
      this.#completed = isOurs || (!this.#isBehind && !this.#toldOld);
      if (isOurs) {
        book.told(...this.#arrived, ...this.#latchClaim());
        said({ word: 'done' });
      } else book.reachable();
    }
  }

  /** Over the connection of the command while it lasts, and over one of its own afterwards. */
  async #ask(signal: AbortSignal): Promise<readonly Claim[]> {
    await this.#written;
    try {
      const claims = await this.#askAnyhow(signal);
      this.#lastError = undefined;
      return claims;
    } catch (error) {
      if (error instanceof GatewayError) this.#lastError = error;
      throw error;
    }
  }

  async #askAnyhow(signal: AbortSignal): Promise<readonly Claim[]> {
    const access = this.#access;
    const live = this.#live;
    const by = this.#ctx.deadline - MARGIN_MS;
    if (live === undefined)
      return underSignals([signal], (either) =>
        onConnection(access, { priority: 'door', signal: either, by, log: this.#ctx.log }, (connection) =>
          this.#look(connection),
        ),
      );
    try {
      return await this.#look(live);
    } catch (error) {
      // A lock that never took the command on may refuse every other question on that connection.
      this.#over.abort();
      throw error;
    }
  }

  async #look(connection: NukiConnection): Promise<readonly Claim[]> {
    const { clock, deviceName } = this.#access;
    const states = await askStates(this.#access, connection);
    this.#last = states;
    const claims = claimsOf(states, clock.now());
    if (isMoving(states)) return claims;
    const stands = stateOf(states) === this.#target;
    // One that was seen on its way needs no further witness.
    const own = stands && !this.#wasUnderWay ? await this.#ownRecord(connection) : undefined;
    if (stands && !isUnlatching(states) && this.#sawLatch) return [...claims, ...this.#latchClaim()];
    if (own === completions.success && stands) return [...claims, ...recordOf(this.#action, this.#target, clock.now())];
    this.#complain(states, stands, own, deviceName);
    return claims;
  }

  /** It was seen to have got hold of the latch, and says that it is done, or is at rest since. */
  #latchClaim(): readonly Claim[] {
    return this.#sawLatch ? [{ about: 'latch', value: 'pulled', at: this.#access.clock.now() }] : [];
  }

  /** An entry is written when the action is over, which may be a moment after its end was seen. */
  async #ownRecord(connection: NukiConnection): Promise<number | undefined> {
    const { record, clock } = this.#access;
    const found = await record.completionOf(this.#action, connection);
    if (found !== undefined || !record.isOpen || this.#hasLookedTwice) return found;
    this.#hasLookedTwice = true;
    await sleep(clock, LOG_LAG_MS, this.#ctx.signal);
    return record.completionOf(this.#action, connection);
  }

  /** What the lock itself says of how the action ended that it completed. */
  #complain(states: KeyturnerStates, stands: boolean, own: number | undefined, deviceName: string): void {
    const { book } = this.#access;
    const refuse = (reason: GatewayError) => book.said({ word: 'refused', reason });
    if (own !== undefined && own !== completions.success) {
      refuse(incomplete(deviceName, own));
      return;
    }
    if (stands || stateOf(states) === 'unknown' || !this.#completed) return;
    const { lastAction, lastCompletion } = states;
    const isOurs = lastAction === this.#action && lastCompletion !== undefined;
    if (isOurs && lastCompletion !== completions.success) refuse(incomplete(deviceName, lastCompletion));
    else if (stateOf(states) !== 'jammed')
      refuse(this.hasRelocked ? relocked(deviceName) : notMoved(deviceName, this.#target, states));
  }
}
