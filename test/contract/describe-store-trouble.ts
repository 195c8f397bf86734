import { describe, expect, it } from 'vitest';
import {
  aCode,
  accepted,
  aDelivery,
  anIdempotencyRecord,
  happened,
  settled,
  uuid,
} from '../kit/store/store-records.ts';
import { commitTo, type StoreBench } from './store-bench.ts';

/** What every store must do when the process dies, and when the disk is full. */
export function describeStoreTrouble(bench: () => StoreBench): void {
  const commit = commitTo(bench);

  describe('after a crash', () => {
    it('has everything that was acknowledged, as it was', async () => {
      const code = aCode(1);
      await commit(accepted(1), accepted(2), { kind: 'access_code_put', code });
      await commit(settled(1), { kind: 'fact_put', name: 'clock', value: '5' });
      const before = bench().store.read.attempts({ limit: 10 });
      await bench().crash();
      expect(bench().store.read.attempts({ limit: 10 })).toEqual(before);
      expect(
        bench()
          .store.read.pendingAttempts()
          .map(({ seq }) => seq),
      ).toEqual([2]);
      expect(bench().store.read.highestSeq()).toBe(2);
      expect(bench().store.read.accessCodes()).toEqual([code]);
      expect(bench().store.read.fact('clock')).toBe('5');
    });

    it('goes on', async () => {
      await commit(accepted(1));
      await bench().crash();
      await commit(settled(1), accepted(2));
      expect(bench().store.read.attempt(uuid(1))?.settlement?.status).toBe('success');
    });
  });

  describe('with a full disk', () => {
    /** What fits into pages that the database has already may go through first. */
    const acceptUntilRefused = async () => {
      for (let seq = bench().store.read.highestSeq() + 1; seq < 5_000; seq++) {
        const record = anIdempotencyRecord(seq);
        const [outcome] = await bench().until(
          Promise.allSettled([bench().store.commit([accepted(seq), { kind: 'idempotency_put', record }])]),
        );
        if (outcome.status === 'rejected') return { seq, error: outcome.reason as Error };
      }
      throw new Error('nothing was refused');
    };

    it('accepts nothing, still settles, and goes on once there is room', async () => {
      await commit(accepted(1), accepted(2));
      await bench().fillDisk();
      const { seq, error } = await acceptUntilRefused();
      expect(error).toMatchObject({ name: 'GatewayError', type: 'storage_unavailable', http: 503 });
      expect(bench().store.accepting).toBe(false);
      expect(bench().store.read.attempt(uuid(seq))).toBeUndefined();
      expect(bench().store.read.idempotency(`scope-${seq}`)).toBeUndefined();
      expect(bench().store.read.highestSeq()).toBe(seq - 1);

      for (let settling = 1; settling < seq; settling++) await commit(settled(settling));
      expect(bench().store.read.pendingAttempts()).toEqual([]);
      await expect(commit(accepted(seq))).rejects.toMatchObject({ type: 'storage_unavailable' });

      await bench().freeDisk();
      expect(bench().store.accepting).toBe(true);
      await commit(accepted(seq));
      expect(
        bench()
          .store.read.pendingAttempts()
          .map((attempt) => attempt.seq),
      ).toEqual([seq]);
    });

    it('refuses every acceptance of the group that finds the disk full, and nothing else of it', async () => {
      await commit(accepted(1), accepted(2));
      await bench().fillDisk();
      const outcomes = await bench().until(
        Promise.allSettled([
          ...Array.from({ length: 100 }, (_, index) => bench().store.commit([accepted(index + 3)])),
          bench().store.commit([settled(1)]),
          bench().store.commit([settled(404)]),
        ]),
      );
      expect(outcomes.slice(0, 100).every(({ status }) => status === 'rejected')).toBe(true);
      expect(outcomes.slice(100)).toEqual([
        { status: 'fulfilled', value: undefined },
        { status: 'rejected', reason: expect.objectContaining({ type: 'internal_error' }) },
      ]);
      expect(bench().store.read.highestSeq()).toBe(2);
      expect(
        bench()
          .store.read.pendingAttempts()
          .map(({ seq }) => seq),
      ).toEqual([2]);
    });

    it('refuses events that come alone, and takes those that come with a settlement', async () => {
      await commit(accepted(1));
      await bench().fillDisk();
      await acceptUntilRefused();
      await expect(commit(happened(1))).rejects.toMatchObject({ type: 'storage_unavailable' });
      await expect(commit({ kind: 'webhook_delivery_put', delivery: aDelivery(1, 1) })).rejects.toMatchObject({
        type: 'storage_unavailable',
      });
      await commit(settled(1), happened(2));
      expect(
        bench()
          .store.read.eventsAfter(0, 10)
          .map(({ eventId }) => eventId),
      ).toEqual([uuid(2, 3)]);
    });

    it('refuses the acceptances of later groups alone', async () => {
      await commit(accepted(1));
      await bench().fillDisk();
      const { seq } = await acceptUntilRefused();
      const outcomes = await bench().until(
        Promise.allSettled([
          bench().store.commit([accepted(seq)]),
          bench().store.commit([settled(1)]),
          bench().store.commit([accepted(seq + 1)]),
          bench().store.commit([{ kind: 'fact_put', name: 'clock', value: '9' }]),
        ]),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
      expect(bench().store.read.attempt(uuid(1))?.settlement?.status).toBe('success');
      expect(bench().store.read.fact('clock')).toBe('9');
    });
  });
}
