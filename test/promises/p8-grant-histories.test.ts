import { describe, expect, it } from 'vitest';
import { fc } from '../kit/seeded-properties.ts';
import type { GrantStep } from './grant-life.ts';
import { GrantLifeRun } from './grant-life-run.ts';

/** How many lives: 5,000 take some minutes. */
const numRuns = Number(process.env.STRIKEPLATE_GRANT_LIVES ?? 80);

const minute = 60_000;
const which = fc.nat({ max: 5 });
const door = fc.nat({ max: 2 });
const doors = fc.nat({ max: 7 });
const after = fc.oneof(
  // In the middle of what the last step began.
  { weight: 6, arbitrary: fc.nat({ max: 4_000 }) },
  { weight: 3, arbitrary: fc.nat({ max: 10 }).map((minutes) => minutes * minute) },
  { weight: 2, arbitrary: fc.nat({ max: 200 }).map((minutes) => minutes * minute) },
);
const later = fc.option(fc.integer({ min: -30, max: 600 }), { nil: undefined });
const long = fc.option(fc.integer({ min: 2, max: 900 }), { nil: undefined });
const digits = fc.constantFrom('047215', '159362', undefined, undefined);

const kinds = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      doors,
      spaces: fc.nat({ max: 3 }),
      from: later,
      minutes: long,
      digits,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), which, minutes: long }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('start' as const), which, from: fc.integer({ min: -60, max: 300 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'delete', 'more', 'less'), which }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('membership' as const), space: fc.nat({ max: 1 }), doors }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constantFrom('leave' as const, 'leave_unheard', 'return', 'return', 'lose_all'),
      door,
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'crash' as const,
        'crash_kept',
        'crash_at_write',
        'disk_full',
        'disk_free',
        'quiet',
        'quiet',
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('dead_for' as const), minutes: fc.nat({ max: 300 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      door,
      fault: fc.constantFrom('answer_lost' as const, 'never_arrived', 'refused'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('by_hand' as const),
      door,
      slot: fc.integer({ min: 1, max: 3 }),
      digits: fc.constantFrom('777777', '888888', '047215', undefined, undefined),
    }),
  },
);

const step = fc.tuple(kinds, after).map(([what, afterMs]): GrantStep => ({ ...what, afterMs }));

const life = fc.array(step, { minLength: 1, maxLength: 20, size: 'max' });

describe('P8 of grants and spaces, over random lives of a gateway and three locks', () => {
  it.each([
    { native: false, slots: 6, backups: 0 },
    { native: true, slots: 6, backups: 0 },
    { native: false, slots: 3, backups: 0 },
    { native: true, slots: 6, backups: 1 },
  ])(
    '(one keeps times: $native, slots: $slots, backup codes: $backups)',
    async (options) => {
      await fc.assert(
        fc.asyncProperty(life, async (steps) => {
          expect(await new GrantLifeRun(options).run(steps)).toEqual([]);
        }),
        { numRuns: Math.ceil(numRuns / 4) },
      );
    },
    3_600_000,
  );
});
