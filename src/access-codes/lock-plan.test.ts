import { describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { aCode, anUnmanagedCode } from '../../test/kit/store/store-records.ts';
import { type AccessCodeRules, Secret } from '../contract/index.ts';
import type { AccessCodeRecord, CodePlacement } from '../model/records.ts';
import { isStale, reviewed } from './code-review.ts';
import { HoursCalendar } from './hours.ts';
import { type LockFacts, type LockPlan, planOf } from './lock-plan.ts';
import { nextStep } from './next-step.ts';
import { usualSettings } from './settings.ts';
import { type Circumstances, evaluate, longestSleepMs } from './wanted.ts';

const minute = 60_000;
const hour = 60 * minute;
const noon = Date.UTC(2026, 4, 1, 12);
const calendar = new HoursCalendar();

const rules: AccessCodeRules = {
  lengths: [4],
  digits: '0123456789',
  slots: { first: 1, count: 3 },
  nativeSchedule: false,
  readCost: 'cheap',
};

/** Digits are sealed as one byte each that is the same for the same digits. */
const sealed = (digits: number) => Uint8Array.of(digits);
const markOf = (one: Uint8Array) => String(one[0]);
const placed = (slot: number, digits: number, state: CodePlacement['state'] = 'held'): CodePlacement => ({
  slot,
  label: `sp-${slot}`,
  sealedCode: sealed(digits),
  schedule: undefined,
  state,
});

/** The nth code, with digits of its own, made an hour before noon and not on the lock. */
const code = (n: number, change: Partial<AccessCodeRecord> = {}): AccessCodeRecord =>
  aCode(n, { createdAt: noon - hour + n, sealedCode: sealed(n), placements: [], ...change });

/** One that is on the lock as it should be. */
const kept = (n: number, change: Partial<AccessCodeRecord> = {}) => code(n, { placements: [placed(n, n)], ...change });

interface At {
  readonly at?: number;
  readonly sure?: boolean;
  readonly lock?: AccessCodeRules;
}

const on = ({ at = noon, sure = true, lock = rules }: At): Circumstances => ({
  moment: { at, sure },
  rules: lock,
  settings: usualSettings,
  calendar,
  read: (one) => new Secret(markOf(one)),
});

/** With everything told that follows at that time. */
const told = (codes: readonly AccessCodeRecord[], at: At = {}) =>
  codes.map((one) => reviewed(one, evaluate(one, on(at))));

type Aside = Partial<LockFacts> &
  At & { readonly tries?: LockFacts['codes'][number]['tries']; readonly worked?: number };

/** The facts of a lock whose `Clock.now()` was 0 at noon. */
function facts(codes: readonly AccessCodeRecord[], { at = noon, sure, lock, tries, worked, ...more }: Aside = {}) {
  const circumstances = on({ at, ...(sure !== undefined && { sure }), ...(lock && { lock }) });
  const { moment } = circumstances;
  return {
    moment,
    now: at - noon,
    rules: circumstances.rules,
    isOutOfService: false,
    isBusy: false,
    codes: codes.map((one, index) => {
      const evaluation = evaluate(one, circumstances);
      const isWorkedOn = index === worked;
      return { code: one, ...evaluation, isStale: isStale(one, evaluation), tries, isWorkedOn };
    }),
    holdings: { codes, unmanaged: [], markOf },
    backupsWanted: 0,
    scanAt: undefined,
    ...more,
  } satisfies LockFacts;
}

/** A plan in words: `end 1, forget 1 | bring about 2 by schedule | 600 s`. */
function inWords({ rows, step, lookAgainMs }: LockPlan): string {
  const number = ({ createdAt }: AccessCodeRecord) => createdAt - noon + hour;
  const said = rows.map((row) => `${row.kind} ${row.kind === 'add_backups' ? row.count : number(row.code)}`).join(', ');
  const begun = step?.kind === 'bring_about' ? `bring about ${number(step.code)} by ${step.by}` : (step?.kind ?? '');
  return `${said} | ${begun} | ${lookAgainMs / 1_000} s`;
}

const failed = (nextAt: number) => ({ failures: 1, refused: undefined, nextAt });
const stay = { startsAt: noon - minute, endsAt: noon + 5 * minute };
const over = { startsAt: noon - hour, endsAt: noon - 1 };
const gone = { removal: { cause: 'requested', at: noon - hour } } as const;
const backup = { backup: { pulledFor: undefined } };

describe('the plan for a lock', () => {
  it.each<readonly [string, readonly AccessCodeRecord[], Aside, string]>([
    [
      'writes no digits that another still holds, whatever is left of an earlier try',
      told([kept(1, gone), code(2, { sealedCode: sealed(1), placements: [placed(2, 1, 'planned')] })]),
      { worked: 0 },
      ' |  | 600 s',
    ],
    ['has nothing to do', told([kept(1)]), {}, ' |  | 600 s'],
    ['brings about what is not there', told([code(1)]), {}, ' | bring about 1 by reconcile | 600 s'],
    ['begins a stay in its lead', told([code(1, stay)]), {}, ' | bring about 1 by schedule | 600 s'],
    [
      'waits for a lead',
      told([code(1, { startsAt: noon + 62 * minute, endsAt: noon + 90 * minute })]),
      {},
      ' |  | 120 s',
    ],
    ['looks again at the end of a stay', told([kept(1, stay)]), {}, ' |  | 300 s'],
    ['ends a stay', told([kept(1, over)], { at: noon - minute }), {}, 'end 1 | bring about 1 by reconcile | 600 s'],
    [
      'forgets one that was never there',
      told([code(1, over)], { at: noon - 2 * hour }),
      {},
      'end 1, forget 1 |  | 600 s',
    ],
    [
      'ends nothing while the clock is in doubt',
      told([kept(1, over)], { sure: false }),
      { sure: false },
      ' |  | 600 s',
    ],
    ['takes off first', told([code(1), kept(2, gone)]), {}, ' | bring about 2 by reconcile | 600 s'],
    [
      'tells of what is late',
      told([code(1)], { at: noon - hour }),
      {},
      'review 1 | bring about 1 by reconcile | 600 s',
    ],
    ['waits after a failure', told([code(1)]), { tries: failed(15_000) }, ' |  | 15 s'],
    ['leaves alone what was refused for good', told([code(1)]), { tries: failed(Infinity) }, ' |  | 600 s'],
    ['leaves alone what is worked on', told([code(1, gone)]), { worked: 0 }, ' |  | 600 s'],
    ['forgets what is gone', told([code(1, gone)]), {}, 'forget 1 |  | 600 s'],
    ['does one thing at a time', told([code(1)]), { isBusy: true }, ' |  | 600 s'],
    ['waits for a lock to be put back', told([code(1)]), { isOutOfService: true }, ' |  | 60 s'],
    ['waits for a lock to be there', told([code(1)]), { rules: undefined }, ' |  | 600 s'],
    ['keeps digits from standing there twice', told([code(1, { sealedCode: sealed(2) }), kept(2)]), {}, ' |  | 600 s'],
    ['asks the lock when nothing else is to do', told([kept(1)]), { scanAt: 0 }, ' | scan | 600 s'],
    ['does not ask before', told([code(1)]), { scanAt: 0 }, ' | bring about 1 by reconcile | 600 s'],
    ['waits for its time to ask', told([kept(1)]), { scanAt: 7_000 }, ' |  | 7 s'],
    ['adds backup codes', [], { backupsWanted: 2 }, 'add_backups 2 |  | 600 s'],
    ['leaves the last slot to guests', told([kept(1)]), { backupsWanted: 5 }, 'add_backups 1 |  | 600 s'],
    [
      'counts the codes of others',
      [],
      { backupsWanted: 5, holdings: { codes: [], unmanaged: [anUnmanagedCode(1)], markOf } },
      'add_backups 1 |  | 600 s',
    ],
    ['takes backup codes off', told([kept(1, backup)]), { backupsWanted: undefined }, 'withdraw 1 |  | 600 s'],
  ])('%s', (_, codes, aside, plan) => {
    expect(inWords(planOf(facts(codes, aside)))).toBe(plan);
  });
});

/** Codes in every state that a gateway may find them in. */
const anyCode = fc
  .record({
    from: fc.oneof(
      fc.constant(undefined),
      fc.integer({ min: -90, max: 90 }),
      // About to begin, or in a lead that is.
      fc.constantFrom(-3, -1, 2, 4, 61, 63, 66, 69),
    ),
    minutes: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 12 })),
    removed: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    entries: fc.array(
      fc.record({
        isOld: fc.boolean(),
        state: fc.constantFrom<CodePlacement['state']>('planned', 'writing', 'held', 'clearing', 'spoilt'),
      }),
      { maxLength: 2 },
    ),
  })
  .map(({ from, minutes, removed, entries }) => (n: number, slot: () => number) => {
    const startsAt = from === undefined ? undefined : noon + from * minute;
    return code(n, {
      startsAt,
      endsAt: startsAt === undefined ? undefined : startsAt + minutes * minute,
      ...(removed && gone),
      // Its digits, or those that it had before.
      placements: entries.map(({ isOld, state }) => placed(slot(), isOld ? 10 + n : n, state)),
    });
  });

const anyLock = fc.array(anyCode, { minLength: 1, maxLength: 3 }).map((makers) => {
  let slots = 0;
  return makers.map((make, index) => make(index + 1, () => ++slots));
});

const wide: AccessCodeRules = { ...rules, slots: { first: 1, count: 8 } };

describe('a plan', () => {
  it('stays what it is until the lock is to be looked at again', () => {
    fc.assert(
      fc.property(anyLock, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (codes, share) => {
        const lock = atRest(codes);
        const plan = planOf(facts(lock, { lock: wide }));
        expect(plan).toMatchObject({ rows: [], step: undefined });
        expect(plan.lookAgainMs).toBeGreaterThanOrEqual(1);
        expect(plan.lookAgainMs).toBeLessThanOrEqual(longestSleepMs);
        const before = noon + Math.floor(share * plan.lookAgainMs);
        expect(planOf(facts(lock, { at: before, lock: wide }))).toMatchObject({ rows: [], step: undefined });
      }),
    );
  });

  it('brings every lock to rest as it is wanted, never with the same digits twice', () => {
    fc.assert(
      fc.property(anyLock, (codes) => {
        const rest = atRest(codes);
        for (const { code: one, want, fitting } of facts(rest, { lock: wide }).codes) {
          const wanted = one.placements.map(({ sealedCode }) => markOf(sealedCode));
          if (want === 'off_lock') expect(wanted).toEqual([]);
          else expect({ placements: one.placements, sole: fitting }).toEqual({ placements: [fitting], sole: fitting });
        }
      }),
    );
  });
});

/** Plays a lock that does as it is told: what is left when the plan has nothing more to do. */
function atRest(start: readonly AccessCodeRecord[]): readonly AccessCodeRecord[] {
  let codes = told(start, { lock: wide });
  for (let turn = 0; turn < 40; turn++) {
    const { rows, step } = planOf(facts(codes, { lock: wide }));
    const next = step?.kind === 'bring_about' ? step.code : undefined;
    if (rows.length === 0 && !next) return codes;
    for (const row of rows) codes = afterRow(codes, row);
    if (rows.length === 0 && next) codes = afterWork(codes, next.accessCodeId);
    codes = told(codes, { lock: wide });
  }
  throw new Error('The plan goes in circles.');
}

function afterRow(codes: readonly AccessCodeRecord[], row: LockPlan['rows'][number]): AccessCodeRecord[] {
  if (row.kind === 'add_backups') return [...codes];
  const { accessCodeId } = row.code;
  if (row.kind === 'forget') return codes.filter((one) => one.accessCodeId !== accessCodeId);
  const removal = row.kind === 'end' ? { removal: { cause: 'ended', at: row.at } as const } : {};
  return codes.map((one) => (one.accessCodeId === accessCodeId ? { ...one, ...removal } : one));
}

/** Step by step, as an attempt does it. */
function afterWork(codes: readonly AccessCodeRecord[], accessCodeId: string): AccessCodeRecord[] {
  let now = [...codes];
  for (let steps = 0; steps < 24; steps++) {
    const facing = facts(now, { lock: wide });
    const one = facing.codes.find(({ code: { accessCodeId: id } }) => id === accessCodeId);
    const step = one && nextStep(one, facing.holdings, wide);
    if (!one || !step || step.kind === 'no_space' || step.kind === 'blocked') return now;
    const { placements } = one.code;
    const entries = now.flatMap((other) => other.placements);
    let after: readonly CodePlacement[];
    if (step.kind === 'write') {
      const { slot = 0 } = step;
      expect(entries.map((entry) => entry.slot)).not.toContain(slot);
      expect(entries.map(({ sealedCode }) => markOf(sealedCode))).not.toContain(markOf(one.code.sealedCode));
      after = [...placements, { ...placed(slot, 0), sealedCode: one.code.sealedCode }];
    } else {
      const others = placements.filter((placement) => placement !== step.placement);
      after = step.kind === 'find_out' ? [...others, { ...step.placement, state: 'clearing' }] : others;
    }
    now = now.map((other) => (other.accessCodeId === accessCodeId ? { ...other, placements: after } : other));
  }
  throw new Error('A code goes in circles.');
}
