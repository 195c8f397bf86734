import {
  type AutoLock,
  type AutoLockCapability,
  type CodeCommandContext,
  type CommandContext,
  GatewayError,
  type LockOutcome,
  type LockReading,
  type OpenContext,
  type ReadContext,
  unlessAborted,
  type ZwaveBolt,
  type ZwaveVerdict,
} from '../../../src/contract/index.ts';
import { autoLockUnknown } from '../../../src/driver-kit/auto-lock-sentences.ts';
import type { Claim, Plan, Value } from '../../../src/driver-kit/evidence/claims.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { doorOutcome, jammed, unasked } from '../../../src/driver-kit/lock-sentences.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { boltClaim, STORES_WITHIN_MS, traits } from './claims.ts';
import { named, noAutoRelock, noLock, settingRefused } from './failures.ts';
import { REPEATS_WITHIN_MS } from './repeats.ts';
import type { ZwaveNode } from './zwave-node.ts';

/** How long the look before the command may take: it must not cost the command its time to send. A guess. */
const LOOK_BEFORE_MS = 1_500;
/** So long before the deadline the truth is told. */
const MARGIN_MS = 200;

const plan: Plan = {
  // Guesses: quick, then sparing of the battery.
  firstAskMs: 150,
  betweenMs: 150,
  longestBetweenMs: 3_000,
  patienceMs: 0,
  // How long a bolt may take, beyond what the lock itself says. A guess: locks were seen to tell up to 5 s late.
  travelMs: 12_000,
  // A bolt that is neither here nor there for longer does not move any more. A guess.
  halfWayMs: 4_000,
  witnessMs: 300,
  // The reason for a "no" was seen to come up to 400 ms after it.
  reasonMs: 400,
  knownForMs: 5_000,
  earlyUntil: Number.POSITIVE_INFINITY,
};

const words: Readonly<Record<ZwaveVerdict['said'], 'accepted' | 'working' | 'done' | 'refused'>> = {
  unsupervised: 'accepted',
  working: 'working',
  done: 'done',
  occupied: 'refused',
  duplicate: 'refused',
  against_rules: 'refused',
  failed: 'refused',
};

/**
 * Locks or unlocks, and stays until it is known what became of it. What the lock says to the command itself is no
 * observation, a supervised "success" included: locks were seen to say so and jam.
 *
 * @throws GatewayError as the error table has it
 */
export async function operate(
  node: ZwaveNode,
  target: 'locked' | 'unlocked',
  ctx: CommandContext,
): Promise<LockOutcome> {
  const { link, clock, evidence } = node;
  const began = clock.now();
  let saysNo = false;
  let lastError: GatewayError | undefined;
  const look = async (signal: AbortSignal): Promise<readonly Claim[]> => {
    const bolt = await node.bolt({ priority: 'door', signal }).catch((error: unknown) => {
      if (error instanceof GatewayError) lastError = error;
      throw error;
    });
    lastError = undefined;
    // CC:0062: 0xfe is a bolt that is not all the way; one that said that it failed does not go on.
    if (saysNo && bolt === 'between') return [{ about: 'bolt', value: 'stuck', at: clock.now() }];
    return [boltClaim(bolt, clock.now())];
  };
  const ask = (_: ReadonlySet<string>, signal: AbortSignal) => look(signal);
  try {
    await underSignals([ctx.signal, node.closing], async (signal) => {
      // An absent lock is found out before anything was sent; one that listens now and then is awake afterwards.
      await link.reach({ priority: 'door', signal });
      if (link.features?.lock === undefined) throw noLock(node);
      node.assertSameProduct();
      const until = clock.now() + LOOK_BEFORE_MS;
      await evidence.ask({ about: 'bolt', traits, plan, ctx, ask, until }).catch((error: unknown) => {
        // A lock that does not answer may still obey; then nothing tells what it does from what was.
        if (signal.aborted || !(error instanceof GatewayError) || error.type !== 'device_offline') throw error;
      });
    });
    const verdict = await evidence.judge({
      goal: { proof: [{ about: 'bolt', value: target }] },
      ...{ traits, plan, ctx, ask, marginMs: MARGIN_MS },
      send: (observe, said) =>
        underSignals([ctx.signal, node.closing], async (signal) => {
          const permit = observedPermit(await unlessAborted(ctx.pointOfNoReturn(), signal), observe);
          const command = { do: target === 'locked' ? 'lock' : 'unlock' } as const;
          const { said: answer, remainingMs } = await link.command(permit, command, signal);
          saysNo = words[answer] === 'refused';
          said({ word: words[answer], ...(remainingMs !== undefined && { remainingMs }) });
        }),
    });
    // One that moves as it should is stuck no more, whatever it told before.
    if (verdict.end === 'confirmed') node.jammedAt = undefined;
    if (verdict.end === 'refused' && (await isStuck(node, began, ctx))) throw jammed({ name: node.name, target });
    // Why nobody could be asked says more than that time is over.
    if (verdict.end === 'unknown' && verdict.why === 'silent' && lastError)
      throw unasked({ name: node.name, target }, lastError);
    return doorOutcome(verdict, { name: node.name, target });
  } catch (error) {
    throw ctx.signal.aborted || node.closing.aborted ? error : named(node, error);
  }
}

/**
 * Whether a lock that said no is stuck: it told of a jam, which may be the same as a moment ago, or its bolt is not all
 * the way. A slow radio brings either after the time that a reason is waited for, so it is asked once more.
 */
async function isStuck(node: ZwaveNode, began: number, { signal }: ReadContext): Promise<boolean> {
  const wasTold = () => (node.jammedAt ?? Number.NEGATIVE_INFINITY) > began - REPEATS_WITHIN_MS;
  if (wasTold()) return true;
  return underSignals([signal, node.closing], async (either) => {
    try {
      return (await node.bolt({ priority: 'door', signal: either })) === 'between' || wasTold();
    } catch {
      return wasTold();
    }
  });
}

/** @throws GatewayError, `not_sent` */
export async function readBolt(node: ZwaveNode, { signal }: ReadContext): Promise<LockReading> {
  return underSignals([signal, node.closing], async (either) => {
    try {
      return { state: stateOf(await node.bolt({ priority: 'door', signal: either })) };
    } catch (error) {
      throw either.aborted ? error : named(node, error);
    }
  });
}

export const stateOf = (bolt: ZwaveBolt) =>
  bolt === 'secured' ? 'locked' : bolt === 'unsecured' ? 'unlocked' : 'unknown';

const about = 'auto_relock';
/** So long before the deadline the truth is told. */
const RELOCK_MARGIN_MS = 500;
/** CC:0062: the time has two bytes. */
const LONGEST_S = 0xffff;

const relockPlan: Plan = {
  firstAskMs: 0,
  // Guesses: reads cost battery.
  betweenMs: 1_500,
  longestBetweenMs: 6_000,
  patienceMs: 0,
  travelMs: 0,
  halfWayMs: 0,
  witnessMs: 0,
  reasonMs: 0,
  knownForMs: 0,
  earlyUntil: Number.POSITIVE_INFINITY,
};

/** After how many seconds a lock locks itself, by the Configuration of Door Lock 4. Older ones have settings of their makers'. */
export class AutoRelock implements AutoLockCapability {
  readonly #node: ZwaveNode;
  readonly #ctx: Pick<OpenContext, 'report'>;
  readonly #stop: () => void;
  #isThere = false;
  #wasReady = false;

  constructor(node: ZwaveNode, ctx: Pick<OpenContext, 'report'>) {
    this.#node = node;
    this.#ctx = ctx;
    this.#stop = node.link.onNodeChange(() => this.#learn());
    this.#isThere = node.link.features?.autoRelock === true;
    this.#learn();
  }

  get delays(): AutoLockCapability['delays'] {
    return this.#isThere ? { min: 1, max: LONGEST_S } : undefined;
  }

  close(): void {
    this.#stop();
  }

  async configure(ctx: CodeCommandContext, wanted: AutoLock): Promise<AutoLock> {
    const node = this.#node;
    const seconds = wanted.enabled ? (wanted.delaySeconds ?? 0) : 0;
    const under = <T>(work: (signal: AbortSignal) => Promise<T>) => underSignals([ctx.signal, node.closing], work);
    try {
      await under((signal) => node.link.reach({ priority: 'code', signal }));
      node.assertSameProduct();
      if (node.link.features?.autoRelock !== true) throw noAutoRelock(node);
      const verdict = await node.evidence.judge({
        goal: { proof: [{ about, value: String(seconds) }] },
        ...{ traits, plan: relockPlan, ctx, marginMs: RELOCK_MARGIN_MS },
        between: () => ctx.letDoorsPass(),
        ask: async (_, signal) => [await this.#look(signal)],
        send: async (observe, said) => {
          await ctx.letDoorsPass();
          const answer = await under(async (signal) => {
            const permit = await unlessAborted(ctx.pointOfNoReturn(), signal);
            return node.link.command(observedPermit(permit, observe), { do: 'set_auto_relock', seconds }, signal);
          });
          if (answer.said === 'failed') said({ word: 'refused', reason: settingRefused(node) });
          else if (answer.said === 'done') said({ word: 'done' });
          else said({ word: 'accepted', remainingMs: answer.remainingMs ?? STORES_WITHIN_MS });
        },
      });
      switch (verdict.end) {
        case 'confirmed':
        case 'unconfirmed':
          return this.#told(String(seconds));
        case 'not_reached':
          return this.#told(verdict.value);
        case 'refused':
          throw verdict.reason ?? settingRefused(node);
        default:
          throw autoLockUnknown(node.name);
      }
    } catch (error) {
      throw ctx.signal.aborted || node.closing.aborted ? error : named(node, error);
    }
  }

  async read({ signal }: ReadContext): Promise<AutoLock> {
    const node = this.#node;
    const { value } = await this.#look(signal).catch((error: unknown) => {
      throw signal.aborted || node.closing.aborted ? error : named(node, error);
    });
    return this.#told(value);
  }

  async #look(signal: AbortSignal): Promise<Claim> {
    const node = this.#node;
    const { seconds } = await underSignals([signal, node.closing], (either) =>
      node.link.query('auto_relock', {}, { priority: 'code', signal: either }),
    );
    return { about, value: String(seconds), at: node.clock.now() };
  }

  #told(value: Value): AutoLock {
    const seconds = Number(value);
    const read: AutoLock = { enabled: seconds > 0, delaySeconds: seconds > 0 ? seconds : undefined };
    this.#ctx.report({ kind: 'auto_lock', ...read });
    return read;
  }

  /** Known once it was interviewed, and read each time that it came back. */
  #learn(): void {
    const { link, closing } = this.#node;
    const { features } = link;
    if (features !== undefined && (features.autoRelock === true) !== this.#isThere) {
      this.#isThere = features.autoRelock === true;
      this.#ctx.report({ kind: 'capabilities' });
    }
    const isReady = link.state.status === 'up' && link.nodeStatus === 'ready';
    if (isReady && !this.#wasReady && this.#isThere)
      this.#look(closing).then(
        ({ value }) => void this.#told(value),
        // It is read when somebody sets it, or when it comes back.
        (error: unknown) => error instanceof GatewayError,
      );
    this.#wasReady = isReady;
  }
}
