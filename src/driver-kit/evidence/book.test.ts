import { describe, expect, it } from 'vitest';
import { GatewayError, sleep, type WeighedMessage } from '../../contract/index.ts';
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

/** A bolt that is told of, behind somebody who complains, while a command waits for its permit and after. */
function toldBolt(told: Partial<Traits> = {}) {
  const clock = new SimulatedClock();
  const book = new EvidenceBook<string>({ clock, closing: new AbortController().signal, lateByMs: 10_000 });
  const { ctx, weighed } = weighedCommand(clock);
  const judged: Traits = { ...traits, answers: 'mixed', tellsChanges: true, ...told };
  const asked: number[] = [];
  const bolt = (value: string) => book.told({ about: 'bolt', value, at: clock.now() });
  const slot = (value: string) => book.told({ about: 'slot/1', value, at: clock.now() });
  const unlock = (waitMs = 0) =>
    book.judge({
      goal: { proof: [{ about: 'bolt', value: 'unlocked' }] },
      ...{ traits: judged, plan: { ...plan, firstAskMs: 3_000, patienceMs: 1_000 }, ctx, marginMs: 100 },
      ask: async () => {
        asked.push(clock.now());
        return undefined;
      },
      send: async (observe) => {
        await sleep(clock, waitMs);
        observe.spent();
      },
    });
  return { clock, book, bolt, slot, unlock, asked, weighed };
}

function weighedCommand(clock: SimulatedClock) {
  const weighed: WeighedMessage[] = [];
  const { ctx } = testCommand({ clock, sendByMs: 5_000, deadlineMs: 30_000 });
  return { weighed, ctx: { ...ctx, weighed: (message: WeighedMessage) => void weighed.push(message) } };
}

describe('a command that is judged', () => {
  it('is not refused by what was said before it left, of an earlier one', async () => {
    const { clock, book, bolt, unlock } = toldBolt();
    bolt('locked');
    const verdict = unlock(50);
    await clock.advance(20);
    book.said({ word: 'refused', reason: 'an earlier one' });
    await clock.advance(2 * plan.reasonMs);
    bolt('unlocked');
    expect(await verdict).toEqual({ end: 'confirmed', by: 'change' });
  });

  it('is refused by what is said once it left', async () => {
    const { clock, book, unlock } = toldBolt();
    const verdict = unlock(50);
    await clock.advance(60);
    book.said({ word: 'refused', reason: 'this one' });
    await clock.advance(plan.reasonMs);
    expect(await verdict).toEqual({ end: 'refused', reason: 'this one' });
  });

  it('hears nothing of what speaks of other things: no question comes sooner for it', async () => {
    const { clock, book, bolt, slot, unlock, asked, weighed } = toldBolt({ oldByMs: 10_000 });
    bolt('locked');
    slot('free');
    const verdict = unlock();
    await clock.advance(1_000);
    slot('held');
    await clock.advance(1_999);
    expect(asked).toEqual([]);
    expect(weighed).toEqual([]);
    await clock.advance(1);
    expect(asked).toEqual([3_000]);
    book.said({ word: 'refused', reason: 'over' });
    await clock.advance(plan.reasonMs);
    expect(await verdict).toMatchObject({ end: 'refused' });
  });

  it('puts no question any more that waited for doors when it ended', async () => {
    const { clock, book, bolt } = toldBolt();
    const { ctx } = weighedCommand(clock);
    let puts = 0;
    bolt('locked');
    const verdict = book.judge({
      goal: { proof: [{ about: 'bolt', value: 'unlocked' }] },
      ...{ traits: { ...traits, tellsChanges: true }, plan, ctx, marginMs: 100 },
      between: () => sleep(clock, 1_000),
      ask: async () => {
        puts += 1;
        return [];
      },
      send: async (observe) => observe.spent(),
    });
    await clock.advance(plan.firstAskMs + 10);
    bolt('unlocked');
    expect(await verdict).toEqual({ end: 'confirmed', by: 'change' });
    await clock.advance(5_000);
    expect(puts).toBe(0);
  });
});

describe('a question', () => {
  it('ends with what somebody on the way complains of, and goes on over other complaints', async () => {
    const { clock, book } = toldBolt();
    const stopped: unknown[] = [];
    const ctx = { signal: new AbortController().signal };
    const failsBy = (reason: string) =>
      reason === 'nobody there' ? new GatewayError('device_offline', 'Nobody is there. Look.') : undefined;
    const value = book.ask({
      ...{ about: 'bolt', traits: { ...traits, answers: 'mixed' }, plan: { ...plan, patienceMs: 1_000 }, ctx, failsBy },
      ask: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            stopped.push(signal.reason);
            reject(signal.reason);
          });
        }),
    });
    const ended = expect(value).rejects.toMatchObject({ type: 'device_offline' });
    await clock.advance(10);
    book.unanswered('another key');
    expect(stopped).toEqual([]);
    await clock.advance(10);
    book.said({ word: 'refused', reason: 'nobody there' });
    await ended;
    expect(stopped).toMatchObject([{ type: 'device_offline' }]);
  });
});
