import { expect, test } from 'vitest';
import type { Decibels, DeviceReport } from '../contract/index.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { ReportBudget } from './report-bounds.ts';

function site() {
  const clock = new SimulatedClock();
  const taken: DeviceReport[] = [];
  let passedOver = 0;
  const budget = new ReportBudget(
    clock,
    (report) => void taken.push(report),
    (count) => {
      passedOver += count;
    },
  );
  return { clock, taken, budget, passedOver: () => passedOver };
}

const level = (value: number): DeviceReport => ({ kind: 'noise', level: value as Decibels, metric: 'dBA' });
const opened: DeviceReport = { kind: 'lock_operated', operation: 'unlocked', method: 'manual' };

test('a device that reports without end is taken in at its share, its newest state always', async () => {
  const { clock, taken, budget, passedOver } = site();
  for (let ms = 0; ms < 10_000; ms++) {
    budget.report(level(ms));
    budget.report({ kind: 'lock_state', state: ms % 2 === 0 ? 'locked' : 'unlocked' });
    budget.report(opened);
    await clock.advance(1);
  }
  await clock.advance(100);
  expect(taken.length).toBeLessThan(1_000 + 10 * 100 + 50);
  expect(taken.filter(({ kind }) => kind === 'noise').at(-1)).toEqual(level(9_999));
  expect(taken.filter(({ kind }) => kind === 'lock_state').at(-1)).toMatchObject({ state: 'unlocked' });
  expect(passedOver() + taken.length).toBe(30_000);
  expect(clock.armedTimers).toBe(0);
});

test('a usual device is taken in as it reports, in order', async () => {
  const { clock, taken, budget, passedOver } = site();
  const said: DeviceReport[] = [];
  for (let each = 0; each < 2_000; each++) {
    const report = each % 3 === 0 ? opened : level(each);
    said.push(report);
    budget.report(report);
    await clock.advance(20);
  }
  expect(taken).toEqual(said);
  expect(passedOver()).toBe(0);
});

test('what a driver can do is never passed over, and nothing comes after the end', async () => {
  const { clock, taken, budget } = site();
  for (let each = 0; each < 2_000; each++) budget.report(level(each));
  budget.report({ kind: 'capabilities' });
  expect(taken.at(-1)).toEqual({ kind: 'capabilities' });
  budget.close();
  await clock.advance(1_000);
  expect(taken).toHaveLength(1_001);
});
