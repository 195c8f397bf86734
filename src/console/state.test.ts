import { afterEach, describe, expect, it } from 'vitest';
import type { Attempt, Box } from './objects.ts';
import { attemptOf, box, connection, endSession, forgetAll, putAttempts, putBox, session, wasEnded } from './state.ts';

const attempt = (status: string, steps: number) =>
  ({
    action_attempt: { action_attempt_id: 'a', action_type: 'LOCK_DOOR', status },
    action_attempt_history: { device_id: 'd', history: Array.from({ length: steps }) },
  }) as unknown as Attempt;

describe('what the page keeps', () => {
  afterEach(forgetAll);

  it.each([
    ['an older list, after the end', attempt('success', 5), attempt('pending', 3)],
    ['an older list, in the middle', attempt('pending', 4), attempt('pending', 2)],
    ['a shorter history of the same end', attempt('error', 6), attempt('error', 5)],
  ])('lets an attempt only go on: %s', (_, newer, older) => {
    for (const order of [
      [newer, older],
      [older, newer],
    ]) {
      for (const one of order) putAttempts([one], { areNew: true });
      expect(attemptOf('a')?.value).toBe(newer);
      forgetAll();
    }
  });

  it('takes no older word of the box, but any of another run of it', () => {
    const at = (boot_id: string, now: string) => ({ boot_id, now }) as Box;
    putBox(at('1', '2026-11-30T10:00:10.000Z'));
    putBox(at('1', '2026-11-30T10:00:00.000Z'));
    expect(box.value?.now).toBe('2026-11-30T10:00:10.000Z');
    putBox(at('2', '2026-11-30T09:00:00.000Z'));
    expect(box.value?.boot_id).toBe('2');
  });

  it('forgets all when a session ends, and says once that it did', () => {
    session.value = {} as never;
    connection.value = { status: 'lost', since: 0 };
    putAttempts([attempt('pending', 1)], { areNew: true });
    endSession();
    expect([session.value, attemptOf('a'), wasEnded.value, connection.value.status]).toEqual([
      undefined,
      undefined,
      true,
      'connecting',
    ]);
    forgetAll();
    // Who signed out is not told so.
    endSession();
    expect(wasEnded.value).toBe(false);
  });
});
