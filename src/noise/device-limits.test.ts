import { describe, expect, it } from 'vitest';
import { noiseRoom } from '../../test/kit/noise/noise-room.ts';
import { GatewayError } from '../contract/index.ts';

describe('a sensor with a limit of its own', () => {
  /** What it holds, and what it was told. */
  const limited = () => {
    const given: (number | undefined)[] = [];
    return {
      given,
      limit: async (level: number | undefined) => {
        given.push(level);
      },
    };
  };

  it('is given the lowest, by an attempt of the gateway’s own, and cleared with the last', async () => {
    const { given, limit } = limited();
    const { create, noise, clock, core, origin } = await noiseRoom({ limit });
    const { threshold: loud } = await create(70);
    const { threshold: quiet } = await create(55);
    await clock.advance(1_000);
    expect(given).toEqual([70, 55]);
    expect([loud, quiet].map((threshold) => noise.isKeptByDevice(threshold))).toEqual([false, true]);
    const [newest] = core.attempts.list({ deviceId: 'hall', limit: 1 });
    expect(newest).toMatchObject({
      actionType: 'UPDATE_NOISE_THRESHOLD',
      actor: { kind: 'reconcile' },
      settlement: { status: 'success' },
    });
    await noise.remove(quiet.noiseThresholdId, origin());
    await clock.advance(1_000);
    expect(noise.isKeptByDevice(loud)).toBe(true);
    await noise.remove(loud.noiseThresholdId, origin());
    await clock.advance(1_000);
    expect(given).toEqual([70, 55, 70, undefined]);
  });

  it('that cannot be reached has its thresholds judged here, and is given its limit when it comes back', async () => {
    const { given, limit } = limited();
    const room = await noiseRoom({ limit });
    const offline = { status: 'offline', reason: 'out_of_range', hint: 'Put it nearer.' } as const;
    room.sensor.report({ kind: 'health', health: offline });
    const { threshold, attempt } = await room.create(60);
    expect(attempt.settlement?.status).toBe('success');
    await room.clock.advance(60_000);
    expect(given).toEqual([]);
    room.sensor.report({ kind: 'health', health: { status: 'online' } });
    await room.clock.advance(1_000);
    expect(given).toEqual([60]);
    expect(room.noise.isKeptByDevice(threshold)).toBe(true);
  });

  it('that says no is not asked again for the same, and the gateway judges alone', async () => {
    const asked: (number | undefined)[] = [];
    const room = await noiseRoom({
      limit: async (level) => {
        asked.push(level);
        if (level !== undefined && level > 85)
          throw new GatewayError('device_rejected', 'It takes 40 to 85 dB.', { delivery: 'not_sent' });
      },
    });
    const { threshold } = await room.create(90);
    await room.clock.advance(5 * 3_600_000);
    room.sensor.report({ kind: 'health', health: { status: 'online' } });
    await room.clock.advance(1_000);
    expect(asked).toEqual([90]);
    expect(room.noise.isKeptByDevice(threshold)).toBe(false);
    await room.noise.update(threshold.noiseThresholdId, { decibels: 80 }, room.origin());
    await room.clock.advance(1_000);
    expect(asked).toEqual([90, 80]);
  });

  it('is asked nothing after a restart when nothing changed, and given what changed meanwhile', async () => {
    const { given, limit } = limited();
    const first = await noiseRoom({ limit });
    const { threshold } = await first.create(60);
    await first.clock.advance(1_000);
    await first.core.stop(0);
    const second = await noiseRoom({ before: first, limit });
    await second.clock.advance(1_000);
    expect(given).toEqual([60]);
    expect(second.noise.isKeptByDevice(threshold)).toBe(true);
  });
});
