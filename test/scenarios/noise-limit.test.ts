import { expect, test } from 'vitest';
import { omronSound, settings } from '../../drivers/ble/omron-sound/driver.ts';
import { SimulatedOmron } from '../../drivers/ble/omron-sound/simulator.ts';
import { coreFixture } from '../kit/gateway/core-fixture.ts';
import { radioFixture } from '../kit/radio/radio-fixture.ts';

/* A threshold's whole way into a sensor that keeps a limit of its own, over the emulated radio. */

test('the lowest threshold is in the sensor itself, and episodes are the gateway’s', async () => {
  const radio = await radioFixture();
  const { clock } = radio;
  const sensor = new SimulatedOmron({ level: () => 75, broadcasts: false });
  const { address } = await radio.serve(sensor);
  await radio.up();
  const link = radio.adapter.link({ address, addressType: 'public' }, 'Hall');
  const { core, origin } = coreFixture({
    clock,
    devices: [{ slug: 'hall', driver: omronSound, settings: settings.parse({ interval_s: 10 }), link }],
  });
  await core.start();
  const episodes: string[] = [];
  core.noise.onEpisode(({ phase }) => episodes.push(phase));
  await clock.advance(60_000);
  expect(core.devices.get('hall')?.health.status).toBe('online');
  const { threshold, attempt } = await core.noise.create(
    { deviceId: 'hall', startsDailyAt: '00:00:00', endsDailyAt: '23:59:59', decibels: 65 },
    origin(),
  );
  expect(attempt.settlement?.status).toBe('success');
  await clock.advance(180_000);
  expect(sensor.upperLimit).toBe(65);
  expect(core.noise.isKeptByDevice(threshold)).toBe(true);
  expect(episodes).toEqual(['began']);
  await core.noise.remove(threshold.noiseThresholdId, origin());
  await clock.advance(60_000);
  expect(sensor.upperLimit).toBeUndefined();
  expect(episodes).toEqual(['began', 'ended']);
  await core.stop(0);
  await radio.close();
});
