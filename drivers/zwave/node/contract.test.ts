import { describeDriver, describeSensor, describeZwaveDriver } from '../../../src/driver-testing/index.ts';
import { zwaveDoor } from '../../../test/kit/locks/zwave-door.ts';
import { zwaveSuite } from '../../../test/kit/locks/zwave-suite.ts';

const suite = zwaveSuite();
describeDriver(suite);
describeZwaveDriver(suite);

describeSensor({
  title: 'zwave/node',
  async make(when) {
    const { clock, node, device, reports } = await zwaveDoor({
      settings: { kind: 'noise' },
      prepare: (it) => {
        it.features = { lock: undefined, codes: undefined, loudness: true };
      },
      settle: when !== 'opened',
    });
    return {
      clock,
      device,
      reports,
      measure: (level) => node.measure(level),
      way: { cut: () => node.cut('lost'), restore: () => node.restore() },
      async stopHardware() {
        node.end();
        await clock.advance(60_000);
      },
      leftovers: () => clock.armedTimers + node.listeners,
    };
  },
});
