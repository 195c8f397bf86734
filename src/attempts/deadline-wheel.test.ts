import { expect, it } from 'vitest';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { DeadlineWheel } from './settler.ts';

it('calls at the time or up to a tick later, never before, each once, with one timer for all', async () => {
  const clock = new SimulatedClock();
  const wheel = new DeadlineWheel(clock);
  const calls = new Map<number, number[]>();
  const times = [3, 10, 11, 19, 20, 25, 400, 401, 5_000];
  for (const time of times) wheel.at(time, () => calls.set(time, [...(calls.get(time) ?? []), clock.now()]));
  expect(clock.armedTimers).toBe(1);
  await clock.advance(6_000);
  for (const time of times) {
    const [at = Number.NaN, ...again] = calls.get(time) ?? [];
    expect(again).toEqual([]);
    expect(at).toBeGreaterThanOrEqual(time);
    expect(at).toBeLessThanOrEqual(time + 10);
  }
  expect(clock.armedTimers).toBe(0);
});

it('calls nobody who called off, also from within a call, and nobody before it returns', async () => {
  const clock = new SimulatedClock();
  const wheel = new DeadlineWheel(clock);
  const calls: string[] = [];
  const off = wheel.at(20, () => calls.push('called off'));
  wheel.at(10, () => {
    calls.push('first');
    off.cancel();
    wheel.at(5, () => calls.push('past'));
    expect(calls).toEqual(['first']);
  });
  await clock.advance(100);
  expect(calls).toEqual(['first', 'past']);
  wheel.at(200, () => calls.push('closed'));
  wheel.close();
  await clock.advance(1_000);
  expect(calls).toEqual(['first', 'past']);
});
