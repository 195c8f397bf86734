import { describe, expect, it } from 'vitest';
import { base, manner, monitorFixture } from '../../test/kit/gateway/monitor-fixture.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';

describe('a noise sensor', () => {
  it('tells its level at most once a second, the latest wins', async () => {
    const { publisher, sensor, clock } = await monitorFixture();
    publisher.connect();
    for (let tenth = 0; tenth < 35; tenth++) {
      sensor.hear(40 + tenth);
      await clock.advance(100);
    }
    await clock.advance(5_000);
    const level = publisher.on(`${base}/noise/hall/level`);
    expect(level[0]?.payload).toBe('{"level_db":40,"metric":"LAeq","ts":"2026-05-01T10:00:00.000Z"}');
    expect(level.map(({ payload }) => JSON.parse(payload).level_db)).toEqual([40, 49, 59, 69, 74]);
    expect(level.map(manner)).toEqual(Array(5).fill([0, false, 120, 'application/json']));
    expect(publisher.json(`${base}/devices/hall/state`)).toHaveLength(1);
  });

  it('tells each episode as it begins and ends, and whether it is too loud now', async () => {
    const clock = new SimulatedClock(Date.UTC(2026, 4, 1, 20, 30));
    const { core, publisher, sensor, origin } = await monitorFixture({ clock });
    publisher.connect();
    const { threshold } = await core.noise.create(
      { deviceId: 'hall', startsDailyAt: '22:00:00', endsDailyAt: '07:00:00', decibels: 70 },
      origin(),
    );
    const id = threshold.noiseThresholdId;
    const sound = async (decibels: number, seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        sensor.hear(decibels);
        await clock.advance(1_000);
      }
    };
    await sound(83.24, 120);
    await sound(40, 120);
    const events = publisher.on(`${base}/noise/hall/events`);
    expect(publisher.json(`${base}/noise/hall/events`)).toMatchObject([
      {
        event_id: core.events.list({ limit: 1, eventTypes: ['noise_sensor.noise_threshold_triggered'] })[0]?.eventId,
        event_type: 'noise_sensor.noise_threshold_triggered',
        noise_threshold_id: id,
        noise_level_decibels: 83.2,
        noise_threshold_decibels: 70,
        metric: 'LAeq',
      },
      {
        event_type: 'strikeplate.noise_sensor.noise_threshold_ended',
        noise_threshold_id: id,
        peak_decibels: 83.2,
        ended_at: expect.any(String),
      },
    ]);
    expect(events.map(manner)).toEqual(Array(2).fill([1, false, 600, 'application/json']));
    expect(publisher.json(`${base}/devices/hall/state`)).toMatchObject([
      { noise_exceeded: false, exceeded_noise_threshold_ids: [] },
      { noise_exceeded: true, exceeded_noise_threshold_ids: [id] },
      { noise_exceeded: false, exceeded_noise_threshold_ids: [] },
    ]);
  });

  it('is not too loud any more when its threshold is removed', async () => {
    const clock = new SimulatedClock(Date.UTC(2026, 4, 1, 20, 30));
    const { core, publisher, sensor, origin, told } = await monitorFixture({ clock });
    publisher.connect();
    const { threshold } = await core.noise.create(
      { deviceId: 'hall', startsDailyAt: '22:00:00', endsDailyAt: '07:00:00', decibels: 70 },
      origin(),
    );
    for (let second = 0; second < 120; second++) {
      sensor.hear(80);
      await clock.advance(1_000);
    }
    expect(publisher.json(`${base}/devices/hall/state`).at(-1)).toMatchObject({ noise_exceeded: true });
    await core.noise.remove(threshold.noiseThresholdId, origin());
    await told();
    expect(publisher.json(`${base}/devices/hall/state`).at(-1)).toMatchObject({ noise_exceeded: false });
  });
});
