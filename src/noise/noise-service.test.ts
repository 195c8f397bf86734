import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { coreFixture } from '../../test/kit/core-fixture.ts';
import { ScriptedLock } from '../../test/kit/scripted-lock.ts';
import { SimulatedClock } from '../../test/kit/simulated-clock.ts';
import { type Decibels, type DeviceReport, defineDriver } from '../contract/index.ts';
import type { NoiseEpisode } from '../gateway/ports.ts';
import type { MemoryStore } from '../store/memory-store.ts';

/** A sensor that reports every second what the test makes loud. */
async function fixture(
  startsAt = Date.UTC(2026, 4, 1, 20, 30),
  before?: { clock: SimulatedClock; store: MemoryStore },
) {
  let report: (report: DeviceReport) => void = () => {};
  const driver = defineDriver({
    id: 'mqtt/scripted-sensor',
    title: 'A sensor of a test',
    link: 'mqtt',
    settings: z.unknown(),
    describe: () => ({ deviceType: 'scripted_sensor', manufacturer: 'test', model: 'scripted' }),
    limits: new ScriptedLock().driver.limits,
    open: async (_link, _settings, ctx) => {
      report = ctx.report;
      return { noise: { metric: 'LAeq' as const, expectedIntervalMs: 1_000 }, close: async () => {} };
    },
  });
  const clock = before?.clock ?? new SimulatedClock(startsAt);
  const lock = new ScriptedLock();
  const core = coreFixture({
    clock,
    ...(before && { store: before.store.crash() }),
    devices: [
      { slug: 'hall', driver, link: lock.link },
      { slug: 'front', driver: lock.driver, link: lock.link },
    ],
  });
  await core.core.start();
  const { noise } = core.core;
  const episodes: NoiseEpisode[] = [];
  noise.onEpisode((episode) => episodes.push(episode));
  const sound = async (level: number, seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      report({ kind: 'noise', level: level as Decibels, metric: 'LAeq' });
      await clock.advance(1_000);
    }
  };
  const told = () =>
    episodes.map(({ phase, since, until, peak }) => ({
      phase,
      since: (since - startsAt) / 1_000,
      ...(until !== undefined && { until: (until - startsAt) / 1_000 }),
      peak,
    }));
  /** 22:00 to 07:00 in Zurich is 20:00 to 05:00 UTC in May. */
  const create = (decibels = 60, starts = '22:00:00', ends = '07:00:00') =>
    noise.create({ deviceId: 'hall', startsDailyAt: starts, endsDailyAt: ends, decibels }, core.origin());
  return { ...core, noise, episodes, sound, told, create };
}

describe('a noise threshold', () => {
  it('is there at once, in one commit, and gone at once', async () => {
    const { create, noise, store, origin } = await fixture();
    const { attempt, threshold } = await create();
    expect(attempt).toMatchObject({
      actionType: 'CREATE_NOISE_THRESHOLD',
      settlement: { status: 'success', result: { noise_threshold_id: threshold.noiseThresholdId } },
    });
    expect(store.stats.batches).toBe(1);
    expect(noise.list('hall')).toEqual([threshold]);
    const removal = await noise.remove(threshold.noiseThresholdId, origin());
    expect(removal).toMatchObject({ actionType: 'REMOVE_NOISE_THRESHOLD', settlement: { status: 'success' } });
    expect(noise.list()).toEqual([]);
    const again = await noise.remove(threshold.noiseThresholdId, origin());
    expect(again.actionAttemptId).toBe(removal.actionAttemptId);
    await expect(noise.remove('never-was', origin())).rejects.toMatchObject({ type: 'noise_threshold_not_found' });
  });

  it.each([
    [60, '22:00', '07:00:00', /starts_daily_at: expected HH:mm:ss/],
    [60, '22:00:00', '25:00:00', /ends_daily_at: expected HH:mm:ss/],
    [60, '22:00:00[Mars/Olympus]', '07:00:00', /not an IANA zone/],
    [60, '22:00:00[Europe/Zurich]', '07:00:00[UTC]', /same time zone/],
    [60, '22:00:00', '22:00:00', /they are the same/],
    [500, '22:00:00', '07:00:00', /0 to 194 dB/],
  ])('is refused: %s dB from %s to %s', async (decibels, starts, ends, message) => {
    const { create, noise } = await fixture();
    await expect(create(decibels, starts, ends)).rejects.toMatchObject({
      type: 'invalid_input',
      message: expect.stringMatching(message),
    });
    expect(noise.list()).toEqual([]);
  });

  it('is refused for a lock', async () => {
    const { noise, origin } = await fixture();
    const request = { deviceId: 'front', startsDailyAt: '22:00:00', endsDailyAt: '07:00:00', decibels: 60 };
    await expect(noise.create(request, origin())).rejects.toMatchObject({ type: 'unsupported_action' });
  });

  it('tells one episode of a long noise, from when it rose to when it fell', async () => {
    const { create, sound, told, noise } = await fixture();
    await create(60);
    await sound(40, 60);
    await sound(75, 300);
    expect(noise.exceeded('hall')).toEqual([noise.list('hall')[0]?.noiseThresholdId]);
    await sound(40, 120);
    expect(noise.exceeded('hall')).toEqual([]);
    // At 75 dB for one second in ten, the energy average is 65 dB already: it rises with the first loud second.
    expect(told()).toEqual([
      { phase: 'began', since: 61, peak: 75 },
      // The average is below 57 dB once less than 1/64 of ten seconds at 75 dB is left in it.
      { phase: 'ended', since: 61, until: 370, peak: 75 },
    ]);
  });

  it('takes no notice of one slammed door', async () => {
    const { create, sound, told } = await fixture();
    await create(60);
    await sound(40, 30);
    await sound(115, 1);
    await sound(40, 300);
    expect(told()).toEqual([]);
  });

  it('takes no notice of noise that pauses before it has lasted', async () => {
    const { create, sound, told } = await fixture();
    await create(60);
    for (let time = 0; time < 10; time++) {
      await sound(75, 40);
      await sound(40, 20);
    }
    expect(told()).toEqual([]);
  });

  it('does not end and begin again while the level wavers about the limit', async () => {
    const { create, sound, told } = await fixture();
    await create(60);
    for (let time = 0; time < 20; time++) {
      await sound(61, 30);
      await sound(time < 3 ? 61 : 58.5, 30);
    }
    // Half of the averaging span must be known before anything is judged.
    expect(told()).toEqual([{ phase: 'began', since: 5, peak: 61 }]);
  });

  it('judges only within its hours, and ends an episode when they end', async () => {
    const { create, sound, told } = await fixture(Date.UTC(2026, 4, 1, 4, 50)); // 06:50 in Zurich
    await create(60);
    await sound(75, 1_200);
    expect(told().map(({ phase, until }) => [phase, until])).toEqual([
      ['began', undefined],
      ['ended', 600],
    ]);
  });

  it('does not take silence of the sensor for quiet, nor for noise', async () => {
    const { create, sound, told, clock } = await fixture();
    await create(60);
    await sound(75, 30);
    await clock.advance(120_000);
    expect(told()).toEqual([]); // it was not heard for a minute
    await sound(75, 90);
    expect(told()).toEqual([{ phase: 'began', since: 155, peak: 75 }]);
    await clock.advance(10 * 60_000);
    expect(told()).toHaveLength(1); // still the same episode
    await sound(75, 10);
    await clock.advance(16 * 60_000);
    expect(told()).toHaveLength(2);
    expect(told()[1]).toMatchObject({ phase: 'ended', since: 155 });
  });

  it('works again after a restart', async () => {
    const first = await fixture();
    await first.create(60);
    await first.core.stop(0);
    const second = await fixture(undefined, first);
    await second.sound(75, 90);
    expect(second.told().map(({ phase }) => phase)).toEqual(['began']);
    expect(first.episodes).toEqual([]);
  });
});
