import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { afterSilence } from './clock.ts';

describe('after a silence', () => {
  const armed = (ms: number) => {
    const clock = new SimulatedClock();
    const heard: number[] = [];
    const timer = afterSilence(clock, () => heard.push(clock.now()), ms);
    return { clock, heard, timer };
  };

  it('something is done when the time is over, to the millisecond', async () => {
    const { clock, heard } = armed(3_000);
    await clock.advance(60_000);
    expect(heard).toEqual([3_000]);
    expect(clock.armedTimers).toBe(0);
  });

  it('nothing is done any more once it was called off, also while a process that stood still listens first', async () => {
    const { clock, heard, timer } = armed(3_000);
    await clock.standStill(9_000);
    timer.cancel();
    await clock.advance(60_000);
    expect([heard, clock.armedTimers]).toEqual([[], 0]);
  });

  it('a process that stood still listens first', async () => {
    const { clock, heard } = armed(3_000);
    await clock.standStill(9_000);
    expect(heard).toEqual([]);
    await clock.advance(60_000);
    expect(heard).toEqual([9_500]);
  });

  it('one that stands still again and again does it in the end', async () => {
    const { clock, heard } = armed(3_000);
    for (let times = 0; times < 10; times += 1) await clock.standStill(9_000);
    expect(heard).toEqual([45_000]);
  });
});
