import { describe, expect, it } from 'vitest';
import type { AttemptLife, WireAttempt } from '../kit/sdk/api-caller.ts';
import { judgeDoor, judgeFinal, judgeKeypad } from '../peers/kit/kill-judge.ts';
import type { LockRecord } from '../peers/kit/lock-process.ts';

/** Killed once, 500 ms after the first request. */
const kills = [1_500];

const lock = (change: Partial<LockRecord> = {}): LockRecord => ({
  slug: 'door',
  bolt: 'unlocked',
  commands: [{ at: 1_010, command: 'UNLOCK' }],
  movements: [{ at: 1_060, from: 'locked', to: 'unlocked' }],
  pins: [],
  ...change,
});

const attempt = (change: Partial<WireAttempt> = {}): WireAttempt => ({
  action_attempt_id: 'a',
  action_type: 'UNLOCK_DOOR',
  status: 'success',
  result: { was_confirmed_by_device: true },
  error: null,
  ...change,
});

const life = (change: Partial<WireAttempt> = {}, acceptedAt = 1_000, settledAt = 1_080): AttemptLife => ({
  attempt: attempt(change),
  deviceId: 'd',
  acceptedAt,
  settledAt,
  states: [],
});

const failed = (type: string) => ({ status: 'error' as const, result: null, error: { type, message: '' } });

describe('the judge of kills', () => {
  it('has nothing to say of a command that was sent, seen and told', () => {
    expect(judgeDoor({ lock: lock(), lives: [life()], kills })).toEqual([]);
  });

  it.each<[string, Partial<LockRecord>, readonly AttemptLife[]]>([
    ['twice in one life', { commands: [1_010, 1_050].map((at) => ({ at, command: 'UNLOCK' as const })) }, [life()]],
    [
      'again after the kill',
      { commands: [1_010, 2_400].map((at) => ({ at, command: 'UNLOCK' as const })) },
      [life({}, 1_000, 3_000)],
    ],
    ['for one that says it was not sent', {}, [life(failed('expired'))]],
    ['for nobody', {}, []],
    [
      'three times, where a LOCK may be sent once more',
      { commands: [1_010, 1_020, 1_030].map((at) => ({ at, command: 'LOCK' as const })), movements: [] },
      [life({ action_type: 'LOCK_DOOR', ...failed('outcome_unknown') })],
    ],
  ])('finds a command that came %s', (_what, change, lives) => {
    expect(judgeDoor({ lock: lock(change), lives, kills })).toEqual([
      expect.stringMatching(/^door: P3 .*LOCK came at/),
    ]);
  });

  it('lets a LOCK come twice, and one that nobody knows about come or not', () => {
    const unknown = life({ action_type: 'LOCK_DOOR', ...failed('outcome_unknown') });
    for (const times of [0, 1, 2]) {
      const commands = Array.from({ length: times }, (_, index) => ({ at: 1_010 + index, command: 'LOCK' as const }));
      expect(judgeDoor({ lock: lock({ commands, movements: [] }), lives: [unknown], kills })).toEqual([]);
    }
  });

  it('gives each command to one attempt alone, where two overlap', () => {
    const two = [life({}, 1_000, 1_080), life({}, 1_005, 1_200)];
    expect(judgeDoor({ lock: lock(), lives: two, kills })).toEqual([
      expect.stringMatching(/P4 1 of 2 confirmed UNLOCK never came/),
    ]);
  });

  it('finds a success whose bolt stood elsewhere all the while', () => {
    const still = lock({ movements: [{ at: 5_000, from: 'locked', to: 'unlocked' }] });
    expect(judgeDoor({ lock: still, lives: [life()], kills })).toEqual([expect.stringMatching(/P4 was not unlocked/)]);
  });

  it('finds what a keypad holds too much, lacks, or is not told of', () => {
    const wanted = { oneOf: [['1111'], ['2222', '3333']], may: [] };
    expect(judgeKeypad(lock({ pins: ['3333', '1111'] }), ['1111', '3333'], wanted)).toEqual([]);
    expect(judgeKeypad(lock({ pins: ['1111'] }), ['1111'], wanted).join()).toMatch(/one of 2222,3333/);
    expect(judgeKeypad(lock({ pins: ['1111', '2222', '3333'] }), ['1111', '2222', '3333'], wanted).join()).toMatch(
      /one of 2222,3333/,
    );
    expect(judgeKeypad(lock({ pins: ['1111', '2222', '9999'] }), ['1111', '2222', '9999'], wanted).join()).toMatch(
      /still holds 9999/,
    );
    expect(judgeKeypad(lock({ pins: ['1111', '2222'] }), ['1111'], wanted).join()).toMatch(/tells of 1111/);
  });

  it('finds an answered attempt that is gone, and an end that is another', () => {
    expect(judgeFinal(attempt(), attempt())).toEqual([]);
    expect(judgeFinal(attempt({ status: 'pending' }), attempt(failed('gateway_restarted')))).toEqual([]);
    expect(judgeFinal(attempt(), undefined)).toEqual([expect.stringMatching(/^P1/)]);
    expect(judgeFinal(attempt(), attempt(failed('expired')))).toEqual([expect.stringMatching(/^P6/)]);
  });
});
