import {
  type CodeCommandContext,
  type CodeWrite,
  GatewayError,
  type ReadContext,
  type Secret,
  type SlotReading,
  sleep,
  unlessAborted,
  type ZwaveCode,
  type ZwaveCommand,
  type ZwaveFeatures,
  type ZwaveVerdict,
} from '../../../src/contract/index.ts';
import {
  codeUnknown,
  notCleared,
  notStored,
  slotTaken,
  storedOtherwise,
} from '../../../src/driver-kit/code-sentences.ts';
import type { Claim, Goal, Plan, Verdict } from '../../../src/driver-kit/evidence/claims.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { aboutSlot, isMasked, STORES_WITHIN_MS, slotClaim, traits } from './claims.ts';
import {
  againstRules,
  duplicate,
  named,
  noCodes,
  noSuchSlot,
  notTaken,
  slotNotTold,
  slotTakenLate,
  wrongLength,
} from './failures.ts';
import { REPEATS_WITHIN_MS } from './repeats.ts';
import type { SlotKnowledge } from './slot-knowledge.ts';
import type { ZwaveNode } from './zwave-node.ts';

/** Schlage BE469 and others leave reads unanswered now and then: a read is repeated, a write never. A guess. */
const READ_AGAIN_MS = 1_500;
/** The reason for a "no" was seen to come up to 400 ms after it. */
const REASON_MS = 400;
/** So long before the deadline the truth is told. */
const MARGIN_MS = 500;

const plan: Plan = {
  firstAskMs: 0,
  betweenMs: READ_AGAIN_MS,
  longestBetweenMs: 8 * READ_AGAIN_MS,
  patienceMs: 0,
  travelMs: 0,
  halfWayMs: 0,
  witnessMs: 0,
  reasonMs: 0,
  // The slot is the gateway's, and nobody else's command comes in between.
  knownForMs: 60_000,
  earlyUntil: Number.POSITIVE_INFINITY,
};

/** A keypad as its driver knows it. */
export interface Keypad {
  readonly node: ZwaveNode;
  readonly knowledge: SlotKnowledge;
  /** Slots that the gateway may use, in order. */
  readonly slots: readonly number[];
}

type Codes = NonNullable<ZwaveFeatures['codes']>;

/**
 * Writes a code to a free slot and reads it back. A slot that holds anything else is left alone.
 * @throws GatewayError as the error table has it
 */
export async function setCode(keypad: Keypad, ctx: CodeCommandContext, write: CodeWrite & { readonly slot: number }) {
  return new SlotCommand(keypad, ctx, write.slot, write.code).run((command) => command.set(write));
}

/**
 * Empties a slot and reads it back; an empty slot is left as it is.
 * @throws GatewayError as the error table has it
 */
export async function clearCode(keypad: Keypad, ctx: CodeCommandContext, slot: number): Promise<void> {
  return new SlotCommand(keypad, ctx, slot).run((command) => command.clear());
}

/** @throws GatewayError, `not_sent` */
export async function readCode(keypad: Keypad, ctx: ReadContext, slot: number): Promise<SlotReading> {
  const { node } = keypad;
  return underSignals([ctx.signal, node.closing], async (signal) => {
    try {
      const held = await askTwice(keypad, slot, signal);
      if (held.place === 'unknown') throw slotNotTold(node, slot);
      return readingOf(slot, held);
    } catch (error) {
      throw signal.aborted ? error : named(node, error);
    }
  });
}

/** One command on one slot: reads, writes, and reads again, with doors passing between the steps. */
class SlotCommand {
  readonly #keypad: Keypad;
  readonly #node: ZwaveNode;
  readonly #ctx: CodeCommandContext;
  readonly #slot: number;
  readonly #code: Secret | undefined;
  #held: ZwaveCode = { place: 'unknown' };
  /** The lock said of a write of this command that the code is a duplicate. */
  #isDuplicate = false;

  constructor(keypad: Keypad, ctx: CodeCommandContext, slot: number, code?: Secret) {
    this.#keypad = keypad;
    this.#node = keypad.node;
    this.#ctx = ctx;
    this.#slot = slot;
    this.#code = code;
  }

  async run<T>(work: (command: this) => Promise<T>): Promise<T> {
    try {
      return await work(this);
    } catch (error) {
      throw this.#ctx.signal.aborted || this.#node.closing.aborted ? error : named(this.#node, error);
    }
  }

  async set({ code, label }: CodeWrite): Promise<SlotReading> {
    const { name, link } = this.#node;
    const codes = await this.#begin();
    const { length } = code.reveal();
    if (length < codes.minLength || length > codes.maxLength)
      throw wrongLength(this.#node, codes.minLength, codes.maxLength);
    const before = await this.#look();
    if (before === 'not_known') return this.#setUnseen(codes, { code, label });
    if (before === 'ours') return readingOf(this.#slot, this.#held);
    const isHalfMade = before === 'user_only' && this.#held.label === label;
    if (before !== 'free' && !isHalfMade) throw slotTaken(name, this.#slot);
    const twin = link.knownSlotOf(code);
    // What is known may be old: the lock itself says whether it is still so.
    if (twin !== undefined && twin !== this.#slot && (await this.#holdsNow(twin, code)))
      throw duplicate(this.#node, 'not_sent');
    if (codes.kept === 'user_credential' && !isHalfMade) await this.#addUser(label);
    // A lock that withholds its digits shows at least that the place is taken now.
    const taken = (was: string) => ({
      about: aboutSlot(this.#slot),
      value: 'withheld',
      ifBefore: { about: aboutSlot(this.#slot), value: was },
    });
    const proof = [{ about: aboutSlot(this.#slot), value: 'ours' }, taken('free'), taken('user_only')];
    const verdict = await this.#judge({ proof }, { do: 'set_code', slot: this.#slot, code });
    switch (verdict.end) {
      case 'confirmed':
      case 'unconfirmed':
        return readingOf(this.#slot, this.#held);
      case 'refused': {
        const no = verdict.reason ?? notTaken(this.#node, this.#slot);
        if (codes.kept === 'user_credential' && no.type !== 'slot_conflict') await this.#removeUser();
        throw no;
      }
      case 'not_reached':
        if (verdict.value === 'other') throw storedOtherwise(name, this.#slot);
        throw this.#isDuplicate ? duplicate(this.#node, 'refused') : notStored(name, this.#slot);
      default:
        throw codeUnknown(name, this.#slot, 'write');
    }
  }

  async clear(): Promise<void> {
    const { name } = this.#node;
    await this.#begin();
    const before = await this.#look();
    if (before === 'free') return;
    const command = { do: 'clear_code', slot: this.#slot } as const;
    if (before === 'not_known') {
      await this.#sendUnseen(command, 'delete');
      return;
    }
    const verdict = await this.#judge({ proof: [{ about: aboutSlot(this.#slot), value: 'free' }] }, command);
    if (verdict.end === 'confirmed' || verdict.end === 'unconfirmed') return;
    throw verdict.end === 'not_reached' ? notCleared(name, this.#slot) : codeUnknown(name, this.#slot, 'delete');
  }

  /** @throws GatewayError, `not_sent` */
  async #begin(): Promise<Codes> {
    const { link } = this.#node;
    await this.#under((signal) => link.reach({ priority: 'code', signal }));
    this.#node.assertSameProduct();
    const codes = link.features?.codes;
    if (codes === undefined) throw noCodes(this.#node);
    if (this.#slot > codes.slots) throw noSuchSlot(this.#node, this.#slot, codes.slots);
    return codes;
  }

  /** What the slot holds before the write; `not_known` for a lock that tells of no slot. @throws GatewayError */
  async #look(): Promise<string> {
    const { knowledge, slots } = this.#keypad;
    if (!knowledge.tells) return 'not_known';
    const { evidence } = this.#node;
    const seen = await evidence.ask({
      ...{ about: aboutSlot(this.#slot), traits, plan, ctx: this.#ctx },
      between: () => this.#ctx.letDoorsPass(),
      ask: async (_, signal) => [await this.#ask(signal)],
    });
    if (seen !== 'not_known') return seen ?? 'not_known';
    // Either it does not have this slot, or it tells of none: a few others show which.
    for (const other of slots.filter((slot) => slot !== this.#slot).slice(0, knowledge.untoldLeft)) {
      await this.#ctx.letDoorsPass();
      await this.#under((signal) => askTwice(this.#keypad, other, signal));
      if (!knowledge.tells) return 'not_known';
    }
    if (knowledge.tells) throw slotNotTold(this.#node, this.#slot);
    return 'not_known';
  }

  async #ask(signal: AbortSignal): Promise<Claim> {
    this.#held = await askTwice(this.#keypad, this.#slot, signal);
    return slotClaim(this.#slot, this.#held, this.#code, this.#node.clock.now());
  }

  async #holdsNow(slot: number, code: Secret): Promise<boolean> {
    await this.#ctx.letDoorsPass();
    const held = await this.#under((signal) => askTwice(this.#keypad, slot, signal));
    return held.code?.equals(code) === true;
  }

  #judge(goal: Goal, command: ZwaveCommand): Promise<Verdict<GatewayError>> {
    const ctx = this.#ctx;
    return this.#listening(() =>
      this.#node.evidence.judge({
        ...{ goal, traits, plan, ctx, marginMs: MARGIN_MS },
        between: () => ctx.letDoorsPass(),
        ask: async (_, signal) => [await this.#ask(signal)],
        send: async (observe, said) => {
          await ctx.letDoorsPass();
          const verdict = await this.#under(async (signal) => {
            const permit = await unlessAborted(ctx.pointOfNoReturn(), signal);
            return this.#node.link.command(observedPermit(permit, observe), command, signal);
          });
          // Of a delete, the read afterwards tells what it meant.
          const reason = command.do === 'clear_code' ? undefined : await this.#refusal(verdict);
          if (reason) said({ word: 'refused', reason });
          else if (verdict.said === 'done') said({ word: 'done' });
          else said({ word: 'accepted', remainingMs: verdict.remainingMs ?? STORES_WITHIN_MS });
        },
      }),
    );
  }

  /** Why the lock said no, if it did; a slow reason is waited for. */
  async #refusal({ said }: ZwaveVerdict): Promise<GatewayError | undefined> {
    switch (said) {
      case 'occupied':
        return slotTakenLate(this.#node, this.#slot);
      case 'duplicate':
        return duplicate(this.#node, 'refused');
      case 'against_rules':
        return againstRules(this.#node);
      case 'failed':
        if (!this.#isDuplicate) await this.#under((signal) => sleep(this.#node.clock, REASON_MS, signal));
        return this.#isDuplicate ? duplicate(this.#node, 'refused') : notTaken(this.#node, this.#slot);
      default:
        return undefined;
    }
  }

  /** Hears whether the lock says of a write that it is a duplicate: not one that it said before and may say again. */
  async #listening<T>(work: () => Promise<T>): Promise<T> {
    const { link, clock, lastDuplicateAt = Number.NEGATIVE_INFINITY } = this.#node;
    const mayBeRepeated = clock.now() - lastDuplicateAt < REPEATS_WITHIN_MS;
    const stop = link.onReport(({ report }) => {
      this.#isDuplicate ||= report === 'duplicate_code' && !mayBeRepeated;
    });
    try {
      return await work();
    } finally {
      stop();
    }
  }

  async #addUser(label: string): Promise<void> {
    const verdict = await this.#write({ do: 'add_user', slot: this.#slot, label });
    if (verdict?.said === 'occupied') throw slotTakenLate(this.#node, this.#slot);
  }

  /** No user without a code stays behind. */
  async #removeUser(): Promise<void> {
    await this.#write({ do: 'clear_code', slot: this.#slot }).catch(() => undefined);
  }

  /** A write that nothing is judged by. @returns undefined when nothing came back @throws GatewayError */
  async #write(command: ZwaveCommand): Promise<ZwaveVerdict | undefined> {
    const ctx = this.#ctx;
    await ctx.letDoorsPass();
    return this.#under(async (signal) => {
      const permit = await unlessAborted(ctx.pointOfNoReturn(), signal);
      return this.#node.link.command(permit, command, signal).catch((error: unknown) => {
        if (error instanceof GatewayError && error.delivery === 'maybe_sent' && !signal.aborted) return undefined;
        throw error;
      });
    });
  }

  /** For a lock that takes codes and tells of none: it had the write, and nobody can confirm it. */
  async #setUnseen(codes: Codes, { code, label }: Pick<CodeWrite, 'code' | 'label'>): Promise<SlotReading> {
    if (codes.kept === 'user_credential') await this.#addUser(label);
    await this.#sendUnseen({ do: 'set_code', slot: this.#slot, code }, 'write');
    return { slot: this.#slot, occupied: true };
  }

  #sendUnseen(command: ZwaveCommand, what: 'write' | 'delete'): Promise<void> {
    return this.#listening(async () => {
      const verdict = await this.#write(command);
      if (verdict === undefined) throw codeUnknown(this.#node.name, this.#slot, what);
      const reason = await this.#refusal(verdict);
      if (reason) throw reason;
    });
  }

  #under<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return underSignals([this.#ctx.signal, this.#node.closing], work);
  }
}

/** Asks again when the lock leaves a read unanswered. @throws GatewayError */
async function askTwice({ node, knowledge }: Keypad, slot: number, signal: AbortSignal): Promise<ZwaveCode> {
  const ask = async () => {
    try {
      const held = await node.link.query('code', { slot }, { priority: 'code', signal });
      knowledge.answered(slot, held);
      return held;
    } catch (error) {
      const isSilence = error instanceof GatewayError && error.type === 'device_offline' && !signal.aborted;
      if (isSilence && node.link.nodeStatus === 'ready') knowledge.unanswered();
      throw error;
    }
  };
  try {
    return await ask();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof GatewayError) || error.type !== 'device_offline') throw error;
    await sleep(node.clock, READ_AGAIN_MS, signal);
    return ask();
  }
}

const readingOf = (slot: number, { place, code, label }: ZwaveCode): SlotReading => ({
  slot,
  occupied: place === 'occupied',
  ...(code !== undefined && !isMasked(code) && { code }),
  ...(label !== undefined && { label }),
});
