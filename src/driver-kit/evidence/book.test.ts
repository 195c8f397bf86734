import { describe, expect, it } from 'vitest';
import { sleep } from '../../contract/index.ts';
import { testCommand } from '../../driver-testing/command-context.ts';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { EvidenceBook } from './book.ts';
import type { Plan, Traits } from './claims.ts';

/** No two looks at it show the same time, as on a real box. */
class RunningClock extends SimulatedClock {
  #looks = 0;

  override now(): number {
    this.#looks += 1;
    return super.now() + this.#looks / 1_000_000;
  }
}

const traits: Traits = {
  answers: 'in_turn',
  lateByMs: 10_000,
  oldByMs: 0,
  acknowledgedBy: 'nobody',
  tellsChanges: false,
  echoes: false,
};

const plan: Plan = {
  firstAskMs: 100,
  betweenMs: 100,
  longestBetweenMs: 1_000,
  patienceMs: 0,
  travelMs: 5_000,
  halfWayMs: 1_000,
  witnessMs: 300,
  reasonMs: 300,
  knownForMs: 5_000,
};

const ANSWER_MS = 20;

/** A bolt that is asked, commanded and asked again, on a clock that runs. */
function commandedBolt(options: { readonly traits?: Partial<Traits> } = {}) {
  const clock = new RunningClock();
  const closing = new AbortController().signal;
  const judged = { ...traits, ...options.traits };
  const book = new EvidenceBook({ clock, closing, lateByMs: judged.lateByMs });
  let bolt = 'locked';
  let answers = true;
  const ask = async (_: ReadonlySet<string>, signal: AbortSignal) => {
    await sleep(clock, ANSWER_MS, signal);
    if (!answers) throw new Error('no answer');
    return [{ about: 'bolt', value: bolt, at: clock.now() }];
  };
  const { ctx } = testCommand({ clock, sendByMs: 5_000, deadlineMs: 30_000 });
  const common = { traits: judged, plan, ctx, ask };
  return {
    clock,
    look: () => clock.until(book.ask({ about: 'bolt', ...common })),
    lookInVain: async () => {
      answers = false;
      await clock.until(book.ask({ about: 'bolt', ...common }).catch(() => undefined));
      answers = true;
    },
    async unlock() {
      const startedAt = clock.now();
      const verdict = await clock.until(
        book.judge({
          goal: { proof: [{ about: 'bolt', value: 'unlocked' }] },
          ...common,
          marginMs: 100,
          send: async (observe) => {
            const permit = await ctx.pointOfNoReturn();
            permit.spend();
            observe.spent();
            bolt = 'unlocked';
          },
        }),
      );
      return { verdict, tookMs: clock.now() - startedAt };
    },
  };
}

describe('a question that got its answer', () => {
  it.each(['in_turn', 'correlated'] as const)('is over, and the next one is believed at once (%s)', async (answers) => {
    const { look, unlock } = commandedBolt({ traits: { answers } });
    expect(await look()).toBe('locked');
    const { verdict, tookMs } = await unlock();
    expect(verdict).toEqual({ end: 'confirmed', by: 'change' });
    expect(tookMs).toBeLessThan(plan.firstAskMs + 2 * ANSWER_MS);
  });

  it('is told from one that got none, which may still be answered in the place of the next', async () => {
    const { lookInVain, unlock } = commandedBolt();
    await lookInVain();
    const { tookMs } = await unlock();
    expect(tookMs).toBeGreaterThan(traits.lateByMs - 1_000);
  });
});
