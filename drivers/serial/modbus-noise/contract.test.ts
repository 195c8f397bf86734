import type { DeviceReport } from '../../../src/contract/index.ts';
import { describeSensor } from '../../../test/contract/describe-sensor.ts';
import { silentLog } from '../../../test/kit/command-context.ts';
import { countedLink, serialLine } from '../../../test/kit/serial-line-fixture.ts';
import { modbusNoise } from './driver.ts';
import { SimulatedNoiseTransmitter } from './simulator.ts';

describeSensor({
  title: 'serial/modbus-noise',
  async make(when) {
    const { clock, line, bus, random } = await serialLine();
    const transmitter = new SimulatedNoiseTransmitter({ unit: 2 });
    line.add(transmitter);
    const { link, listeners } = countedLink(bus.link(2));
    const reports: DeviceReport[] = [];
    const device = await modbusNoise.open(link, modbusNoise.settings.parse({ profile: 's300nois' }), {
      deviceId: 'hall',
      name: 'Hall noise',
      clock,
      random,
      randomBytes: (length) => new Uint8Array(length),
      log: silentLog,
      report: (report) => reports.push(report),
    });
    if (when !== 'opened') await clock.advance(500);
    return {
      clock,
      device,
      reports,
      measure: (level) => transmitter.hear(level),
      way: { cut: () => line.unplug(), restore: () => line.plug() },
      async stopHardware() {
        await bus.close();
        await clock.advance(60_000);
      },
      leftovers: () => clock.armedTimers + listeners(),
    };
  },
});
