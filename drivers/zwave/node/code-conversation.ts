import {
  type CodeCommandContext,
  type CodeWrite,
  GatewayError,
  type ReadContext,
  type SlotReading,
  sleep,
  unlessAborted,
  type ZwaveCode,
  type ZwaveCommand,
  type ZwaveFeatures,
  type ZwaveReport,
  type ZwaveVerdict,
} from '../../../src/contract/index.ts';
import { joinSignals, underSignals } from '../../../src/driver-kit/join-signals.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import {
  againstRules,
  codeUnknown,
  duplicate,
  named,
  noCodes,
  noSuchSlot,
  notCleared,
  notStored,
  notTaken,
  slotTaken,
  storedOtherwise,
  wrongLength,
} from './failures.ts';
import { Witness } from './witness.ts';
import { endedWithDevice, type ZwaveNode } from './zwave-node.ts';

/** Schlage BE469 and others leave reads unanswered now and then: a read is repeated, a write never. */
const READS = 4;
/** Between two reads. A guess. */
const READ_AGAIN_MS = 1_500;
/** The reason for a "no" was seen to come up to 400 ms after it. */
const REASON_MS = 400;

type Codes = NonNullable<ZwaveFeatures['codes']>;

/** One command on one slot: reads, writes, and reads again, with doors passing between the steps. */
class CodeSession {
  readonly #node: ZwaveNode;
  readonly #ctx: CodeCommandContext;
  readonly #slot: number;
  readonly signal: AbortSignal;
  readonly witness: Witness;
  readonly #release: () => void;
  #left = false;

  constructor(node: ZwaveNode, ctx: CodeCommandContext, slot: number) {
    this.#node = node;
    this.#ctx = ctx;
    this.#slot = slot;
    const { signal, release } = joinSignals([ctx.signal, node.closing]);
    this.signal = signal;
    this.#release = release;
    this.witness = new Witness(node.link, node.clock, this.signal);
  }

  close(): void {
    this.witness.close();
    this.#release();
  }

  /** True once a write may have left. */
  get left(): boolean {
    return this.#left;
  }

  /** @throws GatewayError, `not_sent` */
  async begin(): Promise<Codes> {
    const { link } = this.#node;
    await link.reach({ priority: 'code', signal: this.signal });
    const codes = link.features?.codes;
    if (codes === undefined) throw noCodes(this.#node);
    if (this.#slot > codes.slots) throw noSuchSlot(this.#node, this.#slot, codes.slots);
    return codes;
  }

  async read(slot = this.#slot): Promise<ZwaveCode> {
    await this.#ctx.letDoorsPass();
    return askForCode(this.#node, slot, this.signal);
  }

  /** What the lock said; undefined when it left and nothing came back. @throws GatewayError */
  async write(command: ZwaveCommand): Promise<ZwaveVerdict | undefined> {
    await this.#ctx.letDoorsPass();
    const permit = await unlessAborted(this.#ctx.pointOfNoReturn(), this.signal);
    let leaving = false;
    const noticing = observedPermit(permit, {
      spent: () => {
        leaving = true;
        this.witness.forget();
      },
      withdrawn: () => {
        leaving = false;
      },
    });
    try {
      return await this.#node.link.command(noticing, command, this.signal);
    } catch (error) {
      if (leaving && error instanceof GatewayError && error.delivery === 'maybe_sent' && !this.signal.aborted)
        return undefined;
      throw error;
    } finally {
      this.#left ||= leaving;
    }
  }

  /** What the slot holds after a write. @throws GatewayError `outcome_unknown` when the lock does not say */
  async readBack(what: 'write' | 'delete'): Promise<ZwaveCode> {
    for (let reads = 1; ; reads += 1) {
      try {
        return await this.read();
      } catch (error) {
        this.signal.throwIfAborted();
        if (!(error instanceof GatewayError)) throw error;
        if (reads >= READS) throw codeUnknown(this.#node, this.#slot, what);
      }
      await sleep(this.#node.clock, READ_AGAIN_MS, this.signal);
    }
  }
}

/**
 * Writes a code to a free slot and reads it back. A slot that holds anything else is left alone.
 * @throws GatewayError as the error table has it
 */
export async function setCode(node: ZwaveNode, ctx: CodeCommandContext, write: CodeWrite & { readonly slot: number }) {
  const { slot, code, label } = write;
  return converse(node, ctx, slot, 'write', async (session): Promise<SlotReading> => {
    const codes = await session.begin();
    const { length } = code.reveal();
    if (length < codes.minLength || length > codes.maxLength) throw wrongLength(node, codes.minLength, codes.maxLength);
    const before = await session.read();
    if (before.place === 'occupied' && before.code?.equals(code) === true) return readingOf(slot, before);
    const isHalfMade = before.place === 'user_only' && before.label === label;
    if (before.place !== 'free' && !isHalfMade) throw slotTaken(node, slot);
    const twin = node.link.knownSlotOf(code);
    // What is known may be old: the lock itself says whether it is still so.
    if (twin !== undefined && twin !== slot && (await session.read(twin)).code?.equals(code))
      throw duplicate(node, 'not_sent');
    if (codes.kept === 'user_credential' && !isHalfMade) {
      const verdict = await session.write({ do: 'add_user', slot, label });
      if (verdict?.said === 'occupied') throw slotTaken(node, slot, 'refused');
    }
    const verdict = await session.write({ do: 'set_code', slot, code });
    const no = await refusalOf(node, session, slot, verdict);
    if (no !== undefined) {
      // No user without a code stays behind.
      if (codes.kept === 'user_credential' && no.type !== 'slot_conflict')
        await session.write({ do: 'clear_code', slot }).catch(() => undefined);
      throw no;
    }
    const after = await session.readBack('write');
    if (after.place === 'occupied') {
      if (after.code !== undefined && !after.code.equals(code)) throw storedOtherwise(node, slot);
      return readingOf(slot, after);
    }
    throw session.witness.heard(isDuplicate) ? duplicate(node, 'refused') : notStored(node, slot);
  });
}

const isDuplicate = (report: ZwaveReport): boolean => report.report === 'duplicate_code';

/** Why the lock said no, if it did; a slow reason is waited for. */
async function refusalOf(node: ZwaveNode, session: CodeSession, slot: number, verdict: ZwaveVerdict | undefined) {
  switch (verdict?.said) {
    case 'occupied':
      return slotTaken(node, slot, 'refused');
    case 'duplicate':
      return duplicate(node, 'refused');
    case 'against_rules':
      return againstRules(node);
    case 'failed':
      return (await session.witness.hears(isDuplicate, REASON_MS)) ? duplicate(node, 'refused') : notTaken(node, slot);
    default:
      return undefined;
  }
}

/**
 * Empties a slot and reads it back; an empty slot is left as it is.
 * @throws GatewayError as the error table has it
 */
export async function clearCode(node: ZwaveNode, ctx: CodeCommandContext, slot: number): Promise<void> {
  return converse(node, ctx, slot, 'delete', async (session) => {
    await session.begin();
    const before = await session.read();
    if (before.place === 'free') return;
    await session.write({ do: 'clear_code', slot });
    const after = await session.readBack('delete');
    if (after.place !== 'free') throw notCleared(node, slot);
  });
}

/** @throws GatewayError, `not_sent` */
export async function readCode(node: ZwaveNode, { signal }: ReadContext, slot: number): Promise<SlotReading> {
  return underSignals([signal, node.closing], async (either) => {
    try {
      return readingOf(slot, await askForCode(node, slot, either));
    } catch (error) {
      throw either.aborted ? error : named(node, error);
    }
  });
}

/** Asks again when the lock leaves a read unanswered. */
async function askForCode({ link, clock }: ZwaveNode, slot: number, signal: AbortSignal): Promise<ZwaveCode> {
  try {
    return await link.query('code', { slot }, { priority: 'code', signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof GatewayError) || error.type !== 'device_offline') throw error;
    await sleep(clock, READ_AGAIN_MS, signal);
    return link.query('code', { slot }, { priority: 'code', signal });
  }
}

const readingOf = (slot: number, { place, code, label }: ZwaveCode): SlotReading => ({
  slot,
  occupied: place === 'occupied' || place === 'unknown',
  ...(code !== undefined && { code }),
  ...(label !== undefined && { label }),
});

async function converse<T>(
  node: ZwaveNode,
  ctx: CodeCommandContext,
  slot: number,
  what: 'write' | 'delete',
  work: (session: CodeSession) => Promise<T>,
): Promise<T> {
  const session = new CodeSession(node, ctx, slot);
  try {
    return await work(session);
  } catch (error) {
    if (session.left && endedWithDevice(node, error)) throw codeUnknown(node, slot, what);
    throw session.signal.aborted ? error : named(node, error);
  } finally {
    session.close();
  }
}
