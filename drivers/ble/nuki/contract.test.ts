import { afterEach } from 'vitest';
import { type DriverHarness, describeDriver } from '../../../src/driver-testing/index.ts';
import { limitsOf } from '../../../src/model/time-limits.ts';
import { testCommand } from '../../../test/kit/command-context.ts';
import { type NukiFixture, nukiFixture } from '../../../test/kit/nuki-fixture.ts';
import { nuki } from './driver.ts';

const ADAPTER = 'c0:b1:e1:ff:00:01';
/** Four packets of a command, one connection event, and a little. */
const ARRIVAL_MS = 20;

const made: NukiFixture[] = [];

afterEach(async () => {
  for (const fixture of made.splice(0)) await fixture.close();
});

describeDriver({
  title: 'ble/nuki',
  ...limitsOf(nuki),
  make: async (when) => {
    const f = await nukiFixture({
      air: { pacing: 'events', advertisingIntervalMs: 20 },
      lock: { keypadCapacity: 3 },
      justOpened: when === 'opened',
    });
    made.push(f);
    const spends: (() => void)[] = [];
    const pins: DriverHarness['keypad'] = {
      slots: [1, 2, 3],
      pins: ['589472', '589473'],
      held: (slot) => f.lock.keypad.codes.find(({ codeId }) => codeId === slot)?.code.toString(),
      hold: (slot, pin) => {
        const code = { codeId: slot, code: Number(pin), name: 'foreign', enabled: true, createdAt: 0 };
        f.lock.keypad.codes.push({ ...code, lastActiveAt: undefined, lockCount: 0, limits: undefined });
      },
      refuse: () => {
        f.lock.keypad.refuses = true;
      },
    };
    const pull = () => {
      for (const { index } of f.bay.list()) f.bay.pullOut(index);
    };
    const { bolt } = f.lock;
    return {
      clock: f.clock,
      device: f.device,
      reports: f.reports,
      truth: {
        bolt: () => (bolt.isLocked ? 'locked' : bolt.isUnlocked ? 'unlocked' : 'between'),
        movements: () => f.lock.turns.length,
        commands: () => f.lock.commandsAt,
      },
      disappoint: {
        refuse: () => {
          f.lock.condition.battery = { percent: 2, critical: true, empty: true };
        },
        jam: () => {
          bolt.blocked = true;
        },
        tellLate: () => f.lock.misbehave('silent_on_action'),
        actLate: (ms) => {
          bolt.hesitatesMs = ms;
        },
        fallSilent: () => f.lock.fallSilent(),
      },
      keypad: pins,
      way: {
        cut: (onTheWay) => {
          if (onTheWay === 'lost') pull();
          else f.clock.setTimer(pull, ARRIVAL_MS);
        },
        restore: () => {
          if (f.bay.list().length === 0) f.bay.plugIn(ADAPTER);
        },
        commandLeaves: async () => {
          let left = false;
          spends.push(() => {
            left = true;
          });
          while (!left) await f.clock.advance(1);
        },
      },
      logged: () => f.text.text,
      command: (options = {}) => {
        const command = testCommand({ clock: f.clock, log: f.text.logger, ...options });
        const { pointOfNoReturn } = command.ctx;
        const ctx = {
          ...command.ctx,
          pointOfNoReturn: async () => {
            const permit = await pointOfNoReturn();
            return {
              ...permit,
              spend: () => {
                permit.spend();
                for (const told of spends.splice(0)) told();
              },
            };
          },
        };
        return {
          ...command,
          ctx,
          get timesDoorsPassed() {
            return command.timesDoorsPassed;
          },
        };
      },
      stopHardware: async () => {
        f.lock.stop();
        await f.stopRadio();
      },
      leftovers: () => f.clock.armedTimers,
    };
  },
});
