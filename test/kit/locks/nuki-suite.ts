import { nuki } from '../../../drivers/ble/nuki/driver.ts';
import { type NukiMisbehaviour, SimulatedNuki } from '../../../drivers/ble/nuki/simulator.ts';
import type { DriverDefinition } from '../../../src/contract/index.ts';
import { type AirTrouble, type BleSuite, type DriverHarness, testCommand } from '../../../src/driver-testing/index.ts';
import { limitsOf } from '../../../src/model/time-limits.ts';
import { type NukiFixture, nukiFixture } from './nuki-fixture.ts';

const ADAPTER = 'c0:b1:e1:ff:00:01';
/** Four packets of a command, one connection event, and a little. */
const ARRIVAL_MS = 20;

const misbehaviours: Readonly<Record<AirTrouble, NukiMisbehaviour>> = {
  old_news: 'repeat_old_news',
  ignores_command: 'ignore_action',
  drops_as_it_acts: 'drop_on_action',
  drops_before: 'drop_on_challenge',
  hangs_on_command: 'hang_on_action',
  refuses_write: 'att_error_on_action',
};

/** The driver of Nuki locks, or one like it, for the suites. @param made told of each fixture, to be closed afterwards */
export const nukiSuite = (made: (fixture: NukiFixture) => void, driver: DriverDefinition = nuki): BleSuite => ({
  title: 'ble/nuki',
  ...limitsOf(nuki),
  lingersMs: 5_000,
  autoLock: true,
  make: async (when) => {
    const f = await nukiFixture({
      driver,
      air: { pacing: 'events', advertisingIntervalMs: 20 },
      lock: { keypadCapacity: 3 },
      justOpened: when === 'opened',
    });
    made(f);
    const spends: (() => void)[] = [];
    const pins: DriverHarness['keypad'] = {
      slots: [1, 2, 3],
      pins: ['589472', '589473'],
      held: (slot) => f.lock.keypad.codes.find(({ codeId }) => codeId === slot)?.code.toString(),
      hold: (slot, pin) => {
        if (pin === undefined) {
          const at = f.lock.keypad.codes.findIndex(({ codeId }) => codeId === slot);
          f.lock.keypad.codes.splice(at, 1);
          return;
        }
        const code = { codeId: slot, code: Number(pin), name: 'foreign', enabled: true, createdAt: 0 };
        f.lock.keypad.codes.push({ ...code, lastActiveAt: undefined, lockCount: 0, limits: undefined });
      },
      writes: () => f.lock.keypad.writes,
      forget: () => f.lock.misbehave('forget_code'),
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
        sayNo: () => {
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
      autoLock: {
        kept: () => {
          const { enabled, afterS } = f.lock.advancedConfig.autoLock;
          return { enabled, delaySeconds: afterS };
        },
        keep: ({ enabled, delaySeconds }) => f.lock.advancedConfig.setAutoLock(enabled, delaySeconds ?? 300),
        writes: () => f.lock.advancedConfig.writes,
        forget: () => {
          f.lock.advancedConfig.forgets = true;
        },
        refuse: () => f.lock.misbehave('refuse_settings'),
      },
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
});
