import { expect, it } from 'vitest';
import { GatewayError } from '../../../src/contract/index.ts';
import { nukiFixture } from '../../../test/kit/locks/nuki-fixture.ts';
import { fc } from '../../../test/kit/seeded-properties.ts';
import { lockStates } from './catalogue.ts';
import type { NukiMisbehaviour } from './simulator.ts';

/*
 * Random lives of a Nuki: commands, hands, its own relocking, a blocked motor, whatever it may do wrong. What an attempt
 * claims is held against what bolt and latch did.
 */

const wrongs: readonly NukiMisbehaviour[] = [
  'drop_on_challenge',
  'hang_on_challenge',
  'drop_on_action',
  'drop_after_accepted',
  'hang_on_action',
  'ignore_action',
  'silent_on_action',
  'att_error_on_action',
  'never_complete',
  'complete_without_moving',
  'accept_without_moving',
  'keep_the_way_to_itself',
  'reply_before_response',
  'repeat_old_news',
  'repeat_old_news_late',
  'old_state_first',
  'error_about_another',
  'tamper_challenge',
  'tamper_status',
  'refuse_nonce',
];

const step = fc.record({
  action: fc.constantFrom('lock', 'unlock'),
  wrong: fc.option(fc.constantFrom(...wrongs), { nil: undefined, freq: 4 }),
  /** A hand turns it so long before (negative) or after the command, in milliseconds. */
  hand: fc.option(
    fc.record({ afterMs: fc.integer({ min: -4_000, max: 6_000 }), to: fc.constantFrom('locked', 'unlocked') }),
    { nil: undefined, freq: 2 },
  ),
  blocked: fc.constantFrom(false, false, false, true),
  hesitatesMs: fc.constantFrom(0, 0, 3_000),
  pauseMs: fc.integer({ min: 0, max: 30_000 }),
});

const life = fc.record({
  unlock: fc.constantFrom('unlock', 'unlatch'),
  pin: fc.constantFrom(undefined, null),
  as: fc.constantFrom('app', 'bridge'),
  autoLockMs: fc.option(fc.integer({ min: 100, max: 8_000 }), { nil: undefined }),
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
});

async function live({ unlock, pin, as, autoLockMs, steps }: Life): Promise<void> {
  const f = await nukiFixture({
    as,
    settings: { unlock },
    ...(pin === null && { pin }),
    lock: { announcesChanges: false, ...(autoLockMs !== undefined && { autoLockMs }) },
  });
  const { lock, clock } = f;
  try {
    for (const [index, { action, wrong, hand, blocked, hesitatesMs, pauseMs }] of steps.entries()) {
      if (wrong !== undefined) lock.misbehave(wrong);
      lock.bolt.blocked = blocked;
      lock.bolt.hesitatesMs = hesitatesMs;
      const turn = () => {
        if (!lock.bolt.running) lock.turnByHand(hand?.to ?? 'locked');
      };
      if (hand !== undefined && hand.afterMs < 0) {
        turn();
        await clock.advance(-hand.afterMs);
      } else if (hand !== undefined) clock.setTimer(turn, hand.afterMs);
      const began = clock.now();
      const wasThere = action === 'lock' ? lock.bolt.isLocked : lock.bolt.isUnlocked;
      const wasStuck = lock.bolt.state === lockStates.motorBlocked;
      const target = action === 'lock' ? 'locked' : 'unlocked';
      const isLatch = action === 'unlock' && unlock === 'unlatch';
      const outcome = await f.door(action, { attemptId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}` });
      const turns = lock.turns.filter(({ at }) => at > began);
      const moved = turns.some(({ to }) => to === target);
      const pulled = lock.bolt.pulls.some((at) => at > began);
      const byUs = turns.filter(({ by }) => by === 'command').length;
      const what = JSON.stringify({
        index,
        outcome,
        message: (outcome as Error).message,
        turns,
        pulls: lock.bolt.pulls,
        began,
      });
      expect(byUs, what).toBeLessThanOrEqual(1);
      const failure: unknown = outcome;
      if (failure instanceof GatewayError) {
        if (failure.delivery === 'not_sent') expect(byUs, what).toBe(0);
        if (failure.type === 'state_not_reached')
          expect(isLatch ? pulled : turns.at(-1)?.to === target, what).toBe(false);
        if (failure.type === 'lock_jammed') expect(blocked || wasStuck, what).toBe(true);
      } else if (isLatch) expect(pulled, what).toBe(true);
      // One that stands as asked and says that it did it is believed, whether it moved or not.
      else expect(moved || wasThere, what).toBe(true);
      lock.bolt.blocked = false;
      await clock.advance(pauseMs);
    }
  } finally {
    await f.close();
  }
}

type Life = Parameters<Parameters<typeof life.map>[0]>[0];

/** `NUKI_LIVES=2000` looks further. */
const runs = Number(process.env.NUKI_LIVES ?? 25);

it('tells the truth through any life', async () => {
  await fc.assert(fc.asyncProperty(life, live), { numRuns: runs });
}, 1_200_000);
