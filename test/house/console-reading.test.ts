import { describe, expect, it } from 'vitest';
import { rate, readMetrics, total } from '../../src/console/metrics.ts';
import { episodesOf, holdsAt, minuteOf, timeOf } from '../../src/console/noise.ts';
import type { GatewayEvent, NoiseThreshold } from '../../src/console/objects.ts';
import { fc } from '../kit/seeded-properties.ts';

const hour = 3_600_000;
const iso = (at: number) => new Date(at).toISOString();

describe('episodes, as the console pairs them', () => {
  const began = (at: number, id = 'night'): GatewayEvent => ({
    event_id: `${id}${at}`,
    event_type: 'noise_sensor.noise_threshold_triggered',
    occurred_at: iso(at),
    noise_threshold_id: id,
    started_at: iso(at),
  });
  const ended = (at: number, until: number, id = 'night'): GatewayEvent => ({
    ...began(at, id),
    event_type: 'strikeplate.noise_sensor.noise_threshold_ended',
    ended_at: iso(until),
  });

  it('are as many as began and ended, whatever the order of the events', () => {
    const stretches = fc.uniqueArray(fc.integer({ min: 0, max: 500 }), { maxLength: 12 });
    fc.assert(
      fc.property(stretches, fc.boolean(), (starts, isReversed) => {
        const events = starts.flatMap((start) => [began(start * hour), ended(start * hour, start * hour + 60_000)]);
        const found = episodesOf(isReversed ? events.toReversed() : events, []);
        expect(found.map(({ from }) => from)).toEqual(starts.map((start) => start * hour).sort((a, b) => b - a));
        expect(found.every(({ from, until }) => until === from + 60_000)).toBe(true);
      }),
    );
  });

  it('have no end while they go on, and are not there when nobody told how they ended', () => {
    expect(episodesOf([began(2 * hour)], ['night'])).toMatchObject([{ from: 2 * hour, until: undefined }]);
    expect(episodesOf([began(2 * hour)], [])).toEqual([]);
    expect(episodesOf([began(hour, 'day'), ended(0, 1, 'night')], ['day'])).toHaveLength(2);
  });
});

describe('hours of a threshold on the chart', () => {
  it('are the minutes from its beginning to its end, over midnight as well', () => {
    const minute = fc.integer({ min: 0, max: 1_439 });
    fc.assert(
      fc.property(minute, minute, minute, (starts, ends, at) => {
        const threshold = {
          starts_daily_at: `${timeOf(starts)}:00[Europe/Zurich]`,
          ends_daily_at: `${timeOf(ends)}:00[Europe/Zurich]`,
        } as NoiseThreshold;
        expect(minuteOf(threshold.starts_daily_at)).toBe(starts);
        const length = (ends - starts + 1_440) % 1_440;
        expect(holdsAt(threshold, at)).toBe((at - starts + 1_440) % 1_440 < length);
      }),
    );
  });
});

describe('metrics, as the console reads them', () => {
  const text = (success: number, failed: number) => `# HELP strikeplate_attempts_total Ended.
strikeplate_attempts_total{action_type="LOCK_DOOR",outcome="success"} ${success}
strikeplate_attempts_total{action_type="UNLOCK_DOOR",outcome="success"} 1
strikeplate_attempts_total{action_type="LOCK_DOOR",outcome="lock_jammed"} ${failed}
strikeplate_attempts_pending 3
`;

  it('are summed over labels, and told as speed', () => {
    const before = readMetrics(text(4, 0), 0);
    const after = readMetrics(text(10, 2), 2_000);
    expect(total(after, 'strikeplate_attempts_pending')).toBe(3);
    expect(total(after, 'strikeplate_attempts_total', /outcome="success"/)).toBe(11);
    expect(total(after, 'strikeplate_attempts_total', /outcome="(?!success)/)).toBe(2);
    expect(rate(before, after, 'strikeplate_attempts_total', /outcome="success"/)).toBe(3);
    // After a restart counts begin anew: that is no speed.
    expect(rate(after, before, 'strikeplate_attempts_total')).toBeUndefined();
    expect(total(after, 'nothing')).toBeUndefined();
  });
});
