import { describeSensor } from '../../../src/driver-testing/index.ts';
import { noiseTransmitter } from '../../../test/kit/noise/modbus-noise-fixture.ts';

describeSensor({
  title: 'serial/modbus-noise',
  async make(when) {
    const { clock, line, bus, transmitter, device, reports, stateListeners } = await noiseTransmitter();
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
      leftovers: () => clock.armedTimers + stateListeners(),
    };
  },
});
