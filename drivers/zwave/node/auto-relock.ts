import {
  type AutoLock,
  type AutoLockCapability,
  type CodeCommandContext,
  GatewayError,
  type OpenContext,
  type ReadContext,
  unlessAborted,
} from '../../../src/contract/index.ts';
import { autoLockUnknown } from '../../../src/driver-kit/auto-lock-sentences.ts';
import type { Claim, Plan, Value } from '../../../src/driver-kit/evidence/claims.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { traits } from './claims.ts';
import { named, noAutoRelock, settingRefused } from './failures.ts';
import type { ZwaveNode } from './zwave-node.ts';

const about = 'auto_relock';
/** So long before the deadline the truth is told. */
const MARGIN_MS = 500;
/** CC:0062: the time has two bytes. */
const LONGEST_S = 0xffff;

const plan: Plan = {
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
        ...{ traits, plan, ctx, marginMs: MARGIN_MS },
        between: () => ctx.letDoorsPass(),
        ask: async (_, signal) => [await this.#look(signal)],
        send: async (observe, said) => {
          await ctx.letDoorsPass();
          const answer = await under(async (signal) => {
            const permit = await unlessAborted(ctx.pointOfNoReturn(), signal);
            return node.link.command(observedPermit(permit, observe), { do: 'set_auto_relock', seconds }, signal);
          });
          if (answer.said === 'failed') said({ word: 'refused', reason: settingRefused(node) });
          else said({ word: answer.said === 'done' ? 'done' : 'accepted' });
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
