import { test as base, beforeAll, describe, expect } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import type { DoomPoint } from '../kit/gateway/doom-points.ts';
import { DoomedBox, type DoomedRun, frontId, pause } from '../kit/gateway/doomed-box.ts';

const it = base.extend<{ readonly box: DoomedBox }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture depends on
  box: async ({}, use) => {
    const box = await DoomedBox.make();
    await use(box);
    await box.dispose();
  },
});

beforeAll(ensureBuilt);

// Each life has a box of its own, and mostly waits: some of them run side by side.
describe.concurrent('P1, P2, P3, P5 of a process that is killed', () => {
  it.for<DoomPoint>(['accepted', 'intent', 'sent', 'confirmed', 'settled'])(
    'after %s: nothing answered is lost, everything ends, nothing is sent again',
    async (point, { box }) => {
      const first = await box.start(point);
      await first.linkIsUp();
      // The second waits for the first, so its intent is a commit of its own.
      const requests = [1, 2].map(() => first.ask('/locks/unlock_door', { device_id: frontId }));
      await first.died;
      const answered = (await Promise.all(requests)).flatMap((answer) => answer?.action_attempt ?? []);
      const diedAt = await box.lastWords();
      const second = await box.start();
      const ended = await second.allEnded();
      const ids = ended.map((attempt) => attempt.action_attempt_id);
      expect(ids).toEqual(expect.arrayContaining(answered.map((attempt) => attempt.action_attempt_id)));
      expect(box.lock.doorCommands.filter(({ sentAt }) => sentAt > diedAt)).toEqual([]);
      const before = box.lock.doorCommands.length;
      expect(before).toBeLessThanOrEqual(ended.length);
      for (const attempt of ended) {
        if (attempt.status === 'success') expect(before).toBeGreaterThan(0);
        if (attempt.error?.type === 'gateway_restarted') expect(before).toBeLessThan(ended.length);
      }
    },
  );

  it.for<DoomPoint>(['accepted', 'slot', 'intent', 'sent', 'confirmed', 'settled'])(
    'after %s of a new code: no PIN on the lock is unknown to the gateway',
    async (point, { box }) => {
      const first = await box.start(point);
      await first.linkIsUp();
      const request = first.ask('/access_codes/create', { device_id: frontId, code: '0472' });
      await first.died;
      await request;
      const second = await box.start();
      await second.allEnded();
      const codes = await second.codes();
      if (box.lock.keypad.codes.size > 0) expect(codes).toHaveLength(1);
      if (codes[0]?.status === 'set') expect(box.keypad).toEqual(['0472']);
      for (const { access_code_id } of codes) await second.call('/access_codes/delete', { access_code_id });
      await second.allEnded();
      expect(box.lock.keypad.codes.size).toBe(0);
    },
  );
});

/** A code on the lock, put there by a process that is gone again; its end may have been set just before. */
async function codeOnLock(box: DoomedBox, code: string, ends: 'soon' | 'never' = 'never'): Promise<string> {
  const run = await box.start();
  await run.linkIsUp();
  const { access_code } = await run.call('/access_codes/create', { device_id: frontId, code });
  const access_code_id = access_code?.access_code_id ?? '';
  await settled(run);
  expect(box.keypad).toEqual([code]);
  if (ends === 'soon') {
    await run.call('/access_codes/update', { access_code_id, starts_at: inSeconds(0), ends_at: inSeconds(5) });
  }
  await run.kill();
  return access_code_id;
}

/** Until nothing is under way: every attempt has ended, and every code is where it stays. */
async function settled(run: DoomedRun): Promise<void> {
  for (;;) {
    await run.allEnded();
    const codes = await run.codes();
    if (codes.every(({ status, pending_mutations }) => status === 'set' && pending_mutations.length === 0)) return;
    await pause(50);
  }
}

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();

describe.concurrent('P8 of a process that is killed', () => {
  // 1 accepted, 2 slot taken, 3 about to write, 4 seen, 5 about to clear the old, 6 cleared; then the attempt settles.
  it.for<DoomPoint>([
    'before_code_step_1',
    'after_code_step_1',
    'after_code_step_2',
    'after_code_step_3',
    'before_code_step_4',
    'after_code_step_4',
    'after_code_step_5',
    'before_code_step_6',
    'after_code_step_6',
    'confirmed',
    'settled',
  ])('%s of an update: the lock holds the one code that the gateway tells of', async (point, { box }) => {
    const access_code_id = await codeOnLock(box, '0472');
    const first = await box.start(point);
    await first.linkIsUp();
    await first.ask('/access_codes/update', { access_code_id, code: '6284' });
    await first.died;
    const second = await box.start();
    await settled(second);
    const codes = await second.codes();
    expect(codes).toMatchObject([{ access_code_id, status: 'set' }]);
    expect(codes.map(({ code }) => code)).toEqual([point === 'before_code_step_1' ? '0472' : '6284']);
    expect(box.keypad).toEqual(codes.map(({ code }) => code));
  });

  // 1 accepted, 2 due, 3 slot taken, 4 about to write, 5 seen; settled.
  it.for<DoomPoint>([
    'after_code_step_1',
    'after_code_step_2',
    'after_code_step_3',
    'after_code_step_4',
    'before_code_step_5',
    'after_code_step_5',
  ])('%s of a scheduled write: the code is there, and goes at its end', async (point, { box }) => {
    const first = await box.start(point);
    await first.linkIsUp();
    const starts_at = inSeconds(3);
    await first.ask('/access_codes/create', { device_id: frontId, code: '0472', starts_at, ends_at: inSeconds(900) });
    await first.died;
    const second = await box.start();
    while (box.keypad.length === 0) await pause(20);
    await settled(second);
    expect(box.keypad).toEqual(['0472']);
    const [code] = await second.codes();
    await second.call('/access_codes/update', { access_code_id: code?.access_code_id, ends_at: inSeconds(1) });
    while ((await second.codes()).length > 0) await pause(20);
    expect(box.keypad).toEqual([]);
  });

  // 1 ended, 2 about to clear, 3 cleared, 4 forgotten.
  it.for<DoomPoint>([
    'before_code_step_1',
    'after_code_step_1',
    'after_code_step_2',
    'before_code_step_3',
    'after_code_step_3',
    'after_code_step_4',
  ])('%s of a removal at the end: the code goes, and nothing is left of it', async (point, { box }) => {
    await codeOnLock(box, '0472', 'soon');
    await box.dies(point);
    const second = await box.start();
    while ((await second.codes()).length > 0) await pause(20);
    expect(box.keypad).toEqual([]);
    await second.allEnded();
  });
});
