import { describe, expect, it } from 'vitest';
import { scriptedCore } from '../../test/kit/core-fixture.ts';
import { SimulatedClock } from '../../test/kit/simulated-clock.ts';
import { TimedKeypad } from '../../test/kit/timed-keypad.ts';
import { Secret } from '../contract/index.ts';
import { type AccessCodeSettings, usualSettings } from './settings.ts';

const minute = 60_000;
const hour = 60 * minute;

interface Options {
  readonly settings?: Partial<AccessCodeSettings>;
  readonly native?: boolean;
  readonly slots?: number;
  readonly showsCodes?: boolean;
}

async function stay({ settings, native = false, slots = 6, showsCodes = true }: Options = {}) {
  const clock = new SimulatedClock();
  const keypad = new TimedKeypad({ clock, trueTime: () => clock.wallTime(), slots, native, showsCodes });
  const source = { right: false };
  const fixture = await scriptedCore({
    clock,
    keypad,
    accessCodes: { ...usualSettings, ...settings },
    timeSource: { isSynchronised: async () => source.right },
  });
  const { core, origin, end } = fixture;
  const codes = core.accessCodes;
  const create = (code: string | undefined, from?: number, until?: number, more: object = {}) =>
    codes.create(
      {
        deviceId: 'front',
        ...(code !== undefined && { code: new Secret(code) }),
        ...(from !== undefined && { startsAt: clock.wallTime() + from }),
        ...(until !== undefined && { endsAt: clock.wallTime() + until }),
        ...more,
      },
      origin(),
    );
  const digits = () => [...keypad.entries.values()].map((entry) => entry.digits).sort();
  const told = (accessCodeId: string) =>
    core.events
      .list({ limit: 200, accessCodeIds: [accessCodeId] })
      .map(({ eventType }) => eventType.replace('access_code.', ''));
  await clock.advance(10_000);
  return { ...fixture, clock, keypad, source, codes, create, digits, told, end };
}

describe('a code with times', () => {
  it('is a success at once, written an hour before its start, and gone at its end', async () => {
    const { clock, codes, core, create, digits, told } = await stay();
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
    const { clock, codes, core, create, keypad, told } = await stay({ native: true });
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
    const { codes, origin } = await stay();
    await expect(codes.create({ deviceId: 'front', ...times }, origin())).rejects.toThrow(message);
  });

  it('may share digits with one at another time, when that is switched on, and waits for it to be gone', async () => {
    const { clock, create, digits } = await stay({ settings: { duplicates: 'refuse_overlapping' } });
    await create('0472', 0, 2 * hour);
    await expect(create('0472', hour, 4 * hour)).rejects.toMatchObject({ type: 'duplicate_access_code' });
    const { code } = await create('0472', 2 * hour, 4 * hour);
    await clock.advance(hour + minute);
    expect(code.status).toBe('unset');
    await clock.advance(hour);
    expect(digits()).toEqual(['0472']);
    await clock.advance(2 * hour);
    expect(digits()).toEqual([]);
  });

  it('waits for one that goes at the same time, where there is room for one', async () => {
    const { clock, create, digits, told } = await stay({ slots: 1 });
    const { code } = await create('6284', 3 * hour, 4 * hour);
    await create('0472', 0, 2 * hour);
    await clock.advance(2 * hour + 10_000);
    expect(digits()).toEqual(['6284']);
    expect(told(code.accessCodeId)).toEqual(['created', 'set_on_device']);
  });

  it('that is for one use goes after it', async () => {
    const { clock, create, digits, end, lock } = await stay();
    const { attempt } = await create('0472', 0, 5 * hour, { isOneTimeUse: true });
    await clock.until(end(attempt));
    await clock.until(end((await create('7391')).attempt));
    for (const slot of [1, 2]) lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot });
    await clock.advance(minute);
    expect(digits()).toEqual(['7391']);
  });

  it('leaves alone what somebody else put into its slot, also when it goes itself', async () => {
    const { clock, codes, create, digits, end, keypad, origin } = await stay();
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
    const { clock, codes, create, end, keypad, origin } = await stay();
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
    const { clock, codes, create, end, keypad, origin } = await stay({ slots: 1 });
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
    const { clock, codes, create, digits, end, keypad, origin } = await stay({ native: true, slots: 2 });
    keypad.byHand(1, '7777');
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    const update = await codes.update(code.accessCodeId, { code: new Secret('6284') }, origin());
    expect((await clock.until(end(update))).settlement?.status).toBe('success');
    expect(digits()).toEqual(['6284', '7777']);
  });

  it('that takes the old away tells nobody that others did, though the lock’s answer was lost', async () => {
    const { clock, codes, create, digits, end, keypad, lock, origin, told } = await stay();
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
    const { clock, codes, create, end, origin, digits } = await stay();
    const { attempt, code } = await create('0472', 0, 5 * hour);
    await clock.until(end(attempt));
    const update = await codes.update(code.accessCodeId, { endsAt: clock.wallTime() + hour }, origin());
    expect(update.settlement?.status).toBe('success');
    await clock.advance(hour + minute);
    expect(digits()).toEqual([]);
  });

  it('of a code whose lock is away ends device_offline, and is done when the lock is back', async () => {
    const { clock, codes, create, end, origin, keypad, lock, digits } = await stay();
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

describe('a spare code', () => {
  it('lies on the lock unseen, and is given to a guest whose code could not be written, until that one’s end', async () => {
    const { clock, codes, create, digits, keypad, told } = await stay({ settings: { backupCodes: 1 } });
    await clock.advance(minute);
    const [spare] = digits();
    expect(spare).toMatch(/^\d{6}$/);
    expect(codes.list()).toEqual([]);
    keypad.faults.push(...Array(40).fill('refused'));
    const { code } = await create('0472', 0, 3 * hour, { useBackupPool: true });
    await clock.advance(minute);
    expect(codes.get(code.accessCodeId)?.errors).toMatchObject([{ code: 'failed_to_set_on_device' }]);
    expect(codes.isBackupAvailable(code)).toBe(true);
    const { backup } = await codes.pullBackup(code.accessCodeId);
    expect(codes.reveal(backup)?.reveal()).toBe(spare);
    expect((await codes.pullBackup(code.accessCodeId)).backup.accessCodeId).toBe(backup.accessCodeId);
    expect(told(code.accessCodeId)).toContain('backup_access_code_pulled');
    expect(codes.get(code.accessCodeId)).toMatchObject({
      pulledBackupAccessCodeId: backup.accessCodeId,
      warnings: expect.arrayContaining([expect.objectContaining({ code: 'using_backup_access_code' })]),
    });
    keypad.faults.length = 0;
    await clock.advance(3 * hour + 10 * minute);
    expect(digits()).not.toContain(spare);
    expect(digits()).toHaveLength(1);
  });

  it('stays with a guest whose stay is given no end, and goes when it is given one again', async () => {
    const { clock, codes, create, digits, end, origin } = await stay({ settings: { backupCodes: 1 } });
    await clock.advance(minute);
    const [spare] = digits();
    const { attempt, code } = await create('0472', 0, 3 * hour, { useBackupPool: true });
    await clock.until(end(attempt));
    await codes.pullBackup(code.accessCodeId);
    await codes.update(code.accessCodeId, { startsAt: null, endsAt: null }, origin());
    await clock.advance(5 * hour);
    expect(digits()).toEqual(expect.arrayContaining(['0472', spare]));
    await codes.update(code.accessCodeId, { endsAt: clock.wallTime() + hour }, origin());
    await clock.advance(2 * hour);
    expect(digits()).not.toContain(spare);
    expect(digits()).not.toContain('0472');
  });

  it('is refused to a code that was not made for it', async () => {
    const { clock, codes, create } = await stay({ settings: { backupCodes: 1 } });
    await clock.advance(minute);
    const { code } = await create('0472');
    await expect(codes.pullBackup(code.accessCodeId)).rejects.toMatchObject({ type: 'invalid_input' });
  });
});

describe('a code that somebody took off the lock', () => {
  it.each([
    ['while nothing else is done', minute],
    // The lock answers after half a second, and the answer comes a tenth later.
    ['while it is being read, and was seen', 550],
  ])('%s is back at once when the lock says so', async (_, readingForMs) => {
    const { clock, create, digits, keypad, lock, told } = await stay();
    const { code } = await create('0472');
    await clock.advance(minute);
    lock.report({ kind: 'code_slot', slot: 1, occupied: true });
    await clock.advance(readingForMs);
    keypad.byHand(1, undefined);
    lock.report({ kind: 'code_slot', slot: 1, occupied: false });
    await clock.advance(10_000);
    expect(digits()).toEqual(['0472']);
    expect(told(code.accessCodeId)).toContain('deleted_external_to_seam');
  });
});

describe('a code that somebody else put on the lock', () => {
  it('is looked for without keeping a door waiting', async () => {
    const { clock, codes, core, keypad, lock, origin } = await stay();
    keypad.byHand(2, '7777');
    keypad.reachable = false;
    lock.report({ kind: 'code_slot', slot: 2, occupied: true });
    await clock.advance(100);
    const door = await core.doors.unlock('front', origin());
    await clock.advance(10);
    expect(core.attempts.get(door.actionAttemptId)?.settlement?.status).toBe('success');
    keypad.reachable = true;
    await clock.advance(5_000);
    expect(codes.unmanaged.list('front')).toHaveLength(1);
  });

  it('is shown and left alone, deleted or taken over when asked', async () => {
    const { clock, codes, digits, end, keypad, lock, origin, told } = await stay();
    for (const [slot, code] of [
      [2, '7777'],
      [3, '8888'],
    ] as const) {
      keypad.byHand(slot, code);
      lock.report({ kind: 'code_slot', slot, occupied: true });
    }
    await clock.advance(minute);
    const [first, second] = codes.unmanaged.list('front');
    expect([first, second].map((code) => code && codes.unmanaged.reveal(code)?.reveal())).toEqual(['7777', '8888']);
    await clock.until(end(await codes.unmanaged.delete(first?.accessCodeId ?? '', origin())));
    expect(digits()).toEqual(['8888']);
    const ours = await codes.unmanaged.convert(second?.accessCodeId ?? '');
    expect(ours).toMatchObject({ status: 'set', accessCodeId: second?.accessCodeId });
    expect(codes.unmanaged.list()).toEqual([]);
    expect(told(first?.accessCodeId ?? '')).toEqual(['unmanaged.created', 'unmanaged.removed']);
    await clock.until(end(await codes.delete(ours.accessCodeId, origin())));
    expect(digits()).toEqual([]);
  });

  it('is not deleted in place of another that stands there by now, told by its name where digits are hidden', async () => {
    const { clock, codes, digits, end, keypad, lock, origin } = await stay({ native: true, showsCodes: false });
    keypad.byHand(2, '7777');
    lock.report({ kind: 'code_slot', slot: 2, occupied: true });
    await clock.advance(minute);
    const [found] = codes.unmanaged.list();
    keypad.byHand(2, '8888');
    const removal = await clock.until(end(await codes.unmanaged.delete(found?.accessCodeId ?? '', origin())));
    expect(removal.settlement).toMatchObject({ error: { type: 'slot_conflict' } });
    expect(digits()).toEqual(['8888']);
  });

  it('is left alone where ours was stored wrong and replaced before it could be cleared', async () => {
    const { clock, create, digits, keypad } = await stay();
    keypad.faults.push('stored_wrong');
    await create('0472');
    await clock.advance(3_100);
    expect(digits()).toEqual(['4720']);
    keypad.byHand(1, '7777');
    await clock.advance(2 * minute);
    expect(digits()).toEqual(['0472', '7777']);
  });

  it('in a slot of ours that the lock gave to another of ours is seen as ours gone', async () => {
    const { clock, create, digits, keypad, told } = await stay({ native: true });
    const { code } = await create('0472');
    await clock.advance(minute);
    keypad.byHand(1, undefined);
    await create('6284');
    await clock.advance(minute);
    expect(digits()).toEqual(['0472', '6284']);
    expect(told(code.accessCodeId)).toContain('deleted_external_to_seam');
  });

  it('cannot be taken over when the lock hides its digits', async () => {
    const { clock, codes, keypad, lock } = await stay({ showsCodes: false });
    keypad.byHand(2, '7777');
    lock.report({ kind: 'code_slot', slot: 2, occupied: true });
    await clock.advance(minute);
    const [found] = codes.unmanaged.list();
    await expect(codes.unmanaged.convert(found?.accessCodeId ?? '')).rejects.toMatchObject({
      type: 'unsupported_action',
    });
  });
});

describe('a clock in doubt', () => {
  it.each([-3, 3])(
    'by %i hours neither removes living codes nor revives dead ones, until it is confirmed',
    async (hours) => {
      const { clock, core, create, digits, source, end } = await stay();
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
    const { clock, codes, origin, digits } = await stay();
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
