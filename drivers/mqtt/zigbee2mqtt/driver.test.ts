import { type DeviceReport, openDevice } from '../../../src/contract/index.ts';
import { silentLog } from '../../../src/driver-testing/command-context.ts';
import {
  describeDriver,
  describeMqttDriver,
  describeSensor,
  type MqttSuite,
} from '../../../src/driver-testing/index.ts';
import { MemoryMqtt } from '../../../src/driver-testing/memory-mqtt.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { limitsOf } from '../../../src/model/time-limits.ts';
import { zigbeeLock } from '../../../test/kit/locks/zigbee2mqtt-fixture.ts';
import { zigbee2mqtt } from './driver.ts';
import { Zigbee2MqttSimulator } from './simulator.ts';

const suiteOf = (exposePin: boolean): MqttSuite => ({
  title: exposePin ? 'mqtt/zigbee2mqtt, codes shown' : 'mqtt/zigbee2mqtt',
  ...limitsOf(zigbee2mqtt),
  staleMs: 0,
  autoLock: true,
  make: async (when) => {
    const { clock, broker, lock, link, device, reports, logged, command, simulator } = await zigbeeLock({
      settleMs: when === 'opened' ? 0 : 2_000,
      lock: { exposePin, autoRelockS: 0 },
      settings: { pin_slots: { first: 1, count: 4 } },
    });
    const somebody = broker.peer();
    return {
      clock,
      device,
      reports,
      command,
      link,
      logged: () => logged.join('\n'),
      truth: {
        bolt: () => (lock.bolt === 'not_fully_locked' ? 'between' : lock.bolt),
        movements: () => lock.movements.length,
        commands: () => [...lock.doorCommands, ...lock.keypad.codeCommands].map(({ at }) => at),
      },
      way: {
        cut: (onTheWay) => link.cut({ onTheWay }),
        restore: () => link.restore(),
        commandLeaves: () => clock.until(link.commandLeaves()),
      },
      disappoint: {
        refuse: () => lock.misbehave({ refusesSilently: true }),
        jam: () => lock.misbehave({ jams: true }),
        tellLate: (ms) => lock.misbehave({ reportsLateMs: ms }),
        actLate: (ms) => lock.misbehave({ actsLateMs: ms }),
        fallSilent: () => lock.misbehave({ neverReports: true, ignoresReads: true }),
      },
      autoLock: {
        kept: () => {
          const seconds = lock.autoRelockS ?? 0;
          return { enabled: seconds > 0, delaySeconds: seconds > 0 ? seconds : undefined };
        },
        keep: ({ enabled, delaySeconds }) => lock.setAutoRelockAtLock(enabled ? (delaySeconds ?? 0) : 0),
        writes: () => lock.settingsWritten,
        forget: () => lock.misbehave({ forgetsSettings: true }),
        refuse: () => lock.misbehave({ refusesSettings: true }),
      },
      keypad: {
        slots: [1, 2, 3, 4],
        pins: ['04726183', '93816274'],
        held: (slot) => lock.keypad.codes.get(slot),
        hold: (slot, pin) => {
          if (pin === undefined) lock.keypad.codes.delete(slot);
          else lock.keypad.codes.set(slot, pin);
        },
        writes: () => lock.keypad.codeCommands.map(({ slot, code }) => ({ slot, code })),
        forget: () => lock.misbehave({ forgetsPins: true }),
        refuse: () => lock.misbehave({ refusesPins: true }),
      },
      commandTopics: [
        'zigbee2mqtt/Front Door/set',
        `zigbee2mqtt/${lock.ieeeAddress}/set`,
        'zigbee2mqtt/Front Door/1/set',
      ],
      publish: (topic, payload, options) => somebody.publish(topic, payload, options),
      say: (state) =>
        somebody.publish(
          'zigbee2mqtt/Front Door',
          JSON.stringify({
            state: state === 'locked' ? 'LOCK' : 'UNLOCK',
            lock_state: state,
            battery: 87,
            linkquality: 120,
          }),
        ),
      ignoreAll: () => lock.misbehave({ refusesSilently: true, ignoresReads: true }),
      stopHardware: async () => {
        simulator.stop();
        await clock.advance(5);
      },
      leftovers: () => clock.armedTimers + link.listenerCount,
    };
  },
});

for (const exposePin of [false, true]) describeDriver(suiteOf(exposePin));
describeMqttDriver(suiteOf(false));

describeSensor({
  title: 'mqtt/zigbee2mqtt, noise',
  make: async (when) => {
    const clock = new SimulatedClock();
    const broker = new MemoryMqtt({ clock });
    const simulator = new Zigbee2MqttSimulator({ mqtt: broker.peer(), clock });
    const sensor = simulator.addNoiseSensor({ friendlyName: 'Hall' });
    simulator.start();
    const link = broker.link();
    const reports: DeviceReport[] = [];
    const device = await openDevice(
      zigbee2mqtt,
      link,
      zigbee2mqtt.settings.parse({ kind: 'noise', friendly_name: 'Hall', interval_s: 10 }),
      {
        deviceId: 'hall',
        name: 'Hall',
        clock,
        random: () => 0,
        randomBytes: (length) => new Uint8Array(length),
        log: silentLog,
        report: (report) => reports.push(report),
      },
    );
    if (when !== 'opened') await clock.advance(100);
    return {
      clock,
      device,
      reports,
      measure: (level) => sensor.measure(level),
      way: { cut: () => link.cut(), restore: () => link.restore() },
      stopHardware: async () => {
        simulator.stop();
        await clock.advance(5);
      },
      leftovers: () => clock.armedTimers + link.listenerCount,
    };
  },
});
