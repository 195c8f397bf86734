import { describe, expect, it } from 'vitest';
import { judge } from '../../src/driver-kit/evidence/judge.ts';
import * as memory from '../../src/driver-kit/evidence/state.ts';
import { begin } from '../../src/driver-kit/evidence/state.ts';
import { fc } from '../kit/seeded-properties.ts';
import { type History, type historiesOf, lieIn, play } from './histories.ts';

/** For each half of the world; more by `EVIDENCE_HISTORIES`, others by `STRIKEPLATE_SEED`. */
const RUNS = Number(process.env.EVIDENCE_HISTORIES ?? 50_000);
const engine = { judge, begin, memory };

export function describeWorld(title: string, histories: ReturnType<typeof historiesOf>, ends: readonly string[]): void {
  describe(`the judgement of evidence in a world of devices ${title}`, () => {
    it(`claims nothing that is not so, in ${RUNS} histories`, { timeout: 1_200_000 }, () => {
      const seen = new Map<string, number>();
      fc.assert(
        fc.property(histories, (history) => {
          const told = play(history, engine);
          seen.set(told.verdict.end, (seen.get(told.verdict.end) ?? 0) + 1);
          const lie = lieIn(history, told);
          if (lie !== undefined) throw new Error(lie);
          if (told.questions > 150) throw new Error(`it asked ${told.questions} times`);
        }),
        { numRuns: RUNS },
      );
      if (process.env.EVIDENCE_COUNTS !== undefined) console.log(title, Object.fromEntries(seen));
      // It is no use to say nothing at all.
      for (const end of ends) expect(seen.get(end) ?? 0, end).toBeGreaterThan(RUNS / 500);
    });

    it('sees a good command on a good device, wherever something can tell it from before', () => {
      fc.assert(
        fc.property(histories, (history) => {
          const good = goodOf(history);
          if (good === undefined) return;
          expect(play(good, engine).verdict).toMatchObject({ end: 'confirmed' });
        }),
        { numRuns: 3_000 },
      );
    });
  });
}

/** The same device in its best shape; undefined where it would be asked to be what it is. */
function goodOf(history: History): History | undefined {
  const { device, medium, initially, target } = history;
  // What a lock that cannot be asked said before is not known until it has spoken twice.
  if (initially === target || medium === 'announced') return undefined;
  return {
    ...history,
    ...{ obeys: 'yes', travelMs: 500, others: [], deaf: false, gap: undefined, kept: [], carried: [] },
    ...{ chatterMs: undefined, lossy: 0, repeats: 0, withholds: false, answerMs: 100, looksBefore: 2_000 },
    ...{ returnsMs: device === 'bolt' || device === 'slot' ? undefined : 3_000, endsAfterMs: 9_000 },
    // A slot that held another code is never written.
    initially: device === 'slot' && target === 'ours' ? 'free' : initially,
  };
}
