import { describe, expect, it } from 'vitest';
import type { Actor, Subject } from '../../src/model/records.ts';
import type { StoreReader } from '../../src/model/store.ts';
import { accepted, anAttempt, deviceA, deviceB, settled, uuid } from '../kit/store/store-records.ts';
import { commitTo, type StoreBench } from './store-bench.ts';

/** What every store must do with attempts. */
export function describeStoredAttempts(bench: () => StoreBench): void {
  const commit = commitTo(bench);

  describe('attempts', () => {
    it('gives back an attempt as it was accepted', async () => {
      const plain = anAttempt(1);
      const full = anAttempt(2, {
        actionType: 'CREATE_ACCESS_CODE',
        deviceId: 'a device id that is no UUID',
        subject: { kind: 'access_code', accessCodeId: uuid(9) },
        actor: { kind: 'schedule' },
        intent: true,
      });
      const threshold = anAttempt(3, {
        actionType: 'REMOVE_NOISE_THRESHOLD',
        subject: { kind: 'noise_threshold', noiseThresholdId: uuid(8) },
        actor: { kind: 'cli', name: 'root' },
        history: [],
      });
      await commit(...[plain, full, threshold].map((attempt) => ({ kind: 'attempt_accepted', attempt }) as const));

      expect(bench().store.read.attempt(plain.actionAttemptId)).toEqual(plain);
      expect(bench().store.read.attempt(full.actionAttemptId)).toEqual(full);
      expect(bench().store.read.attempt(threshold.actionAttemptId)).toEqual(threshold);
    });

    it('gives back what it is about, of every kind there is, one by one and in a list', async () => {
      const subjects: Readonly<Record<Subject['kind'], readonly Subject[]>> = {
        access_code: [{ kind: 'access_code', accessCodeId: uuid(9) }],
        noise_threshold: [{ kind: 'noise_threshold', noiseThresholdId: uuid(8) }],
        auto_lock: [
          { kind: 'auto_lock', enabled: true, delaySeconds: 30 },
          { kind: 'auto_lock', enabled: false, delaySeconds: undefined },
        ],
      };
      const attempts = Object.values(subjects)
        .flat()
        .map((subject, index) => anAttempt(index + 1, { subject }));
      await commit(...attempts.map((attempt) => ({ kind: 'attempt_accepted', attempt }) as const));
      expect(bench().store.read.attempts({ limit: 10 })).toEqual(attempts.toReversed());
      for (const attempt of attempts) expect(bench().store.read.attempt(attempt.actionAttemptId)).toEqual(attempt);
    });

    it('gives back whoever asked, of every kind there is, one by one and in a list', async () => {
      const actors: { readonly [Kind in Actor['kind']]: Extract<Actor, { readonly kind: Kind }> } = {
        api_key: { kind: 'api_key', keyId: 'key_1', name: 'Reception', address: '192.0.2.7' },
        cli: { kind: 'cli', name: 'root' },
        mqtt: { kind: 'mqtt', name: 'mqtt/main' },
        schedule: { kind: 'schedule' },
        reconcile: { kind: 'reconcile' },
      };
      const attempts = Object.values(actors).map((actor, at) => anAttempt(at + 1, { actor }));
      await commit(...attempts.map((attempt) => ({ kind: 'attempt_accepted', attempt }) as const));
      for (const attempt of attempts) expect(bench().store.read.attempt(attempt.actionAttemptId)).toEqual(attempt);
      const listed = bench()
        .store.read.attempts({ limit: 10 })
        .map(({ actor }) => actor);
      expect(listed.reverse()).toEqual(Object.values(actors));
    });

    it('finds nothing under an id that is none', async () => {
      await commit(accepted(1));
      expect(bench().store.read.attempt('')).toBeUndefined();
      expect(bench().store.read.attempt("' OR 1=1 --")).toBeUndefined();
      expect(bench().store.read.attempts({ actionAttemptIds: ['?', ''], limit: 5 })).toEqual([]);
      expect(bench().store.read.accessCode('?')).toBeUndefined();
      expect(bench().store.read.noiseThreshold('?')).toBeUndefined();
    });

    it('marks the intent and takes over the history', async () => {
      const history = [
        { state: 'accepted', at: 5, reason: '' },
        { state: 'sending', at: 7.25, reason: 'the lane was free: "now"' },
      ];
      await commit(accepted(1));
      await commit({ kind: 'attempt_intent', actionAttemptId: uuid(1), history });
      expect(bench().store.read.attempt(uuid(1))).toEqual(anAttempt(1, { intent: true, history }));
    });

    it('takes a second intent, for the second write of one attempt', async () => {
      await commit(accepted(1, { intent: true }));
      await commit({ kind: 'attempt_intent', actionAttemptId: uuid(1), history: [] });
      expect(bench().store.read.attempt(uuid(1))).toEqual(anAttempt(1, { intent: true, history: [] }));
    });

    it('settles with a result or an error, and keeps either to the letter', async () => {
      const result = {
        was_confirmed_by_device: false,
        access_code: { name: 'Zoë’s', starts_at: null, list: [1, 2] },
      };
      const error = { type: 'lock_jammed', message: 'The bolt of Front door is jammed.' };
      await commit(accepted(1), accepted(2));
      await commit({
        kind: 'attempt_settled',
        actionAttemptId: uuid(1),
        settlement: { status: 'success', result },
        settledAt: 77,
        history: [],
      });
      await commit({
        kind: 'attempt_settled',
        actionAttemptId: uuid(2),
        settlement: { status: 'error', error },
        settledAt: 78,
        history: [{ state: 'failed', at: 78, reason: 'jammed' }],
      });
      expect(bench().store.read.attempt(uuid(1))).toEqual(
        anAttempt(1, { settlement: { status: 'success', result }, settledAt: 77, history: [] }),
      );
      expect(bench().store.read.attempt(uuid(2))).toEqual(
        anAttempt(2, {
          settlement: { status: 'error', error },
          settledAt: 78,
          history: [{ state: 'failed', at: 78, reason: 'jammed' }],
        }),
      );
    });

    it('accepts and settles in one commit', async () => {
      await commit(accepted(1), settled(1));
      expect(bench().store.read.attempt(uuid(1))?.settlement?.status).toBe('success');
    });

    it('lists newest first, by page, by device and by id', async () => {
      const devices = [deviceA, deviceB, deviceA, deviceB, deviceA];
      await commit(...devices.map((deviceId, index) => accepted(index + 1, { deviceId })));
      const seqs = (query: Parameters<StoreReader['attempts']>[0]) =>
        bench()
          .store.read.attempts(query)
          .map(({ seq }) => seq);

      expect(seqs({ limit: 10 })).toEqual([5, 4, 3, 2, 1]);
      expect(seqs({ limit: 2 })).toEqual([5, 4]);
      expect(seqs({ limit: 2, beforeSeq: 4 })).toEqual([3, 2]);
      expect(seqs({ limit: 10, deviceId: deviceA })).toEqual([5, 3, 1]);
      expect(seqs({ limit: 1, deviceId: deviceA, beforeSeq: 5 })).toEqual([3]);
      expect(seqs({ limit: 10, actionAttemptIds: [uuid(2), uuid(5), uuid(404)] })).toEqual([5, 2]);
      expect(seqs({ limit: 10, actionAttemptIds: [uuid(2), uuid(5)], deviceId: deviceB })).toEqual([2]);
      expect(seqs({ limit: 10, actionAttemptIds: [uuid(2), uuid(5)], beforeSeq: 5 })).toEqual([2]);
      expect(seqs({ limit: 10, actionAttemptIds: [] })).toEqual([]);
      expect(seqs({ limit: 10, deviceId: 'nobody' })).toEqual([]);
    });

    it('lists by type and by status', async () => {
      const lock = { actionType: 'LOCK_DOOR' } as const;
      await commit(accepted(1), accepted(2, lock), accepted(3), accepted(4, lock), accepted(5));
      await commit(settled(1), settled(2), {
        kind: 'attempt_settled',
        actionAttemptId: uuid(3),
        settlement: { status: 'error', error: { type: 'lock_jammed', message: '' } },
        settledAt: 1,
        history: [],
      });
      const seqs = (query: Omit<Parameters<StoreReader['attempts']>[0], 'limit'>) =>
        bench()
          .store.read.attempts({ limit: 10, ...query })
          .map(({ seq }) => seq);

      expect(seqs({ actionTypes: ['LOCK_DOOR'] })).toEqual([4, 2]);
      expect(seqs({ actionTypes: ['UNLOCK_DOOR', 'LOCK_DOOR'] })).toEqual([5, 4, 3, 2, 1]);
      expect(seqs({ actionTypes: [] })).toEqual([]);
      expect(seqs({ status: 'pending' })).toEqual([5, 4]);
      expect(seqs({ status: 'success' })).toEqual([2, 1]);
      expect(seqs({ status: 'error', deviceId: deviceA })).toEqual([3]);
      expect(seqs({ status: 'pending', actionTypes: ['LOCK_DOOR'], beforeSeq: 5 })).toEqual([4]);
      expect(seqs({ status: 'success', actionAttemptIds: [uuid(1), uuid(4)] })).toEqual([1]);
    });

    it('orders by sequence though ids and acceptance times say otherwise', async () => {
      await commit(
        accepted(1, { actionAttemptId: uuid(900), acceptedAt: 900 }),
        accepted(2, { actionAttemptId: uuid(100), acceptedAt: 100 }),
      );
      expect(
        bench()
          .store.read.attempts({ limit: 2 })
          .map(({ seq }) => seq),
      ).toEqual([2, 1]);
      expect(
        bench()
          .store.read.pendingAttempts()
          .map(({ seq }) => seq),
      ).toEqual([1, 2]);
    });

    it('tells the pending ones in order of acceptance, and the newest settled one of a device', async () => {
      await commit(accepted(1), accepted(2), accepted(3, { deviceId: deviceB }), accepted(4), accepted(5));
      await commit(settled(4), settled(3));
      await commit(settled(2));
      expect(
        bench()
          .store.read.pendingAttempts()
          .map(({ seq }) => seq),
      ).toEqual([1, 5]);
      expect(bench().store.read.lastSettledAttempt(deviceA)?.seq).toBe(4);
      expect(bench().store.read.lastSettledAttempt(deviceB)?.seq).toBe(3);
      expect(bench().store.read.lastSettledAttempt('nobody')).toBeUndefined();
      expect(bench().store.read.highestSeq()).toBe(5);
    });
  });
}
