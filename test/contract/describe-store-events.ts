import { describe, expect, it } from 'vitest';
import type { StoreReader } from '../../src/model/store.ts';
import { accepted, anEvent, deviceA, deviceB, happened, settled, uuid } from '../kit/store/store-records.ts';
import { commitTo, type StoreBench } from './store-bench.ts';

/** What every store must do with events. */
export function describeStoredEvents(bench: () => StoreBench): void {
  const commit = commitTo(bench);

  describe('events', () => {
    const told: number[] = [];
    const hear = () => {
      told.length = 0;
      return bench().store.onEvents((events) => told.push(...events.map(({ seq }) => seq)));
    };

    it('gives back an event as it was put, numbered in the order of commits', async () => {
      const full = anEvent(2, {
        eventType: 'access_code.set_on_device',
        deviceId: 'a device id that is no UUID',
        accessCodeId: uuid(9, 1),
        actionAttemptId: uuid(8),
        noiseThresholdId: uuid(7, 2),
        details: { 'Zoë’s': [null, 1.5, { deep: true }] },
      });
      const bare = anEvent(1, { deviceId: undefined, details: {} });
      await commit({ kind: 'event_put', event: full });
      await commit({ kind: 'event_put', event: bare });
      expect(bench().store.read.event(full.eventId)).toEqual({ ...full, seq: 1 });
      expect(bench().store.read.event(bare.eventId)).toEqual({ ...bare, seq: 2 });
      expect(bench().store.read.event('?')).toBeUndefined();
      expect(bench().store.read.highestEventSeq()).toBe(2);
      expect(bench().store.read.eventsAfter(0, 10)).toEqual([
        { ...full, seq: 1 },
        { ...bare, seq: 2 },
      ]);
      expect(
        bench()
          .store.read.eventsAfter(1, 10)
          .map(({ seq }) => seq),
      ).toEqual([2]);
      expect(
        bench()
          .store.read.eventsAfter(0, 1)
          .map(({ seq }) => seq),
      ).toEqual([1]);
      expect(bench().store.read.eventsAfter(2, 10)).toEqual([]);
    });

    it('lists oldest first, under every condition at once', async () => {
      const code = uuid(5, 1);
      await commit(
        happened(1),
        happened(2, { deviceId: deviceB, eventType: 'lock.locked' }),
        happened(3, { accessCodeId: code }),
        happened(4, { deviceId: 'plain', accessCodeId: code, eventType: 'lock.locked' }),
        happened(5, { deviceId: undefined, createdAt: anEvent(0).createdAt }),
      );
      const seqs = (query: Partial<Parameters<StoreReader['events']>[0]>) =>
        bench()
          .store.read.events({ limit: 10, ...query })
          .map(({ seq }) => seq);

      expect(seqs({})).toEqual([5, 1, 2, 3, 4]);
      expect(seqs({ limit: 2 })).toEqual([5, 1]);
      expect(seqs({ eventTypes: ['lock.locked'] })).toEqual([2, 4]);
      expect(seqs({ eventTypes: ['lock.locked', 'lock.unlocked'] })).toEqual([5, 1, 2, 3, 4]);
      expect(seqs({ deviceIds: [deviceB, 'plain'] })).toEqual([2, 4]);
      expect(seqs({ accessCodeIds: [code] })).toEqual([3, 4]);
      expect(seqs({ accessCodeIds: [code], deviceIds: [deviceA] })).toEqual([3]);
      expect(seqs({ createdFrom: anEvent(2).createdAt, createdUntil: anEvent(3).createdAt })).toEqual([2, 3]);
      expect(seqs({ eventIds: [uuid(4, 3), uuid(1, 3), uuid(404, 3)] })).toEqual([1, 4]);
      expect(seqs({ eventIds: [uuid(4, 3), uuid(1, 3)], eventTypes: ['lock.locked'] })).toEqual([4]);
      expect(seqs({ newestFirst: true })).toEqual([4, 3, 2, 1, 5]);
      expect(seqs({ newestFirst: true, limit: 1, deviceIds: [deviceB] })).toEqual([2]);
      expect(seqs({ newestFirst: true, eventIds: [uuid(1, 3), uuid(4, 3)] })).toEqual([4, 1]);
      expect(seqs({ eventIds: [] })).toEqual([]);
      expect(seqs({ deviceIds: [] })).toEqual([]);
    });

    it('tells of events once their commit is on disk, in that order, before it is answered', async () => {
      const stop = hear();
      const answered: string[] = [];
      const first = bench().store.commit([accepted(1), happened(1), happened(2)]);
      const second = bench().store.commit([happened(3)]);
      const noted = first.then(() => answered.push(`first: told ${told.length >= 2}`));
      expect(told).toEqual([]);
      await bench().until(Promise.all([first, second, noted]));
      expect(told).toEqual([1, 2, 3]);
      expect(answered).toEqual(['first: told true']);
      expect(
        bench()
          .store.read.eventsAfter(0, 10)
          .map(({ eventId }) => eventId),
      ).toEqual([uuid(1, 3), uuid(2, 3), uuid(3, 3)]);
      stop();
      await commit(happened(4));
      expect(told).toEqual([1, 2, 3]);
    });

    it('keeps and tells nothing of an event whose commit was refused', async () => {
      hear();
      await commit(accepted(1), settled(1), happened(1));
      await expect(commit(happened(2), settled(1))).rejects.toMatchObject({ type: 'internal_error' });
      await expect(commit(happened(1))).rejects.toMatchObject({ type: 'internal_error' });
      expect(told).toEqual([1]);
      expect(bench().store.read.event(uuid(2, 3))).toBeUndefined();
      await commit(happened(3));
      expect(bench().store.read.eventsAfter(0, 10)).toHaveLength(2);
    });

    it('goes on counting after a crash', async () => {
      await commit(happened(1), happened(2));
      await bench().crash();
      const before = bench().store.read.highestEventSeq();
      expect(before).toBe(2);
      await commit(happened(3));
      expect(
        bench()
          .store.read.eventsAfter(before, 10)
          .map(({ eventId }) => eventId),
      ).toEqual([uuid(3, 3)]);
    });
  });
}
