import { afterEach } from 'vitest';
import { type DeviceReport, openDevice, type Timer } from '../../../src/contract/index.ts';
import { describeSensor } from '../../../src/driver-testing/index.ts';
import { type RadioFixture, radioFixture } from '../../../test/kit/radio/radio-fixture.ts';
import { omronSound, settings } from './driver.ts';
import { SimulatedOmron } from './simulator.ts';

const ADAPTER = 'c0:b1:e1:ff:00:01';

const radios: RadioFixture[] = [];
afterEach(async () => {
  for (const radio of radios.splice(0)) await radio.close();
});

for (const levels of ['read', 'broadcast'] as const)
  describeSensor({
    title: `ble/omron-sound (${levels})`,
    async make(when) {
      const radio = await radioFixture();
      radios.push(radio);
      const { clock, bay } = radio;
      let level = 41.5;
      const sensor = new SimulatedOmron({ level: () => level, broadcasts: levels === 'broadcast' });
      const { address } = await radio.serve(sensor);
      await radio.up();
      await clock.settle();
      // A sensor measures by itself, here each second.
      let second: Timer | undefined;
      const again = () => {
        sensor.update();
        second = clock.setTimer(again, 1_000);
      };
      again();
      const reports: DeviceReport[] = [];
      const device = await openDevice(
        omronSound,
        radio.adapter.link({ address, addressType: 'public' }, 'Hall'),
        settings.parse({ interval_s: 10, levels }),
        {
          ...{ deviceId: 'hall', name: 'Hall', clock, random: radio.random, log: radio.log },
          randomBytes: (length) => new Uint8Array(length),
          report: (report) => void reports.push(report),
        },
      );
      if (when !== 'opened') await clock.advance(15_000);
      return {
        clock,
        device,
        reports,
        measure: (next) => {
          level = next;
        },
        way: {
          cut: () => {
            for (const { index } of bay.list()) bay.pullOut(index);
          },
          restore: () => {
            if (bay.list().length === 0) bay.plugIn(ADAPTER);
          },
        },
        async stopHardware() {
          second?.cancel();
          radios.splice(radios.indexOf(radio), 1);
          await radio.close();
          await clock.advance(60_000);
        },
        leftovers: () => clock.armedTimers,
      };
    },
  });
