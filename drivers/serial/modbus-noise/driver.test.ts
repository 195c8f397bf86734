import { describe, expect, it } from 'vitest';
import { noiseTransmitter } from '../../../test/kit/noise/modbus-noise-fixture.ts';
import type { SimulatedNoiseTransmitterOptions } from './simulator.ts';

async function sensor(options: Partial<SimulatedNoiseTransmitterOptions> = {}, settings: Record<string, unknown> = {}) {
  const fixture = await noiseTransmitter({ transmitter: options, settings });
  const { clock, reports } = fixture;
  const levels = () => reports.flatMap((report) => (report.kind === 'noise' ? [report.level] : []));
  const health = () => reports.findLast((report) => report.kind === 'health')?.health;
  await clock.advance(500);
  return { ...fixture, levels, health };
}

describe('a noise transmitter', () => {
  it('is read once a second and tells its own level', async () => {
    const { clock, transmitter, device, levels, reports, health } = await sensor();
    expect(device.noise).toEqual({ metric: 'dB', expectedIntervalMs: 1000 });
    transmitter.hear(61.3);
    await clock.advance(3000);
    expect(levels()).toEqual([42, 61.3, 61.3, 61.3]);
    expect(reports.at(-1)).toEqual({ kind: 'noise', level: 61.3, metric: 'dB' });
    expect(health()).toEqual({ status: 'online' });
  });

  it('is read as its profile says', async () => {
    const { levels } = await sensor(
      { functionCode: 4, register: 0x0e, stepsPerDecibel: 1, level: 55 },
      { profile: { function_code: 4, register: 0x0e, scale: 1, metric: 'dBA' } },
    );
    expect(levels()).toEqual([55]);
  });

  it.each([0, 19.9, 140.1, 6553.5])('has no level when its register says %f dB', async (level) => {
    const { clock, transmitter, levels } = await sensor();
    transmitter.hear(level);
    await clock.advance(3000);
    expect(levels()).toEqual([42]);
    transmitter.hear(20);
    await clock.advance(1000);
    expect(levels()).toEqual([42, 20]);
  });

  it('that says nothing possible for long is a matter of settings, until it does', async () => {
    const { clock, transmitter, health } = await sensor();
    transmitter.hold(0xffff);
    await clock.advance(5000);
    expect(health()).toEqual({ status: 'online' });
    await clock.advance(6000);
    expect(health()).toMatchObject({ status: 'misconfigured', reason: 'wrong_settings' });
    transmitter.hear(50);
    await clock.advance(1000);
    expect(health()).toEqual({ status: 'online' });
  });

  it('leaves a gap where a sample is missing: none is made up', async () => {
    const { clock, line, levels, health } = await sensor();
    line.misbehave({ kind: 'wrong_checksum' }, { times: 2 });
    await clock.advance(3300);
    expect(levels()).toHaveLength(2);
    expect(health()).toEqual({ status: 'online' });
  });

  it('that does not answer is offline, with the baud rate it came with', async () => {
    const { clock, line, transmitter, health, levels } = await sensor({}, { profile: 'renke-rs-zs' });
    line.remove(2);
    await clock.advance(6000);
    expect(health()).toMatchObject({
      status: 'offline',
      reason: 'not_answering',
      hint: expect.stringContaining('A new RS-ZS-BZ runs at 4800 baud.'),
    });
    line.add(transmitter);
    const before = levels().length;
    await clock.advance(31_000);
    expect(health()).toEqual({ status: 'online' });
    expect(levels().length).toBeGreaterThan(before);
  });

  it('that has no such register is a matter of settings', async () => {
    const { health } = await sensor({ register: 7 });
    expect(health()).toMatchObject({ status: 'misconfigured', hint: expect.stringContaining('illegal data address') });
  });

  it('is silent after its close', async () => {
    const { clock, device, reports } = await sensor();
    await device.close();
    await device.close();
    const count = reports.length;
    await clock.advance(10_000);
    expect(reports).toHaveLength(count);
  });
});
