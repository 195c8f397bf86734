import { describe, expect, it } from 'vitest';
import type { DeviceReport, ZwaveReport } from '../../../src/contract/index.ts';
import { zwaveDoor } from '../../../test/kit/locks/zwave-door.ts';
import { lastOf } from '../../../test/kit/locks/zwave-node.ts';
import { fc } from '../../../test/kit/seeded-properties.ts';

const unlockedByHand: ZwaveReport = { report: 'operated', operation: 'unlocked', by: 'manual' };
const keypad = (slot: number): ZwaveReport => ({ report: 'operated', operation: 'unlocked', by: 'keypad', slot });
const bolt = (place: 'secured' | 'unsecured'): ZwaveReport => ({ report: 'bolt', bolt: place });

const operations = (reports: readonly DeviceReport[]) =>
  reports.flatMap((report) => (report.kind === 'lock_operated' ? [`${report.operation} ${report.method}`] : []));
const state = (reports: readonly DeviceReport[]) => lastOf(reports, 'lock_state')?.state;

describe('a report that the lock says again', () => {
  // zwave-js 9134, a Schlage BE469ZP: #174 at 0 s, #176 at 4.5 s, #178 at 5 s, which is #174 again.
  it('does not overwrite what the lock reported since', async () => {
    const { clock, node, reports } = await zwaveDoor();
    node.bolt = 'unsecured';
    node.tell(unlockedByHand);
    await clock.advance(4_507);
    node.bolt = 'secured';
    node.tell(bolt('secured'));
    await clock.advance(448);
    node.tell(unlockedByHand);
    await clock.advance(60_000);
    expect(state(reports)).toBe('locked');
    expect(operations(reports)).toEqual(['unlocked manual']);
  });

  it('is news when the lock, asked, bears it out', async () => {
    const { clock, node, reports } = await zwaveDoor();
    node.tell(keypad(2));
    await clock.advance(3_000);
    node.tell({ report: 'operated', operation: 'locked', by: 'automatic' });
    await clock.advance(2_000);
    node.bolt = 'unsecured';
    node.tell(keypad(2));
    await clock.advance(1_000);
    expect(operations(reports)).toEqual(['unlocked keycode', 'locked automatic', 'unlocked keycode']);
    expect(state(reports)).toBe('unlocked');
  });

  it('leaves what is known as it is when the lock cannot be asked', async () => {
    const { clock, node, reports } = await zwaveDoor();
    node.tell(keypad(2));
    await clock.advance(2_000);
    node.tell(bolt('secured'));
    node.become('dead');
    await clock.advance(2_400);
    node.tell(keypad(2));
    await clock.advance(60_000);
    expect(state(reports)).toBe('locked');
    expect(operations(reports)).toEqual(['unlocked keycode']);
  });

  it.each([400, 1_100, 4_200, 4_500, 9_000, 11_900])('%i ms later is one opening by one code', async (ms) => {
    const { clock, node, reports } = await zwaveDoor();
    node.bolt = 'unsecured';
    node.tell(keypad(3));
    node.tell(bolt('unsecured'));
    await clock.advance(ms);
    node.tell(keypad(3));
    node.tell(bolt('unsecured'));
    await clock.advance(10_000);
    expect(operations(reports)).toEqual(['unlocked keycode']);
  });

  it('five times within ten seconds is one, and another code is another', async () => {
    const { clock, node, reports } = await zwaveDoor();
    for (let times = 0; times < 5; times++) {
      node.tell(keypad(3));
      await clock.advance(2_000);
    }
    node.tell(keypad(4));
    expect(operations(reports)).toHaveLength(2);
  });

  it('in the place of an answer is asked for once more', async () => {
    const { clock, node, device, reports } = await zwaveDoor();
    node.bolt = 'unsecured';
    node.tell(bolt('unsecured'));
    await clock.advance(4_400);
    node.bolt = 'secured';
    node.faults.answersOnceWith = 'unsecured';
    const read = device.lock?.read?.({ signal: new AbortController().signal, log: {} as never });
    await expect(clock.until(read ?? Promise.reject())).resolves.toEqual({ state: 'locked' });
    expect(state(reports)).toBe('locked');
  });

  it.each(['done', 'unsupervised', 'working'] as const)(
    'in the place of an answer, and lost when it was said first, is no movement (the lock says %s)',
    async (said) => {
      const { clock, node, door } = await zwaveDoor();
      await clock.advance(30_000);
      node.faults.actsAfterMs = 60_000;
      node.faults.says = { said };
      clock.setTimer(() => {
        node.faults.answersOnceWith = 'unsecured';
      }, 100);
      expect((await door('unlock')).error).toMatchObject({ type: 'state_not_reached' });
    },
  );

  it('in the place of the look before a command makes no movement of it', async () => {
    const { clock, node, door } = await zwaveDoor();
    await clock.advance(30_000);
    node.faults.says = { said: 'unsupervised' };
    node.faults.answersOnceWith = 'unsecured';
    expect(await door('lock')).toMatchObject({ value: { wasConfirmedByDevice: false } });
  });

  it('of a jam or a tamper is one, of a code that changed is always told', async () => {
    const { clock, node, reports } = await zwaveDoor();
    const said: readonly ZwaveReport[] = [
      { report: 'jammed' },
      { report: 'tamper' },
      { report: 'code_changed', slot: 2, occupied: false },
    ];
    for (const report of said) node.tell(report);
    await clock.advance(4_400);
    for (const report of said) node.tell(report);
    expect(operations(reports)).toEqual(['jammed unknown']);
    expect(reports.filter(({ kind }) => kind === 'tamper')).toHaveLength(1);
    expect(reports.filter(({ kind }) => kind === 'code_slot')).toHaveLength(2);
  });

  it('never makes the last state wrong, whatever moves and whatever is repeated when', async () => {
    const movement = fc.record({
      to: fc.constantFrom('locked' as const, 'unlocked' as const),
      by: fc.constantFrom('manual' as const, 'keypad' as const, 'automatic' as const),
      says: fc.constantFrom('notification', 'report', 'both'),
      afterMs: fc.integer({ min: 300, max: 9_000 }),
      repeatsAfterMs: fc.option(fc.integer({ min: 4_000, max: 11_000 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(movement, { minLength: 1, maxLength: 8 }), async (movements) => {
        const { clock, node, reports } = await zwaveDoor();
        for (const { to, by, says, afterMs, repeatsAfterMs } of movements) {
          await clock.advance(afterMs);
          node.bolt = to === 'locked' ? 'secured' : 'unsecured';
          const words: ZwaveReport[] = [];
          if (says !== 'report') words.push({ report: 'operated', operation: to, by });
          if (says !== 'notification') words.push({ report: 'bolt', bolt: node.bolt });
          for (const word of words) node.tell(word);
          if (repeatsAfterMs !== undefined)
            clock.setTimer(() => {
              for (const word of words) node.tell(word);
            }, repeatsAfterMs);
        }
        await clock.advance(30_000);
        expect(state(reports)).toBe(node.bolt === 'secured' ? 'locked' : 'unlocked');
        await clock.advance(30_000);
      }),
      { numRuns: 150 },
    );
  });
});
