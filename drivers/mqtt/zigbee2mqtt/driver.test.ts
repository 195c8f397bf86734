import { describeDriver } from '../../../test/contract/describe-driver.ts';
import { zigbeeLock } from '../../../test/kit/zigbee2mqtt-fixture.ts';
import { zigbee2mqtt } from './driver.ts';

for (const exposePin of [false, true])
  describeDriver({
    title: exposePin ? 'mqtt/zigbee2mqtt, codes shown' : 'mqtt/zigbee2mqtt',
    ...zigbee2mqtt.limits,
    make: async (when) => {
      const { clock, lock, link, device, reports, logged, command, simulator } = await zigbeeLock({
        settleMs: when === 'opened' ? 0 : 2_000,
        lock: { exposePin },
        settings: { pin_slots: { first: 1, count: 4 } },
      });
      return {
        clock,
        device,
        reports,
        command,
        logged: () => logged.join('\n'),
        truth: {
          bolt: () => (lock.bolt === 'not_fully_locked' ? 'between' : lock.bolt),
          movements: () => lock.movements.length,
          commands: () => [...lock.doorCommands, ...lock.keypad.codeCommands].map(({ at }) => at),
        },
        way: {
          cut: (onTheWay) => link.cut({ onTheWay }),
          restore: () => link.restore(),
          commandLeaves: async () => {
            while (link.sent.every(({ kind }) => kind === 'query')) await clock.advance(1);
          },
        },
        disappoint: {
          refuse: () => lock.misbehave({ refusesSilently: true }),
          jam: () => lock.misbehave({ jams: true }),
          tellLate: (ms) => lock.misbehave({ reportsLateMs: ms }),
          actLate: (ms) => lock.misbehave({ actsLateMs: ms }),
          fallSilent: () => lock.misbehave({ neverReports: true, ignoresReads: true }),
        },
        keypad: {
          slots: [1, 2, 3, 4],
          pins: ['04726183', '93816274'],
          held: (slot) => lock.keypad.codes.get(slot),
          hold: (slot, pin) => lock.keypad.codes.set(slot, pin),
          refuse: () => lock.misbehave({ refusesPins: true }),
        },
        stopHardware: async () => {
          simulator.stop();
          await clock.advance(5);
        },
        leftovers: () => clock.armedTimers + link.listenerCount,
      };
    },
  });
