import { describe, expect, it } from 'vitest';
import { zigbeeLock } from '../../../test/kit/locks/zigbee2mqtt-fixture.ts';
import { fc } from '../../../test/kit/seeded-properties.ts';
import type { WeighedMessage } from '../../contract/index.ts';
import type { Claim, Goal, Input, Plan, Traits } from './claims.ts';
import { judge } from './judge.ts';
import { begin, freshMemory } from './state.ts';
import { weighed } from './weighing.ts';

const plan: Plan = {
  firstAskMs: 500,
  betweenMs: 500,
  longestBetweenMs: 1_000,
  patienceMs: 1_000,
  travelMs: 2_000,
  halfWayMs: 1_000,
  witnessMs: 300,
  reasonMs: 300,
  knownForMs: 5_000,
};
const goal: Goal = { proof: [{ about: 'bolt', value: 'unlocked' }], passing: [{ about: 'latch', value: 'pulled' }] };

const traits: fc.Arbitrary<Traits> = fc.record({
  answers: fc.constantFrom('correlated', 'in_turn', 'mixed', 'none'),
  lateByMs: fc.constantFrom(0, 3_000),
  oldByMs: fc.constantFrom(0, 300, Number.POSITIVE_INFINITY),
  acknowledgedBy: fc.constantFrom('device', 'middleman', 'nobody'),
  tellsChanges: fc.boolean(),
  echoes: fc.boolean(),
});
const claims = fc.array(
  fc.record(
    {
      about: fc.constantFrom('bolt', 'latch', 'battery'),
      value: fc.constantFrom('locked', 'unlocked', 'half_way', 'stuck', 'not_known', 'pulled'),
      kept: fc.constant(true as const),
      cause: fc.constantFrom('this_command', 'remote', 'remote_again', 'other'),
    },
    { requiredKeys: ['about', 'value'] },
  ),
  { minLength: 1, maxLength: 3 },
);
const happenings = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 1_500 }),
    what: fc.constantFrom('told', 'answer', 'acknowledged', 'unacknowledged', 'word', 'no_answer', 'gap', 'reachable'),
    claims,
    word: fc.constantFrom('accepted', 'working', 'done', 'unclear', 'refused', 'lost'),
  }),
  { maxLength: 25 },
);

type Happening = typeof happenings extends fc.Arbitrary<readonly (infer One)[]> ? One : never;

function inputOf({ what, claims: said, word }: Happening, now: number, question: number): Input<never> {
  const list: Claim[] = said.map((claim) => ({ ...claim, at: now }));
  switch (what) {
    case 'told':
      return { kind: 'told', claims: list };
    case 'answer':
      return { kind: 'answer', question, claims: list };
    case 'acknowledged':
      return { kind: 'acknowledged', at: now };
    case 'word':
      return { kind: 'said', word };
    case 'no_answer':
      return { kind: 'no_answer', question };
    case 'unacknowledged':
    case 'gap':
    case 'reachable':
      return { kind: what };
  }
}

describe('what is written down of the messages that were weighed', () => {
  it('begins after the send, ends with the judgement, and calls proof what the judgement rests on', () => {
    fc.assert(
      fc.property(traits, happenings, fc.integer({ min: 0, max: 5 }), (trusted, script, sentAfter) => {
        let now = 10_000;
        let state = begin<never>({ goal, traits: trusted, plan, memory: freshMemory(0), end: now + 20_000 });
        let hasLeft = false;
        const messages: WeighedMessage[] = [];
        const take = (input: Input<never>) => {
          const judged = judge(state, input, now);
          const found = weighed(state, judged.state, input, now);
          if (!hasLeft) expect(found).toEqual([]);
          messages.push(...found);
          state = judged.state;
          if (judged.ask) take({ kind: 'put', question: judged.ask.id, at: now });
        };
        for (const [index, happening] of script.entries()) {
          if (index === sentAfter) {
            hasLeft = true;
            take({ kind: 'sent', at: now });
          }
          if (state.verdict !== undefined) break;
          now += happening.afterMs;
          take(inputOf(happening, now, state.open?.id ?? 0));
        }
        now += 30_000;
        if (state.verdict === undefined && hasLeft) take({ kind: 'time' });
        if (!hasLeft) return;
        const judgements = messages.filter(({ source }) => source === 'judgement');
        expect(judgements).toEqual([messages.at(-1)]);
        expect(judgements[0]?.value).toBe(state.verdict?.end);
        const isProven = messages.some(({ verdict }) => verdict === 'proves');
        if (isProven) expect(state.verdict?.end).toBe('confirmed');
        // What has to do with something else was not weighed.
        expect(messages.some(({ about }) => about === 'battery')).toBe(false);
      }),
    );
  });

  it('tells of a lock behind a bridge what it said and which of it counted', async () => {
    const heard: WeighedMessage[] = [];
    const { door, device } = await zigbeeLock();
    expect(device.lock).toBeDefined();
    const unlock = device.lock?.unlock.bind(device.lock);
    if (device.lock && unlock)
      Object.assign(device.lock, {
        unlock: (ctx: Parameters<typeof unlock>[0]) =>
          unlock({ ...ctx, weighed: (message) => void heard.push(message) }),
      });
    await door('unlock');
    expect(heard.at(-1)).toMatchObject({ source: 'judgement', value: 'confirmed', about: 'change' });
    expect(heard.filter(({ verdict }) => verdict === 'proves')).toEqual([
      expect.objectContaining({ about: 'bolt', value: 'unlocked' }),
    ]);
  });
});
