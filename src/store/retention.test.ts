import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore, temporaryDirectory } from '../../test/kit/store/sqlite-bench.ts';
import { accepted, anIdempotencyRecord, happened, settled } from '../../test/kit/store/store-records.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { Retention } from './retention.ts';
import type { SqliteStore } from './sqlite-store.ts';

const day = 86_400_000;
const hour = 3_600_000;

describe('Retention', () => {
  /** A store that never has more than `rows` old ones. */
  function start(rows: number, isIdle = () => true, isClockSure = () => true) {
    const clock = new SimulatedClock();
    const calls: { at: number; eventsBefore: number; attemptsBefore: number; idempotencyBefore: number }[] = [];
    const errors: unknown[] = [];
    let left = rows;
    let fails = false;
    const began = clock.wallTime();
    const retention = new Retention({
      clock,
      days: 90,
      eventDays: 7,
      events: 100,
      isIdle,
      isClockSure,
      pruneSome: async ({ attemptsBefore, eventsBefore, idempotencyBefore }) => {
        calls.push({
          at: clock.now(),
          eventsBefore: eventsBefore - began,
          attemptsBefore: attemptsBefore - began,
          idempotencyBefore: idempotencyBefore - began,
        });
        if (fails) throw new Error('no');
        return left-- > 0;
      },
      onError: (error) => errors.push(error),
    });
    return { clock, calls, errors, retention, fail: () => (fails = true) };
  }

  it('looks a minute after the start, goes on in small steps, then hourly', async () => {
    const { clock, calls, retention } = start(2);
    await clock.advance(2 * hour);
    expect(calls.map(({ at }) => at)).toEqual([60_000, 60_100, 60_200, 60_200 + hour]);
    expect(calls[0]).toMatchObject({
      attemptsBefore: 60_000 - 90 * day,
      eventsBefore: 60_000 - 7 * day,
      idempotencyBefore: 60_000 - day,
    });
    retention.stop();
    await clock.advance(2 * hour);
    expect(calls).toHaveLength(4);
    expect(clock.armedTimers).toBe(0);
  });

  it('deletes nothing while the clock is in doubt', async () => {
    let sure = false;
    const { clock, calls } = start(0, undefined, () => sure);
    await clock.advance(2 * hour);
    expect(calls).toEqual([]);
    sure = true;
    await clock.advance(hour);
    expect(calls).toHaveLength(1);
  });

  it('waits while others commit', async () => {
    let idle = false;
    const { clock, calls } = start(0, () => idle);
    await clock.advance(120_000);
    expect(calls).toEqual([]);
    idle = true;
    await clock.advance(100);
    expect(calls).toHaveLength(1);
  });

  it('tells of a failure and tries again an hour later', async () => {
    const { clock, calls, errors, fail } = start(5);
    fail();
    await clock.advance(60_000 + hour);
    expect([calls.length, errors.length]).toEqual([2, 2]);
  });
});

describe('SqliteStore, over the months', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  let clock: SimulatedClock;
  let store: SqliteStore;
  beforeEach(async () => {
    directory = temporaryDirectory();
    clock = new SimulatedClock();
    store = await openSqliteStore(join(directory.path, 'strikeplate.db'), { clock, retentionDays: 90, maxEvents: 50 });
  });
  afterEach(async () => {
    await store.close();
    directory.dispose();
  });
  /** Lets the clock go on from batch to batch; the batches themselves run in the writer's own time. */
  const prune = async () => {
    for (let batch = 0; batch < 8; batch++) {
      await clock.advance(batch === 0 ? hour : 100);
      // Once this is answered, a batch that went before is done.
      await store.commit([{ kind: 'fact_put', name: 'barrier', value: `${batch}` }]);
      await clock.settle();
    }
  };
  const seqs = () => store.read.attempts({ limit: 1_000 }).map(({ seq }) => seq);

  it('forgets ended attempts after 90 days, never pending ones, and goes on counting', async () => {
    const now = clock.wallTime();
    await store.commit([accepted(1), ...[2, 3, 4].map((seq) => accepted(seq))]);
    await store.commit([settled(2, now), settled(3, now + 2 * day), settled(4, now)]);
    clock.setWallTime(now + 89 * day);
    await prune();
    expect(seqs()).toEqual([4, 3, 2, 1]);

    clock.setWallTime(now + 90 * day + 1);
    store.keepAllUnless(() => false);
    await prune();
    expect(seqs()).toEqual([4, 3, 2, 1]);
    store.keepAllUnless(() => true);
    await prune();
    expect(seqs()).toEqual([4, 3, 1]);
    clock.setWallTime(now + 900 * day);
    await prune();
    expect(seqs()).toEqual([4, 1]);
    expect(store.read.highestSeq()).toBe(4);
    expect(store.read.pendingAttempts().map(({ seq }) => seq)).toEqual([1]);
  });

  it('takes several batches for many', async () => {
    const many = Array.from({ length: 450 }, (_, index) => index + 1);
    await store.commit(many.flatMap((seq) => [accepted(seq), settled(seq, clock.wallTime())]));
    clock.setWallTime(clock.wallTime() + 91 * day);
    await prune();
    expect(seqs()).toEqual([450]);
  });

  it('forgets events after 90 days, but for the newest, from which the numbers go on', async () => {
    const now = clock.wallTime();
    const events = () => store.read.eventsAfter(0, 10).map(({ seq }) => seq);
    await store.commit([happened(1, { createdAt: now }), happened(2, { createdAt: now + 5 })]);
    clock.setWallTime(now + 90 * day);
    await prune();
    expect(events()).toEqual([2]);
    clock.setWallTime(now + 900 * day);
    await prune();
    expect(events()).toEqual([2]);
    await store.commit([happened(3)]);
    expect(store.read.highestEventSeq()).toBe(3);
  });

  it('keeps events for as long as was said of them, whatever becomes of attempts', async () => {
    const now = clock.wallTime();
    await store.close();
    const open = (days: { readonly retentionDays: number; readonly eventRetentionDays: number }) =>
      openSqliteStore(join(directory.path, 'strikeplate.db'), { clock, maxEvents: 50, ...days });
    const kept = () => [seqs(), store.read.eventsAfter(0, 10).map(({ seq }) => seq)];
    store = await open({ retentionDays: 90, eventRetentionDays: 7 });
    await store.commit([accepted(1), accepted(2), happened(1, { createdAt: now }), happened(2, { createdAt: now })]);
    await store.commit([settled(1, now), settled(2, now)]);
    clock.setWallTime(now + 7 * day - hour * 2);
    await prune();
    expect(kept()).toEqual([
      [2, 1],
      [1, 2],
    ]);
    clock.setWallTime(now + 7 * day + 1);
    await prune();
    expect(kept()).toEqual([[2, 1], [2]]);

    await store.close();
    store = await open({ retentionDays: 7, eventRetentionDays: 90 });
    await store.commit([happened(3, { createdAt: now + 7 * day })]);
    await prune();
    expect(kept()).toEqual([[2], [2, 3]]);
    clock.setWallTime(now + 91 * day);
    await prune();
    expect(kept()).toEqual([[2], [3]]);
  });

  it('keeps no more events than it may, however young', async () => {
    const now = clock.wallTime();
    await store.commit(Array.from({ length: 260 }, (_, index) => happened(index, { createdAt: now })));
    await prune();
    expect(store.read.eventsAfter(0, 1_000).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 211),
    );
  });

  it('forgets idempotency records after 24 h, counted from when they were last put', async () => {
    const now = clock.wallTime();
    const put = (seq: number, createdAt: number) =>
      store.commit([{ kind: 'idempotency_put', record: anIdempotencyRecord(seq, { createdAt }) }]);
    await put(1, now);
    await put(2, now);
    await put(1, now + 12 * hour);
    clock.setWallTime(now + day + 1);
    await prune();
    expect(store.read.idempotency('scope-1')).toBeDefined();
    expect(store.read.idempotency('scope-2')).toBeUndefined();
    clock.setWallTime(now + 36 * hour + 1);
    await prune();
    expect(store.read.idempotency('scope-1')).toBeUndefined();
  });
});
