import { describe, expect, it } from 'vitest';
import { LevelWindow } from './level-window.ts';

describe('an energy average', () => {
  it('of 60 and 70 dB for equal times is 67.4 dB', () => {
    // 10·lg((10^6 + 10^7) / 2) = 67.40 dB
    const levels = new LevelWindow(10_000, 6_000);
    levels.add(0, 60);
    levels.add(5_000, 70);
    expect(levels.average(10_000)?.level).toBeCloseTo(67.4, 2);
  });

  it('weights each level by how long it stood', () => {
    // One second of 100 dB in ten, the rest silent: 100 - 10·lg(10) = 90 dB
    const levels = new LevelWindow(10_000, 20_000);
    levels.add(0, 100);
    levels.add(1_000, 0);
    expect(levels.average(10_000)?.level).toBeCloseTo(90, 3);
  });

  it('knows nothing of the time after a sample has stood for its longest', () => {
    const levels = new LevelWindow(10_000, 2_500);
    levels.add(0, 80);
    expect(levels.average(10_000)).toMatchObject({ knownMs: 2_500 });
    expect(levels.average(12_500)).toBeUndefined();
    expect(new LevelWindow(10_000, 2_500).average(0)).toBeUndefined();
  });

  it('forgets what is older than its span', () => {
    const levels = new LevelWindow(10_000, 2_500);
    for (let second = 0; second < 100; second++) levels.add(second * 1_000, second < 80 ? 90 : 40);
    expect(levels.average(100_000)?.level).toBeCloseTo(40, 6);
  });
});
