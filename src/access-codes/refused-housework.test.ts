import { describe, expect, it, vi } from 'vitest';
import { day, hour, keypadHouse } from '../../test/kit/locks/keypad-house.ts';
import { keypadStay } from '../../test/kit/locks/keypad-stay.ts';
import { GatewayError } from '../contract/index.ts';
import type { AccessCodeRecord } from '../model/records.ts';
import type { MemoryStore } from '../store/memory-store.ts';

/* What the gateway decides by itself, and a disk that refuses it: nothing is shown that a restart would not know. */

const minute = 60_000;

/** Refuses the first commit that writes so of a code. */
function refuseOnce(store: MemoryStore, writesSo: (code: AccessCodeRecord) => boolean) {
  const commit = store.commit.bind(store);
  let refused = 0;
  vi.spyOn(store, 'commit').mockImplementation((changes) => {
    const isIt = changes.some((change) => change.kind === 'access_code_put' && writesSo(change.code));
    if (!isIt || refused > 0) return commit(changes);
    refused += 1;
    return Promise.reject(new GatewayError('storage_unavailable', 'The disk is full.'));
  });
  return () => refused;
}

describe('housework that the disk refuses', () => {
  it('is taken back, and done a minute later', async () => {
    const { clock, codes, create, store, keypad } = await keypadStay();
    const { code } = await create('0472', 0, 3 * hour);
    await clock.advance(2 * hour);
    expect(keypad.opens('0472')).toBe(true);
    keypad.reachable = false;
    const refused = refuseOnce(store, ({ removal }) => removal?.cause === 'ended');
    await clock.advance(hour + 1_000);
    expect(refused()).toBe(1);
    expect(codes.get(code.accessCodeId)?.removal).toBeUndefined();
    expect(store.read.accessCode(code.accessCodeId)?.removal).toBeUndefined();
    await clock.advance(2 * minute);
    expect(store.read.accessCode(code.accessCodeId)?.removal).toMatchObject({ cause: 'ended' });
    keypad.reachable = true;
    await clock.advance(hour);
    expect(codes.get(code.accessCodeId)).toBeUndefined();
    expect(keypad.opens('0472')).toBe(false);
  });

  it('does not forget that a code was used', async () => {
    const { clock, codes, create, end, lock, store } = await keypadStay();
    // Of one that was used up its removal would be written soon, whatever became of this.
    const { attempt, code } = await create('0472', 0, 5 * hour, { maxUses: 2 });
    await clock.until(end(attempt));
    const refused = refuseOnce(store, ({ uses }) => uses === 1);
    lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 1 });
    await clock.advance(1_000);
    expect(refused()).toBe(1);
    expect(codes.get(code.accessCodeId)?.uses).toBe(1);
    expect(store.read.accessCode(code.accessCodeId)?.uses).toBeUndefined();
    await clock.advance(2 * minute);
    expect(store.read.accessCode(code.accessCodeId)?.uses).toBe(1);
  });

  it('takes no code off a lock before it is written down that it goes, nor says so', async () => {
    const { clock, core, codes, store, keypad } = await keypadStay({ settings: { backupCodes: 1 } });
    const deleted = () =>
      core.attempts
        .list({ limit: 100, actionTypes: ['DELETE_ACCESS_CODE'] })
        .map(({ settlement }) => settlement?.status);
    await clock.advance(minute);
    const [backup = ''] = [...keypad.entries.values()].map(({ digits }) => digits);
    expect([keypad.opens(backup), codes.backupPoolOf('front').ready]).toEqual([true, 1]);
    const refused = refuseOnce(store, ({ removal }) => removal?.cause === 'requested');
    await core.administration.update('front', { backupPool: false });
    await clock.advance(10_000);
    expect([refused(), keypad.opens(backup)]).toEqual([1, true]);
    expect(deleted()).toEqual([]);
    await clock.advance(2 * minute);
    expect(keypad.opens(backup)).toBe(false);
    expect(deleted()).toEqual(['success']);
  });

  it('remembers grants that are gone as the disk does', async () => {
    const { clock, core, store, begin } = await keypadHouse({ doors: ['front'] });
    await clock.advance(10_000);
    const request = { user: { fullName: 'Ana' }, deviceIds: ['front'], spaceIds: [], requests: [{}] };
    const { accessGrantId } = await clock.until(core.accessGrants.create(request));
    await clock.advance(hour);
    await clock.until(core.accessGrants.delete(accessGrantId));
    await clock.advance(31 * day);
    await core.stop(0);
    const left = store.crash();
    left.failNext();
    const after = await begin(left);
    await clock.advance(minute);
    // Repeated, the deletion does no harm as long as it is remembered.
    const known = after.store.read.accessGrants().some((grant) => grant.accessGrantId === accessGrantId);
    const repeated = await clock.until(
      after.core.accessGrants.delete(accessGrantId).then(
        () => true,
        () => false,
      ),
    );
    expect(repeated).toBe(known);
  });
});

describe('a space that a key is restricted to', () => {
  it('reaches a door once that is on the disk, and loses one at once', async () => {
    const { clock, core, commit, store } = await keypadHouse();
    await clock.advance(10_000);
    const { spaceId } = await clock.until(core.spaces.create({ name: 'Flat', deviceIds: ['front'] }));
    const doors = () => [...core.spaces.keptDoors(spaceId)].sort();
    expect(doors()).toEqual(['front']);
    commit.ms = 50;
    const joins = core.spaces.addDevices(spaceId, ['side']);
    expect(core.spaces.get(spaceId)?.deviceIds).toEqual(['front', 'side']);
    expect(doors()).toEqual(['front']);
    await clock.until(joins);
    expect(doors()).toEqual(['front', 'side']);
    const leaves = core.spaces.removeDevices(spaceId, ['front']);
    expect(doors()).toEqual(['side']);
    await clock.until(leaves);
    store.failNext();
    const refused = core.spaces.addDevices(spaceId, ['front']).catch((error: unknown) => error);
    expect(doors()).toEqual(['side']);
    expect(await clock.until(refused)).toMatchObject({ type: 'storage_unavailable' });
    expect(doors()).toEqual(['side']);
    const made = core.spaces.create({ name: 'Other', deviceIds: ['front'], key: 'other' });
    const other = core.spaces.withKey('other')?.spaceId ?? '';
    expect(core.spaces.keptDoors(other)).toEqual([]);
    await clock.until(made);
    expect(core.spaces.keptDoors(other)).toEqual(['front']);
  });

  it('knows after a restart what is on the disk', async () => {
    const { clock, core, store, begin } = await keypadHouse();
    const { spaceId } = await clock.until(core.spaces.create({ name: 'Flat', deviceIds: ['front'] }));
    await core.stop(0);
    expect((await begin(store.crash())).core.spaces.keptDoors(spaceId)).toEqual(['front']);
  });
});
