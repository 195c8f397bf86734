import { describe, expect, it, vi } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
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

describe('a sensor that sends far more than is needed', () => {
  it('costs no more than one that sends a little, and is averaged alike', () => {
    const levels = new LevelWindow(10_000, 30_000);
    let energy = 0;
    for (let ms = 0; ms < 60_000; ms++) {
      const level = 40 + 20 * Math.sin(ms / 3_000);
      levels.add(ms, level);
      if (ms >= 50_000) energy += 10 ** (level / 10);
    }
    const comparisons = vi.spyOn(Math, 'max');
    const average = levels.average(60_000);
    expect(comparisons.mock.calls.length).toBeLessThan(600);
    expect(average?.knownMs).toBeCloseTo(10_000, 0);
    expect(average?.level).toBeCloseTo(10 * Math.log10(energy / 10_000), 1);
  });

  it('is averaged as the definition says, whatever the gaps and levels', () => {
    const sample = fc.record({
      after: fc.integer({ min: 0, max: 9_000 }),
      level: fc.double({ min: 0, max: 194, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(sample, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 0, max: 15_000 }),
        (samples, later) => {
          const levels = new LevelWindow(10_000, 2_500);
          let at = 0;
          const all = samples.map(({ after, level }) => {
            // Never two within what is told apart: those are the other test's.
            at += Math.max(after, 100);
            levels.add(at, level);
            return { at, level };
          });
          const now = at + later;
          let energy = 0;
          let known = 0;
          for (const [index, each] of all.entries()) {
            const until = Math.min(all[index + 1]?.at ?? now, each.at + 2_500, now);
            const ms = until - Math.max(each.at, now - 10_000);
            if (ms <= 0) continue;
            energy += 10 ** (each.level / 10) * ms;
            known += ms;
          }
          const found = levels.average(now);
          expect(found?.knownMs ?? 0).toBeCloseTo(known, 6);
          if (found !== undefined) expect(found.level).toBeCloseTo(10 * Math.log10(energy / known), 6);
        },
      ),
    );
  });
});
