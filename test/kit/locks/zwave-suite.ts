import { zwave } from '../../../drivers/zwave/node/driver.ts';
import type { DriverDefinition } from '../../../src/contract/index.ts';
import { testCommand, type ZwaveHarness, type ZwaveSuite } from '../../../src/driver-testing/index.ts';
import { limitsOf } from '../../../src/model/time-limits.ts';
import { zwaveDoor } from './zwave-door.ts';

const positions = {
  secured: 'locked',
  unsecured: 'unlocked',
  inside_only: 'between',
  between: 'between',
  unknown: 'between',
} as const;

/** The Z-Wave driver, or one like it, for the suites. */
export const zwaveSuite = (driver: DriverDefinition = zwave): ZwaveSuite => ({
  title: 'zwave/node',
  door: limitsOf(zwave).door,
  code: limitsOf(zwave).code,
  autoLock: true,
  async make(when): Promise<ZwaveHarness> {
    const { clock, node, device, reports, log } = await zwaveDoor({ driver, settle: when !== 'opened' });
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
        sayNo() {
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
      autoLock: {
        kept: () => ({
          enabled: node.autoRelockS > 0,
          delaySeconds: node.autoRelockS > 0 ? node.autoRelockS : undefined,
        }),
        keep({ enabled, delaySeconds }) {
          node.autoRelockS = enabled ? (delaySeconds ?? 0) : 0;
        },
        writes: () => node.autoRelockWrites,
        forget() {
          node.faults.forgetsSettings = true;
        },
        refuse() {
          node.faults.refuses = true;
        },
      },
      keypad: {
        slots: [1, 2, 3],
        pins: ['481516', '234217'],
        held: (slot) => node.codes.get(slot)?.code,
        hold: (slot, pin) => {
          if (pin === undefined) node.codes.delete(slot);
          else node.codes.set(slot, { code: pin });
        },
        writes: () => node.codeWrites,
        forget() {
          node.faults.storesNothing = true;
        },
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
});
