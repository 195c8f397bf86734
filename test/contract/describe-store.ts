import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  aCode,
  accepted,
  anAttempt,
  anIdempotencyRecord,
  anUnmanagedCode,
  aThreshold,
  deviceA,
  deviceB,
  settled,
  uuid,
} from '../kit/store/store-records.ts';
import { describeStoredAttempts } from './describe-store-attempts.ts';
import { describeStoredEvents } from './describe-store-events.ts';
import { describeStoreTrouble } from './describe-store-trouble.ts';
import { describeStoredWebhooks } from './describe-store-webhooks.ts';
import { commitTo, type StoreBench } from './store-bench.ts';

/** What every store must do. */
export function describeStore(name: string, open: () => Promise<StoreBench>): void {
  describe(`${name}: the store's contract`, () => {
    let bench: StoreBench;
    const commit = commitTo(() => bench);

    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.dispose());

    it('is empty at first', () => {
      const { store } = bench;
      expect(store.read.attempt(uuid(1))).toBeUndefined();
      expect(store.read.attempts({ limit: 10 })).toEqual([]);
      expect(store.read.pendingAttempts()).toEqual([]);
      expect(store.read.lastSettledAttempt(deviceA)).toBeUndefined();
      expect(store.read.highestSeq()).toBe(0);
      expect(store.read.accessCodes()).toEqual([]);
      expect(store.read.unmanagedCodes()).toEqual([]);
      expect(store.read.noiseThresholds()).toEqual([]);
      expect(store.read.idempotency('any')).toBeUndefined();
      expect(store.read.fact('any')).toBeUndefined();
      expect(store.read.event(uuid(1, 3))).toBeUndefined();
      expect(store.read.events({ limit: 10 })).toEqual([]);
      expect(store.read.eventsAfter(0, 10)).toEqual([]);
      expect(store.read.highestEventSeq()).toBe(0);
      expect(store.accepting).toBe(true);
    });

    describe('other words', () => {
      it('take the place of those of an attempt that has ended, in every list, and of no other', async () => {
        const { store } = bench;
        await commit(accepted(1), accepted(2));
        await commit(settled(1));
        const reworded = (seq: number) => {
          const before = store.read.attempt(uuid(seq));
          if (before === undefined) throw new Error('it is there');
          return { ...before, actor: { kind: 'cli', name: '(forgotten)' } as const, history: [] };
        };
        const pending = store.read.attempt(uuid(2));
        const ended = reworded(1);
        await commit(
          { kind: 'attempt_reworded', attempt: ended },
          { kind: 'attempt_reworded', attempt: reworded(2) },
          { kind: 'attempt_reworded', attempt: { ...ended, seq: 99, actionAttemptId: uuid(99) } },
        );
        await store.scrub();
        expect(store.read.attempt(uuid(1))).toEqual(ended);
        expect(store.read.attempts({ limit: 10 })).toEqual([pending, ended]);
      });
    });

    describeStoredAttempts(() => bench);

    describe('what else is kept', () => {
      it('keeps access codes, oldest first, replaced in place', async () => {
        const plain = aCode(1);
        const full = aCode(2, {
          deviceId: deviceB,
          name: undefined,
          status: 'unset',
          startsAt: 1_777_629_600_000,
          endsAt: 1_777_716_000_000,
          removal: { cause: 'ended', at: 9 },
          placements: [
            { slot: undefined, label: 'sp-1', sealedCode: Uint8Array.of(7), schedule: undefined, state: 'writing' },
            { slot: 3, label: '', sealedCode: Uint8Array.of(9), schedule: { startsAt: 1, endsAt: 2 }, state: 'held' },
          ],
          pendingMutations: [{ mutationCode: 'deferring_creation', message: 'Later.', createdAt: 4, scheduledAt: 5 }],
          errors: [{ code: 'failed_to_set_on_device', message: 'Front door did not answer.', at: 5 }],
          warnings: [{ code: 'delay_in_setting_on_device', message: 'It is late.', at: 6 }],
          scheduledOnDevice: true,
          preferNativeScheduling: false,
          oneTimeUse: true,
          commonCodeKey: 'stay',
          useBackupPool: true,
          backup: { pulledFor: uuid(1, 1) },
          pulledBackupAccessCodeId: uuid(3, 1),
        });
        await commit({ kind: 'access_code_put', code: plain }, { kind: 'access_code_put', code: full });
        expect(bench.store.read.accessCode(plain.accessCodeId)).toEqual(plain);
        expect(bench.store.read.accessCode(full.accessCodeId)).toEqual(full);

        const changed = { ...plain, placements: [], status: 'set', sealedCode: new Uint8Array(0) } as const;
        await commit({ kind: 'access_code_put', code: changed });
        expect(bench.store.read.accessCodes()).toEqual([changed, full]);
        expect(bench.store.read.accessCodes(deviceB)).toEqual([full]);

        await commit({ kind: 'access_code_removed', accessCodeId: plain.accessCodeId });
        await commit({ kind: 'access_code_removed', accessCodeId: plain.accessCodeId });
        expect(bench.store.read.accessCodes()).toEqual([full]);
      });

      it('keeps codes that are not ours, oldest first, per device', async () => {
        const one = anUnmanagedCode(1, { name: undefined, sealedCode: undefined });
        const two = anUnmanagedCode(2, { deviceId: deviceB });
        const changed = { ...one, slot: 9, name: 'Cleaner', sealedCode: Uint8Array.of(1) };
        await commit({ kind: 'unmanaged_code_put', code: one }, { kind: 'unmanaged_code_put', code: two });
        expect(bench.store.read.unmanagedCodes()).toEqual([one, two]);
        await commit({ kind: 'unmanaged_code_put', code: changed });
        expect(bench.store.read.unmanagedCodes(deviceA)).toEqual([changed]);
        expect(bench.store.read.unmanagedCodes(deviceB)).toEqual([two]);
        await commit({ kind: 'unmanaged_code_removed', accessCodeId: two.accessCodeId });
        expect(bench.store.read.unmanagedCodes()).toEqual([changed]);
      });

      it('keeps noise thresholds, oldest first, replaced in place', async () => {
        const first = aThreshold(1);
        const second = aThreshold(2, { deviceId: deviceB });
        await commit(
          { kind: 'noise_threshold_put', threshold: first },
          { kind: 'noise_threshold_put', threshold: second },
        );
        const louder = { ...first, decibels: 70, name: 'Louder' };
        await commit({ kind: 'noise_threshold_put', threshold: louder });
        expect(bench.store.read.noiseThresholds()).toEqual([louder, second]);
        expect(bench.store.read.noiseThresholds(deviceB)).toEqual([second]);
        expect(bench.store.read.noiseThreshold(first.noiseThresholdId)).toEqual(louder);
        await commit({ kind: 'noise_threshold_removed', noiseThresholdId: first.noiseThresholdId });
        expect(bench.store.read.noiseThresholds()).toEqual([second]);
      });

      it('keeps idempotency records and facts, the newest of a name', async () => {
        await commit({ kind: 'idempotency_put', record: anIdempotencyRecord(1) });
        await commit({ kind: 'idempotency_put', record: anIdempotencyRecord(1, { fingerprint: 'other' }) });
        await commit({ kind: 'fact_put', name: 'clock', value: '1' }, { kind: 'fact_put', name: 'clock', value: '2' });
        expect(bench.store.read.idempotency('scope-1')).toEqual(anIdempotencyRecord(1, { fingerprint: 'other' }));
        expect(bench.store.read.fact('clock')).toBe('2');
        const names = ['of:a', 'of:b', 'off', 'Of:c', 'of'];
        await commit(...names.map((name) => ({ kind: 'fact_put', name, value: '1' }) as const));
        expect(bench.store.read.factNames('of:').sort()).toEqual(['of:a', 'of:b']);
        await commit({ kind: 'fact_put', name: 'of:b', value: '2' });
        expect([...bench.store.read.facts('of:')].sort()).toEqual([
          ['of:a', '1'],
          ['of:b', '2'],
        ]);
        await commit({ kind: 'fact_removed', name: 'clock' }, { kind: 'fact_removed', name: 'never put' });
        expect(bench.store.read.fact('clock')).toBeUndefined();
      });
    });

    describeStoredEvents(() => bench);

    describeStoredWebhooks(() => bench);

    describe('commits', () => {
      it('keeps all of a commit or nothing of it', async () => {
        await commit(accepted(1), settled(1));
        const refused = commit(
          accepted(2),
          { kind: 'access_code_put', code: aCode(1) },
          { kind: 'fact_put', name: 'clock', value: '1' },
          settled(1),
        );
        await expect(refused).rejects.toMatchObject({ name: 'GatewayError', type: 'internal_error' });
        expect(bench.store.read.attempt(uuid(2))).toBeUndefined();
        expect(bench.store.read.accessCodes()).toEqual([]);
        expect(bench.store.read.fact('clock')).toBeUndefined();
        expect(bench.store.read.highestSeq()).toBe(1);
      });

      it('changes a final attempt no more', async () => {
        await commit(accepted(1), settled(1));
        const final = bench.store.read.attempt(uuid(1));
        await expect(commit(settled(1, 99))).rejects.toThrow(uuid(1));
        await expect(commit({ kind: 'attempt_intent', actionAttemptId: uuid(1), history: [] })).rejects.toThrow(
          uuid(1),
        );
        await expect(commit(accepted(1))).rejects.toMatchObject({ type: 'internal_error' });
        expect(bench.store.read.attempt(uuid(1))).toEqual(final);
      });

      it('refuses to settle what was never accepted', async () => {
        await expect(commit(settled(1))).rejects.toMatchObject({ type: 'internal_error' });
      });

      it('refuses a sequence number that was given before', async () => {
        await commit(accepted(1));
        await expect(commit(accepted(1, { actionAttemptId: uuid(2) }))).rejects.toMatchObject({
          type: 'internal_error',
        });
        await expect(commit(accepted(2, { actionAttemptId: uuid(1) }))).rejects.toMatchObject({
          type: 'internal_error',
        });
        expect(bench.store.read.attempts({ limit: 5 })).toEqual([anAttempt(1)]);
      });

      it('lets the others of a group through when one cannot be applied', async () => {
        await commit(accepted(1), settled(1));
        const outcomes = await bench.until(
          Promise.allSettled([
            bench.store.commit([accepted(2)]),
            bench.store.commit([accepted(3), settled(1)]),
            bench.store.commit([accepted(4)]),
          ]),
        );
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
        expect(bench.store.read.attempts({ limit: 10 }).map(({ seq }) => seq)).toEqual([4, 2, 1]);
      });

      it('shows nothing before it is committed', async () => {
        const pending = bench.store.commit([accepted(1)]);
        expect(bench.store.read.attempt(uuid(1))).toBeUndefined();
        await bench.until(pending);
        expect(bench.store.read.attempt(uuid(1))).toBeDefined();
      });

      it('commits what was given, whatever becomes of the objects afterwards', async () => {
        const history = [{ state: 'accepted', at: 1, reason: 'as it was' }];
        const pending = bench.store.commit([accepted(1, { history })]);
        history.push({ state: 'sending', at: 2, reason: 'added later' });
        await bench.until(pending);
        expect(bench.store.read.attempt(uuid(1))?.history).toHaveLength(1);
      });

      it('applies commits in the order in which they were asked for', async () => {
        const order: string[] = [];
        const done = ['a', 'b', 'c', 'd'].map((value) =>
          bench.store.commit([{ kind: 'fact_put', name: 'last', value }]).then(() => order.push(value)),
        );
        await bench.until(Promise.all(done));
        expect(order).toEqual(['a', 'b', 'c', 'd']);
        expect(bench.store.read.fact('last')).toBe('d');
      });

      it('groups: one batch in flight, all that arrives meanwhile rides the next', async () => {
        const before = bench.store.stats;
        const first = bench.store.commit([accepted(1)]);
        await Promise.resolve();
        await Promise.resolve();
        const others = Array.from({ length: 40 }, (_, index) => bench.store.commit([accepted(index + 2)]));
        await bench.until(Promise.all([first, ...others]));
        expect(bench.store.stats).toEqual({ batches: before.batches + 2, commits: before.commits + 41 });
        expect(bench.store.read.pendingAttempts()).toHaveLength(41);
      });

      it('finishes what is under way on close, and refuses what comes after', async () => {
        const pending = bench.store.commit([accepted(1)]);
        const closing = bench.store.close();
        await bench.until(Promise.all([pending, closing]));
        await expect(bench.store.commit([accepted(2)])).rejects.toMatchObject({ type: 'storage_unavailable' });
        await bench.store.close();
      });
    });

    describeStoreTrouble(() => bench);
  });
}
