import { describe, expect, it } from 'vitest';
import { fc } from '../kit/seeded-properties.ts';
import { brokenCodePromises } from './code-life-judge.ts';
import { CodeLifeRun, type LifeStep } from './code-life-run.ts';

/** How many lives: 10,000 take some minutes. */
const numRuns = Number(process.env.STRIKEPLATE_CODE_LIVES ?? 300);

const digits = fc.constantFrom('0472', '1593', '2861', '3759', '4826', '59263');
const which = fc.nat({ max: 5 });
const afterMinutes = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 10 }) },
  { weight: 4, arbitrary: fc.nat({ max: 120 }) },
  { weight: 1, arbitrary: fc.nat({ max: 600 }) },
);
const later = fc.integer({ min: 0, max: 600 });
const long = fc.integer({ min: 5, max: 900 });

const kinds = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      digits,
      from: fc.option(later, { nil: undefined }),
      minutes: long,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('digits' as const), which, digits }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end' as const), which, minutes: long }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('start' as const), which, from: later, minutes: long }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), which }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('leave' as const, 'return', 'return', 'crash', 'crash_kept', 'lose_all'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart_after' as const), minutes: fc.nat({ max: 400 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      fault: fc.constantFrom('answer_lost' as const, 'never_arrived', 'stored_wrong', 'refused'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('by_hand' as const),
      slot: fc.integer({ min: 1, max: 4 }),
      digits: fc.constantFrom('7777', '8888', undefined),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clock_wrong' as const),
      byMinutes: fc.constantFrom(-3_000, -400, -60, -10, 10, 60, 400, 3_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clock_right' as const) }) },
);

const step = fc.tuple(kinds, afterMinutes).map(([what, minutes]): LifeStep => ({ ...what, afterMinutes: minutes }));

describe('P8: the lock holds the codes it should, over random lives of gateway and lock', () => {
  it.each([
    { native: false, showsCodes: true },
    { native: false, showsCodes: false },
    { native: true, showsCodes: true },
  ])(
    '(keeps times itself: $native, shows its codes: $showsCodes)',
    async (kind) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
          const trace = await new CodeLifeRun(kind).run(steps);
          expect(brokenCodePromises(trace)).toEqual([]);
        }),
        { numRuns: Math.ceil(numRuns / 3) },
      );
    },
    3_600_000,
  );
});
