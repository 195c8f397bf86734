import { describe, expect, it } from 'vitest';
import { fc } from '../kit/seeded-properties.ts';
import type { LifeStep } from './code-life.ts';
import { brokenCodePromises } from './code-life-judge.ts';
import { CodeLifeRun } from './code-life-run.ts';

/** How many lives: 10,000 take some minutes. */
const numRuns = Number(process.env.STRIKEPLATE_CODE_LIVES ?? 300);

const digits = fc.constantFrom('0472', '1593', '2861', '3759', '4826', '59263');
const which = fc.nat({ max: 5 });
const minute = 60_000;
const after = fc.oneof(
  // In the middle of what the last step began.
  { weight: 4, arbitrary: fc.nat({ max: 4_000 }) },
  { weight: 3, arbitrary: fc.nat({ max: 10 }).map((minutes) => minutes * minute) },
  { weight: 4, arbitrary: fc.nat({ max: 120 }).map((minutes) => minutes * minute) },
  { weight: 1, arbitrary: fc.nat({ max: 1_600 }).map((minutes) => minutes * minute) },
  // Longer than a lock that says nothing goes unasked.
  { weight: 2, arbitrary: fc.constant(1_600 * minute) },
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
      kind: fc.constantFrom(
        'leave' as const,
        'leave_unheard',
        'return',
        'return',
        'crash',
        'crash_kept',
        'crash_at_write',
        'lose_all',
        'lose_all',
      ),
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
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('by_hand' as const),
      hand: fc.record({
        slot: fc.integer({ min: 1, max: 4 }),
        isOurs: fc.boolean(),
        digits: fc.constantFrom('7777', '8888', '9999', undefined, undefined),
      }),
      unseen: fc.constantFrom('away' as const, 'dead' as const, undefined),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete_foreign' as const), which }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('clock_confirmed_slow' as const, 'restart_slow'),
      byMinutes: fc.constantFrom(60, 400, 3_000),
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

const step = fc.tuple(kinds, after).map(([what, afterMs]): LifeStep => ({ ...what, afterMs }));

const life = fc.array(step, { minLength: 1, maxLength: 25, size: 'max' });

describe('P8: the lock holds the codes it should, over random lives of gateway and lock', () => {
  it.each([
    { native: false, showsCodes: true },
    { native: false, showsCodes: false },
    { native: true, showsCodes: true },
    { native: true, showsCodes: false },
  ])(
    '(keeps times itself: $native, shows its codes: $showsCodes)',
    async (kind) => {
      await fc.assert(
        fc.asyncProperty(life, fc.constantFrom(6, 3), async (steps, slots) => {
          const trace = await new CodeLifeRun({ ...kind, slots }).run(steps);
          expect(brokenCodePromises(trace)).toEqual([]);
        }),
        { numRuns: Math.ceil(numRuns / 4) },
      );
    },
    3_600_000,
  );
});
