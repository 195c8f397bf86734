import { describe, expect, it } from 'vitest';
import { keypadStay } from '../../test/kit/locks/keypad-stay.ts';

const minute = 60_000;

describe('a code that somebody took off the lock', () => {
  it.each([
    ['while nothing else is done', minute],
    // The lock answers after half a second, and the answer comes a tenth later.
    ['while it is being read, and was seen', 550],
  ])('%s is back at once when the lock says so', async (_, readingForMs) => {
    const { clock, create, digits, keypad, lock, told } = await keypadStay();
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

describe('a code of ours on a lock that hides its digits', () => {
  const wrote = async (words: readonly boolean[], afterMs: number) => {
    const site = await keypadStay({ showsCodes: false });
    const { clock, create, end, lock, keypad, told } = site;
    const { attempt, code } = await create('0472');
    await clock.advance(afterMs);
    for (const occupied of words) lock.report({ kind: 'code_slot', slot: 1, occupied });
    await clock.until(end(attempt));
    const writes = keypad.entries.get(1);
    await clock.advance(minute);
    const ofCode = told(code.accessCodeId).filter((one) => !one.startsWith('strikeplate.'));
    return { ...site, code, told: ofCode, isAsWritten: keypad.entries.get(1) === writes };
  };

  it.each([
    ['was free', [false]],
    ['was taken', [true]],
    ['was taken, and free', [true, false]],
  ])('is ours still when the lock says late, while it is written, that its slot %s', async (_, words) => {
    for (const afterMs of [1, 300, 600, 900]) {
      const { told, isAsWritten } = await wrote(words, afterMs);
      expect([afterMs, told, isAsWritten]).toEqual([afterMs, ['created', 'set_on_device'], true]);
    }
  });

  it('is not, when the lock says so after it was seen', async () => {
    const { clock, codes, code, keypad, lock } = await wrote([], 1);
    keypad.byHand(1, '9999');
    lock.report({ kind: 'code_slot', slot: 1, occupied: true });
    await clock.advance(5_000);
    expect(codes.unmanaged.list('front')).toMatchObject([{ slot: 1 }]);
    expect(codes.get(code.accessCodeId)?.placements.map(({ slot }) => slot)).not.toContain(1);
  });
});

describe('a code that somebody else put on the lock', () => {
  it('is looked for without keeping a door waiting', async () => {
    const { clock, codes, core, keypad, lock, origin } = await keypadStay();
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

  it.each([
    ['and it says so', true, 10_000],
    ['and it is asked now and then', false, 25 * 60 * minute],
  ])('is found at a device that was changed meanwhile, %s', async (_, saysSo, withinMs) => {
    const { clock, change, codes, keypad, lock } = await keypadStay();
    await clock.until(change());
    await clock.advance(minute);
    keypad.byHand(2, '7777');
    if (saysSo) lock.report({ kind: 'code_slot', slot: 2, occupied: true });
    await clock.advance(withinMs);
    expect(codes.unmanaged.list('front')).toHaveLength(1);
  });

  it('is shown and left alone, deleted or taken over when asked', async () => {
    const { clock, codes, digits, end, keypad, lock, origin, told } = await keypadStay();
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

  it.each([
    ['digits', true],
    ['name', false],
  ])('is not deleted in place of another that stands there by now, told by its %s', async (_, showsCodes) => {
    const { clock, codes, digits, end, keypad, lock, origin } = await keypadStay({ native: true, showsCodes });
    keypad.byHand(2, '7777');
    lock.report({ kind: 'code_slot', slot: 2, occupied: true });
    await clock.advance(minute);
    const [found] = codes.unmanaged.list();
    keypad.byHand(2, '8888');
    const removal = await clock.until(end(await codes.unmanaged.delete(found?.accessCodeId ?? '', origin())));
    expect(removal.settlement).toMatchObject({ error: { type: 'slot_conflict' } });
    expect(digits()).toEqual(['8888']);
  });

  it('makes room once it is deleted, though the lock’s answer was lost', async () => {
    const { clock, codes, create, digits, end, keypad, lock, origin } = await keypadStay({ slots: 1 });
    keypad.byHand(1, '7777');
    lock.report({ kind: 'code_slot', slot: 1, occupied: true });
    await create('0472');
    await clock.advance(minute);
    const [found] = codes.unmanaged.list();
    keypad.faults.push('answer_lost');
    const removal = await clock.until(end(await codes.unmanaged.delete(found?.accessCodeId ?? '', origin())));
    expect(removal.settlement).toMatchObject({ error: { type: 'outcome_unknown' } });
    await clock.advance(10_000);
    expect(codes.unmanaged.list()).toEqual([]);
    expect(digits()).toEqual(['0472']);
  });

  it('is left alone where ours was stored wrong and replaced before it could be cleared', async () => {
    const { clock, create, digits, keypad } = await keypadStay();
    keypad.faults.push('stored_wrong');
    await create('0472');
    await clock.advance(3_100);
    expect(digits()).toEqual(['4720']);
    keypad.byHand(1, '7777');
    await clock.advance(2 * minute);
    expect(digits()).toEqual(['0472', '7777']);
  });

  it('in a slot of ours that the lock gave to another of ours is seen as ours gone', async () => {
    const { clock, create, digits, keypad, told } = await keypadStay({ native: true });
    const { code } = await create('0472');
    await clock.advance(minute);
    keypad.byHand(1, undefined);
    await create('6284');
    await clock.advance(minute);
    expect(digits()).toEqual(['0472', '6284']);
    expect(told(code.accessCodeId)).toContain('deleted_external_to_seam');
  });

  it('cannot be taken over when the lock hides its digits', async () => {
    const { clock, codes, keypad, lock } = await keypadStay({ showsCodes: false });
    keypad.byHand(2, '7777');
    lock.report({ kind: 'code_slot', slot: 2, occupied: true });
    await clock.advance(minute);
    const [found] = codes.unmanaged.list();
    await expect(codes.unmanaged.convert(found?.accessCodeId ?? '')).rejects.toMatchObject({
      type: 'unsupported_action',
    });
  });
});
