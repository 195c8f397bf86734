import { describe, expect, it } from 'vitest';
import { keypadStay } from '../../test/kit/locks/keypad-stay.ts';
import { Secret } from '../contract/index.ts';

const minute = 60_000;
const hour = 60 * minute;

describe('a code with times', () => {
  it('is a success at once, written an hour before its start, and gone at its end', async () => {
    const { clock, codes, core, create, digits, told } = await keypadStay();
    const { attempt, code } = await create('0472', 3 * hour, 5 * hour);
    expect(attempt.settlement).toEqual({ status: 'success', result: { access_code_id: code.accessCodeId } });
    expect(code).toMatchObject({ status: 'unset', pendingMutations: [{ mutationCode: 'deferring_creation' }] });
    await clock.advance(2 * hour - minute);
    expect(digits()).toEqual([]);
    await clock.advance(2 * minute);
    expect(digits()).toEqual(['0472']);
    expect(codes.get(code.accessCodeId)).toMatchObject({ status: 'set', pendingMutations: [] });
    await clock.advance(3 * hour);
    expect(digits()).toEqual([]);
    expect(codes.get(code.accessCodeId)).toBeUndefined();
    expect(told(code.accessCodeId)).toEqual(['created', 'set_on_device', 'removed_from_device', 'deleted']);
    const own = core.attempts.list({ limit: 10 }).filter(({ actor }) => actor.kind === 'schedule');
    expect(own.map(({ actionType }) => actionType)).toEqual(['DELETE_ACCESS_CODE', 'CREATE_ACCESS_CODE']);
  });

  it('is kept by a lock that keeps times, which ends it with the box unplugged', async () => {
    const { clock, codes, core, create, keypad, told } = await keypadStay({ native: true });
    const { code } = await create('0472', 10 * hour, 12 * hour);
    await clock.advance(minute);
    expect(codes.get(code.accessCodeId)).toMatchObject({ status: 'unset', scheduledOnDevice: true });
    expect(keypad.opens('0472')).toBe(false);
    await clock.advance(10 * hour);
    expect(codes.get(code.accessCodeId)).toMatchObject({ status: 'set', scheduledOnDevice: false });
    expect(keypad.opens('0472')).toBe(true);
    expect(told(code.accessCodeId)).toEqual(['created', 'scheduled_on_device', 'set_on_device']);
    await core.stop(0);
    await clock.advance(2 * hour);
    expect(keypad.opens('0472')).toBe(false);
  });

  it.each([
    ['an end without', { startsAt: 1 }, /ends_at/],
    ['an end before its start', { startsAt: 9_000_000_000_000, endsAt: 8_000_000_000_000 }, /after starts_at/],
    ['an end in the past', { startsAt: 1, endsAt: 2 }, /in the past/],
  ])('is refused with %s', async (_, times, message) => {
    const { codes, origin } = await keypadStay();
    await expect(codes.create({ deviceId: 'front', ...times }, origin())).rejects.toThrow(message);
  });

  it('may share digits with one at another time, when that is switched on, and waits for it to be gone', async () => {
    const { clock, create, digits, told } = await keypadStay({ settings: { duplicates: 'refuse_overlapping' } });
    await create('0472', 0, 2 * hour);
    await expect(create('0472', hour, 4 * hour)).rejects.toMatchObject({ type: 'duplicate_access_code' });
    const { code } = await create('0472', 2 * hour, 4 * hour);
    await clock.advance(hour + minute);
    expect(code.status).toBe('unset');
    await clock.advance(hour);
    expect(digits()).toEqual(['0472']);
    expect(told(code.accessCodeId)).toEqual(['created', 'set_on_device']);
    await clock.advance(2 * hour);
    expect(digits()).toEqual([]);
  });

  it('waits for one that goes at the same time, where there is room for one', async () => {
    const { clock, create, digits, told } = await keypadStay({ slots: 1 });
    const { code } = await create('6284', 3 * hour, 4 * hour);
    await create('0472', 0, 2 * hour);
    await clock.advance(2 * hour + 10_000);
    expect(digits()).toEqual(['6284']);
    expect(told(code.accessCodeId)).toEqual(['created', 'set_on_device']);
  });

  it('that is for one use goes after it', async () => {
    const { clock, create, digits, end, lock } = await keypadStay();
    const { attempt } = await create('0472', 0, 5 * hour, { isOneTimeUse: true });
    await clock.until(end(attempt));
    await clock.until(end((await create('7391')).attempt));
    for (const slot of [1, 2]) lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot });
    await clock.advance(minute);
    expect(digits()).toEqual(['7391']);
  });

  it('leaves alone what somebody else put into its slot, also when it goes itself', async () => {
    const { clock, codes, create, digits, end, keypad, origin } = await keypadStay();
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    keypad.byHand(1, '9999');
    const removal = await clock.until(end(await codes.delete(code.accessCodeId, origin())));
    expect(removal.settlement?.status).toBe('success');
    await clock.advance(minute);
    expect(digits()).toEqual(['9999']);
    expect(codes.get(code.accessCodeId)).toBeUndefined();
  });
});

describe('an update', () => {
  it('writes the new, sees it, and takes the old away', async () => {
    const { clock, codes, create, end, keypad, origin } = await keypadStay();
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    const update = await codes.update(code.accessCodeId, { code: new Secret('6284'), name: 'Guest' }, origin());
    expect(codes.get(code.accessCodeId)).toMatchObject({
      name: 'Guest',
      status: 'setting',
      pendingMutations: [{ mutationCode: 'updating_code' }],
    });
    expect((await clock.until(end(update))).settlement?.status).toBe('success');
    expect(keypad.changes.map(({ digits, present }) => `${present ? '+' : '-'}${digits}`)).toEqual([
      '+0472',
      '+6284',
      '-0472',
    ]);
    expect(codes.get(code.accessCodeId)).toMatchObject({ status: 'set', pendingMutations: [] });
  });

  it('takes the old away first where there is no room for both', async () => {
    const { clock, codes, create, end, keypad, origin } = await keypadStay({ slots: 1 });
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    await clock.until(end(await codes.update(code.accessCodeId, { code: new Secret('6284') }, origin())));
    expect(keypad.changes.map(({ digits, present }) => `${present ? '+' : '-'}${digits}`)).toEqual([
      '+0472',
      '-0472',
      '+6284',
    ]);
  });

  it('takes the old away first on a lock that says that it is full', async () => {
    const { clock, codes, create, digits, end, keypad, origin } = await keypadStay({ native: true, slots: 2 });
    keypad.byHand(1, '7777');
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    const update = await codes.update(code.accessCodeId, { code: new Secret('6284') }, origin());
    expect((await clock.until(end(update))).settlement?.status).toBe('success');
    expect(digits()).toEqual(['6284', '7777']);
  });

  it('that takes the old away tells nobody that others did, though the lock’s answer was lost', async () => {
    const { clock, codes, create, digits, end, keypad, lock, origin, told } = await keypadStay();
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    keypad.onWritten = () => {
      keypad.onWritten = () => {};
      keypad.faults.push('answer_lost');
    };
    const update = await codes.update(code.accessCodeId, { code: new Secret('6284') }, origin());
    expect((await clock.until(end(update))).settlement).toMatchObject({ error: { type: 'outcome_unknown' } });
    lock.report({ kind: 'code_slot', slot: 1, occupied: false });
    await clock.advance(minute);
    expect(digits()).toEqual(['6284']);
    expect(told(code.accessCodeId)).not.toContain('deleted_external_to_seam');
  });

  it('of the times alone needs no lock that keeps none', async () => {
    const { clock, codes, create, end, origin, digits } = await keypadStay();
    const { attempt, code } = await create('0472', 0, 5 * hour);
    await clock.until(end(attempt));
    const update = await codes.update(code.accessCodeId, { endsAt: clock.wallTime() + hour }, origin());
    expect(update.settlement?.status).toBe('success');
    await clock.advance(hour + minute);
    expect(digits()).toEqual([]);
  });

  it.each([false, true])(
    'that puts it off is never told as done while the lock opens to it: it keeps times, %s',
    async (native) => {
      const { clock, codes, create, digits, end, origin, keypad } = await keypadStay({ native });
      const { attempt, code } = await create('0472', 0, 5 * hour);
      await clock.until(end(attempt));
      const status = () => codes.get(code.accessCodeId)?.status;
      // Its removal is begun, and gets no answer for a while.
      keypad.reachable = false;
      const startsAt = clock.wallTime() + 3 * hour;
      const update = await codes.update(code.accessCodeId, { startsAt }, origin());
      const seen = new Set<string | undefined>();
      const look = async (times: number) => {
        for (let step = 0; step < times; step++) {
          await clock.advance(50);
          seen.add(status());
          if (status() === 'unset') expect(digits().filter((each) => keypad.opens(each))).toEqual([]);
        }
      };
      await look(400);
      keypad.reachable = true;
      await look(2_400);
      await clock.until(end(update));
      expect(status()).toBe('unset');
      expect(keypad.opens('0472')).toBe(false);
      expect([...seen]).toContain(native ? 'setting' : 'removing');
    },
  );

  it('of a code whose lock is away ends device_offline, and is done when the lock is back', async () => {
    const { clock, codes, create, end, origin, keypad, lock, digits } = await keypadStay();
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    keypad.reachable = false;
    lock.report({ kind: 'health', health: { status: 'offline', reason: 'out_of_range', hint: 'Far away.' } });
    const update = await codes.update(code.accessCodeId, { code: new Secret('6284') }, origin());
    expect((await clock.until(end(update))).settlement).toMatchObject({ error: { type: 'device_offline' } });
    expect(codes.get(code.accessCodeId)?.errors).toMatchObject([{ code: 'failed_to_set_on_device' }]);
    // Its old digits open the door until then: they are nobody else's.
    await expect(create('0472')).rejects.toMatchObject({ type: 'duplicate_access_code' });
    await clock.advance(hour);
    keypad.reachable = true;
    lock.report({ kind: 'health', health: { status: 'online' } });
    await clock.advance(minute);
    expect(digits()).toEqual(['6284']);
    expect(codes.get(code.accessCodeId)).toMatchObject({ status: 'set', errors: [], warnings: [] });
  });
});

describe('a backup code', () => {
  it('lies on the lock unseen, and is given to a guest whose code could not be written, until that one’s end', async () => {
    const { clock, codes, create, digits, keypad, told } = await keypadStay({ settings: { backupCodes: 1 } });
    await clock.advance(minute);
    const [ready] = digits();
    expect(ready).toMatch(/^\d{6}$/);
    expect(codes.list()).toEqual([]);
    keypad.faults.push(...Array(40).fill('refused'));
    const { code } = await create('0472', 0, 3 * hour, { useBackupPool: true });
    await clock.advance(minute);
    expect(codes.get(code.accessCodeId)?.errors).toMatchObject([{ code: 'failed_to_set_on_device' }]);
    expect(codes.isBackupAvailable(code)).toBe(true);
    const { backup } = await codes.pullBackup(code.accessCodeId);
    expect(codes.reveal(backup)?.reveal()).toBe(ready);
    expect((await codes.pullBackup(code.accessCodeId)).backup.accessCodeId).toBe(backup.accessCodeId);
    expect(told(code.accessCodeId)).toContain('backup_access_code_pulled');
    expect(codes.get(code.accessCodeId)).toMatchObject({
      pulledBackupAccessCodeId: backup.accessCodeId,
      warnings: expect.arrayContaining([expect.objectContaining({ code: 'using_backup_access_code' })]),
    });
    keypad.faults.length = 0;
    await clock.advance(3 * hour + 10 * minute);
    expect(digits()).not.toContain(ready);
    expect(digits()).toHaveLength(1);
  });

  it('stays with a guest whose stay is given no end, and goes when it is given one again', async () => {
    const { clock, codes, create, digits, end, origin } = await keypadStay({ settings: { backupCodes: 1 } });
    await clock.advance(minute);
    const [ready] = digits();
    const { attempt, code } = await create('0472', 0, 3 * hour, { useBackupPool: true });
    await clock.until(end(attempt));
    await codes.pullBackup(code.accessCodeId);
    await codes.update(code.accessCodeId, { startsAt: null, endsAt: null }, origin());
    await clock.advance(5 * hour);
    expect(digits()).toEqual(expect.arrayContaining(['0472', ready]));
    await codes.update(code.accessCodeId, { endsAt: clock.wallTime() + hour }, origin());
    await clock.advance(2 * hour);
    expect(digits()).not.toContain(ready);
    expect(digits()).not.toContain('0472');
  });

  it('is kept on the locks that somebody wants it on, and taken off the others', async () => {
    const { clock, codes, core, digits } = await keypadStay();
    const pool = async (backupPool: boolean) => {
      await core.administration.update('front', { backupPool });
      await clock.advance(5 * minute);
      return codes.backupPoolOf('front');
    };
    await clock.advance(minute);
    expect([digits(), codes.backupPoolOf('front')]).toEqual([[], { ready: 0, wanted: 0 }]);
    expect(await pool(true)).toEqual({ ready: 1, wanted: 1 });
    expect(digits()).toHaveLength(1);
    expect(await pool(false)).toEqual({ ready: 0, wanted: 0 });
    expect(digits()).toEqual([]);
    const configured = await keypadStay({ settings: { backupCodes: 2 } });
    await configured.clock.advance(minute);
    await configured.core.administration.update('front', { backupPool: false });
    await configured.clock.advance(5 * minute);
    expect(configured.digits()).toEqual([]);
  });

  it('is refused to a code that was not made for it', async () => {
    const { clock, codes, create } = await keypadStay({ settings: { backupCodes: 1 } });
    await clock.advance(minute);
    const { code } = await create('0472');
    await expect(codes.pullBackup(code.accessCodeId)).rejects.toMatchObject({ type: 'invalid_input' });
  });
});

describe('a clock in doubt', () => {
  it.each([-3, 3])(
    'by %i hours neither removes living codes nor revives dead ones, until it is confirmed',
    async (hours) => {
      const { clock, core, create, digits, source, end } = await keypadStay();
      await clock.until(end((await create('0472', 0, 2 * hour)).attempt));
      await clock.until(end((await create('7391')).attempt));
      const right = clock.wallTime();
      clock.setWallTime(right + hours * hour);
      await clock.advance(20 * minute);
      expect(core.time.confidence).toMatchObject({ confirmed: false, reason: expect.stringContaining('jumped') });
      expect(digits()).toEqual(['0472', '7391']);
      clock.setWallTime(right + 3 * hour);
      source.right = true;
      await clock.advance(2 * minute);
      expect(core.time.confidence).toEqual({ confirmed: true });
      expect(digits()).toEqual(['7391']);
      clock.setWallTime(right);
      await core.time.confirm();
      await clock.advance(20 * minute);
      expect(digits()).toEqual(['7391']);
    },
  );
});

describe('one stay with several doors', () => {
  it('has one code, and the same answer when it is asked for again', async () => {
    const { clock, codes, origin, digits } = await keypadStay();
    const request = { deviceIds: ['front'], commonCodeKey: 'stay', whenNotShareable: 'throw' } as const;
    const first = await codes.createMultiple(request, origin());
    const second = await codes.createMultiple(request, origin());
    expect(second.codes.map(({ accessCodeId }) => accessCodeId)).toEqual(
      first.codes.map(({ accessCodeId }) => accessCodeId),
    );
    await clock.advance(minute);
    expect(digits()).toHaveLength(1);
    const dates = { startsAt: clock.wallTime() + hour, endsAt: clock.wallTime() + 2 * hour };
    for (const other of [dates, { endsAt: dates.endsAt }, { code: new Secret('83561') }]) {
      await expect(codes.createMultiple({ ...request, ...other }, origin())).rejects.toMatchObject({
        type: 'duplicate_access_code',
        message: expect.stringMatching(/update_multiple/),
      });
    }
    await expect(
      codes.createMultiple({ ...request, deviceIds: ['front', 'back'], commonCodeKey: 'other' }, origin()),
    ).rejects.toMatchObject({
      type: 'device_not_found',
    });
    expect(codes.list()).toHaveLength(1);
  });
});
