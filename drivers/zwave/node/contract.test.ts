import {
  describeDriver,
  describeSensor,
  describeZwaveDriver,
  type ZwaveHarness,
  type ZwaveSuite,
} from '../../../src/driver-testing/index.ts';
import { limitsOf } from '../../../src/model/time-limits.ts';
import { testCommand } from '../../../test/kit/command-context.ts';
import { zwaveDoor } from '../../../test/kit/zwave-door.ts';
import { zwave } from './driver.ts';

const positions = {
  secured: 'locked',
  unsecured: 'unlocked',
  inside_only: 'between',
  between: 'between',
  unknown: 'between',
} as const;

const suite: ZwaveSuite = {
  title: 'zwave/node',
  door: limitsOf(zwave).door,
  code: limitsOf(zwave).code,
  async make(when): Promise<ZwaveHarness> {
    const { clock, node, device, reports, log } = await zwaveDoor({ settle: when !== 'opened' });
    const { door } = limitsOf(zwave);
    return {
      clock,
      device,
      reports,
      node,
      logged: () => log.text,
      command: (options = {}) =>
        testCommand({ clock, log: log.logger, sendByMs: door.sendByMs, deadlineMs: door.deadlineMs, ...options }),
      truth: {
        bolt: () => positions[node.bolt],
        movements: () => node.movements,
        commands: () => node.commands,
      },
      way: {
        cut: (onTheWay) => node.cut(onTheWay),
        restore: () => node.restore(),
        commandLeaves: () => clock.until(node.commandLeaves()),
      },
      disappoint: {
        refuse() {
          node.faults.refuses = true;
        },
        jam() {
          node.faults.jams = true;
        },
        // One that is silent before leaves open what it was. This one falls silent as it acts.
        tellLate(ms) {
          void node.commandLeaves().then(() => {
            node.faults.silent = true;
            clock.setTimer(() => {
              node.faults.silent = false;
            }, ms);
          });
        },
        actLate(ms) {
          node.faults.actsAfterMs = ms;
        },
        fallSilent() {
          node.faults.silent = true;
        },
      },
      keypad: {
        slots: [1, 2, 3],
        pins: ['481516', '234217'],
        held: (slot) => node.codes.get(slot)?.code,
        hold: (slot, pin) => void node.codes.set(slot, { code: pin }),
        refuse() {
          node.faults.refuses = true;
        },
      },
      async stopHardware() {
        node.end();
        await clock.advance(60_000);
      },
      leftovers: () => clock.armedTimers + node.listeners,
    };
  },
};
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
