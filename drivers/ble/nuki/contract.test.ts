import { afterEach } from 'vitest';
import {
  type AirTrouble,
  type BleSuite,
  type DriverHarness,
  describeBleDriver,
  describeDriver,
} from '../../../src/driver-testing/index.ts';
import { limitsOf } from '../../../src/model/time-limits.ts';
import { testCommand } from '../../../test/kit/command-context.ts';
import { type NukiFixture, nukiFixture } from '../../../test/kit/nuki-fixture.ts';
import { nuki } from './driver.ts';
import { type NukiMisbehaviour, SimulatedNuki } from './simulator.ts';

const ADAPTER = 'c0:b1:e1:ff:00:01';
/** Four packets of a command, one connection event, and a little. */
const ARRIVAL_MS = 20;

const made: NukiFixture[] = [];

afterEach(async () => {
  for (const fixture of made.splice(0)) await fixture.close();
});

const misbehaviours: Readonly<Record<AirTrouble, NukiMisbehaviour>> = {
  old_news: 'repeat_old_news',
  ignores_command: 'ignore_action',
  drops_as_it_acts: 'drop_on_action',
  drops_before: 'drop_on_challenge',
  hangs_on_command: 'hang_on_action',
  refuses_write: 'att_error_on_action',
};

const suite: BleSuite = {
  title: 'ble/nuki',
  ...limitsOf(nuki),
  lingersMs: 5_000,
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
    const others: SimulatedNuki[] = [];
    return {
      clock: f.clock,
      device: f.device,
      reports: f.reports,
      truth: {
        bolt: () => (bolt.isLocked ? 'locked' : bolt.isUnlocked ? 'unlocked' : 'between'),
        movements: () => f.lock.turns.length,
        commands: () => [f.lock, ...others].flatMap(({ commandsAt }) => commandsAt),
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
      trouble: (kind) => f.lock.misbehave(misbehaviours[kind]),
      connections: f.connections,
      replace: async () => {
        const other = new SimulatedNuki({ clock: f.clock, randomBytes: f.randomBytes, nukiId: 0x0bad_cafe, pin: 1234 });
        const { sharedKey, appId, authorizationId } = f.credentials;
        other.authorizations.push({ authorizationId, sharedKey, appId, idType: 0, name: 'gateway' });
        others.push(other);
        await f.putThere(other);
      },
      stopHardware: async () => {
        f.lock.stop();
        await f.stopRadio();
      },
      leftovers: () => f.clock.armedTimers,
    };
  },
};
describeDriver(suite);
describeBleDriver(suite);
