import { describe, expect, it } from 'vitest';
import { noiseRoom } from '../../test/kit/noise/noise-room.ts';
import type { NoiseMinute } from '../model/gateway.ts';

describe('the levels of a day', () => {
  const minute = 60_000;
  const rounded = (minutes: readonly NoiseMinute[]) =>
    minutes.map(({ startsAt, level, highest, knownMs }) => [startsAt, Number(level.toFixed(6)), highest, knownMs]);

  it('are energy averages by the minute, and what was not heard is missing', async () => {
    const { play, noise, clock } = await noiseRoom();
    const from = clock.wallTime();
    await play([60, 30], [70, 30], [50, 60], ['silent', 180], [40, 60]);
    const minutes = noise.minutes('hall', from, from + 10 * minute);
    expect(minutes.map(({ startsAt }) => (startsAt - from) / minute)).toEqual([0, 1, 2, 5]);
    // 10·lg((10^6 + 10^7) / 2) = 67.40 dB
    expect(minutes[0]?.level).toBeCloseTo(67.4, 2);
    expect(minutes[0]).toMatchObject({ highest: 70, knownMs: 60_000 });
    // The last sample before the silence stands for two and a half intervals.
    expect(minutes[2]).toMatchObject({ highest: 50, knownMs: 1_500 });
    expect(noise.minutes('hall', from + minute, from + 2 * minute)).toHaveLength(1);
    expect(noise.minutes('front', from, from + 10 * minute)).toEqual([]);
  });

  it('are a day long, and survive a restart but for the last minutes of a power cut', async () => {
    const begins = Date.UTC(2026, 4, 1, 20, 30);
    const first = await noiseRoom({ startsAt: begins, intervalMs: 30_000 });
    await first.play([45, 25 * 3_600], [55, 10 * 60]);
    const now = first.clock.wallTime();
    const whole = rounded(first.noise.minutes('hall', 0, now));
    expect(whole).toHaveLength(1_440);
    expect(whole.at(-1)).toEqual([now - minute, 55, 55, 60_000]);
    await first.core.stop(0);
    const stopped = await noiseRoom({ before: first, intervalMs: 30_000 });
    expect(rounded(stopped.noise.minutes('hall', 0, now))).toEqual(whole);
    await stopped.play([65, 5 * 60]);
    const cut = await noiseRoom({ before: stopped, intervalMs: 30_000 });
    expect(rounded(cut.noise.minutes('hall', 0, now))).toEqual(whole.slice(5));
    expect(cut.noise.minutes('hall', now, now + 5 * minute)).toEqual([]);
  });

  it('are kept by the hour for a week, over restarts, and by their energy', async () => {
    const begins = Date.UTC(2026, 4, 1, 0, 0);
    const hour = 3_600_000;
    const first = await noiseRoom({ startsAt: begins, intervalMs: 600_000 });
    // Nine days: two hours of noise in each.
    for (let day = 0; day < 9; day += 1)
      await first.play([40, 20 * 3_600], [70, 3_600], [60, 3_600], ['silent', 7_200]);
    const now = first.clock.wallTime();
    const week = first.noise.hours('hall', now - 7 * 24 * hour, now);
    const loud = week.filter(({ highest }) => highest === 70);
    expect(loud).toHaveLength(7);
    expect(loud.every(({ startsAt }) => new Date(startsAt).getUTCHours() === 20)).toBe(true);
    expect(loud.every(({ level }) => Math.abs(level - 70) < 1)).toBe(true);
    // A sample stands for two and a half intervals: of the silence the rest is missing.
    expect(week.some(({ startsAt }) => new Date(startsAt).getUTCHours() === 23)).toBe(false);
    await first.core.stop(0);
    const next = await noiseRoom({ before: first, intervalMs: 600_000 });
    const again = next.noise.hours('hall', now - 7 * 24 * hour, now);
    expect(again.map(({ startsAt, highest }) => [startsAt, highest])).toEqual(
      week.map(({ startsAt, highest }) => [startsAt, highest]),
    );
  });
});
