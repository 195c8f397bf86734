import { describe, expect, it } from 'vitest';
import { fc } from '../../../test/kit/seeded-properties.ts';
import type { LogEntry } from './codec-replies.ts';
import type { LogPage } from './lock-log.ts';
import { LogReader } from './lock-log.ts';

const lockTime = { year: 2026, month: 5, day: 1, hour: 10, minute: 0, second: 0 };
const PAGE = 10;

/** A lock's log as a ring, with every way for it not to answer. `minute` tells entries of the same number apart. */
class Ring {
  entries: LogEntry[] = [];
  minute = 0;
  readonly #capacity: number;
  #next = 1;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(count: number): void {
    for (let one = 0; one < count; one++) {
      this.minute += 1;
      const time = { ...lockTime, hour: Math.floor(this.minute / 60) % 24, minute: this.minute % 60 };
      const detail = { kind: 'other', type: 1 } as const;
      this.entries.push({ index: this.#next++, time, authorizationId: this.minute, name: '', detail });
    }
    this.entries = this.entries.slice(-this.#capacity);
  }

  reset(): void {
    this.entries = [];
    this.#next = 1;
  }

  page(startIndex: number): LogPage {
    const newestFirst = this.entries.toReversed();
    const from = startIndex === 0 ? newestFirst : newestFirst.filter(({ index }) => index <= startIndex);
    return { entries: from.slice(0, PAGE), isLast: from.length < PAGE };
  }
}

type Act =
  | { readonly act: 'happen'; readonly count: number }
  | { readonly act: 'read'; readonly failsAt: number | undefined }
  | { readonly act: 'read nothing' }
  | { readonly act: 'reset' };

const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ act: fc.constant('happen' as const), count: fc.integer({ min: 1, max: 35 }) }),
  fc.record({
    act: fc.constant('read' as const),
    failsAt: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
  }),
  fc.constant({ act: 'read nothing' as const }),
  fc.constant({ act: 'reset' as const }),
);

describe('a lock’s log', () => {
  it('is told entry by entry: each once, none of before the first look, and what is lost is counted', async () => {
    const property = fc.asyncProperty(
      fc.array(acts, { maxLength: 25 }),
      fc.nat(20),
      fc.constantFrom(15, 40, 1_000),
      async (life, before, capacity) => {
        const ring = new Ring(capacity);
        ring.add(before + 1);
        const reader = new LogReader();
        const old = new Set(ring.entries.map(({ authorizationId }) => authorizationId));
        await reader.read(async (start) => ring.page(start), lockTime);
        const told: number[] = [];
        let happened = 0;
        let missing = 0;
        let wasReset = false;
        const read = async (failsAt: number | undefined) => {
          let pages = 0;
          const news = await reader.read(
            async (start) => (pages++ === failsAt ? undefined : ring.page(start)),
            lockTime,
          );
          if (news === undefined) return;
          told.push(...news.entries.map(({ authorizationId }) => authorizationId));
          missing += news.missing;
        };
        for (const act of life) {
          if (act.act === 'happen') {
            ring.add(act.count);
            happened += act.count;
          } else if (act.act === 'read') await read(act.failsAt);
          else if (act.act === 'read nothing') await reader.read(async () => ({ entries: [], isLast: true }), lockTime);
          else {
            ring.reset();
            wasReset = true;
          }
        }
        await read(undefined);
        expect(new Set(told).size).toBe(told.length);
        expect(told).toEqual(told.toSorted((a, b) => a - b));
        expect(told.filter((one) => old.has(one))).toEqual([]);
        if (!wasReset) expect(told.length + missing).toBe(happened);
      },
    );
    await fc.assert(property, { numRuns: 2_000 });
  });

  it('that is empty from the start has only news, and one that was not told has none', async () => {
    const ring = new Ring(100);
    const reader = new LogReader();
    await reader.read(async (start) => ring.page(start), { ...lockTime, hour: 0 });
    ring.add(2);
    const news = await reader.read(async (start) => ring.page(start), lockTime);
    expect(news?.entries).toHaveLength(2);

    const other = new LogReader();
    await other.read(async () => ({ entries: [], isLast: true }), { ...lockTime, hour: 23 });
    const old = await other.read(async (start) => ring.page(start), lockTime);
    expect(old?.entries).toEqual([]);
  });

  it('that does not go on from where it is asked to ends, and says how many it left out', async () => {
    const ring = new Ring(1_000);
    ring.add(5);
    const reader = new LogReader();
    await reader.read(async () => ring.page(0), lockTime);
    ring.add(30);
    const news = await reader.read(async () => ring.page(0), lockTime);
    expect(news?.entries.map(({ index }) => index)).toEqual([26, 27, 28, 29, 30, 31, 32, 33, 34, 35]);
    expect(news?.missing).toBe(20);
  });
});
