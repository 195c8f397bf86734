import { pino } from 'pino';
import { zigbee2mqtt } from '../../../drivers/mqtt/zigbee2mqtt/driver.ts';
import {
  type SimulatedLockOptions,
  Zigbee2MqttSimulator,
  type Zigbee2MqttSimulatorOptions,
} from '../../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { type Device, type DeviceReport, openDevice } from '../../../src/contract/index.ts';
import { type CommandOptions, type TestCommand, testCommand } from '../../../src/driver-testing/command-context.ts';
import { MemoryMqtt, type MemoryMqttOptions } from '../../../src/driver-testing/memory-mqtt.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { seededRandom } from '../seeded-random.ts';
import { doorRun } from './door-run.ts';

export interface Zigbee2MqttFixtureOptions {
  readonly clock?: SimulatedClock;
  readonly seed?: number;
  readonly lock?: Partial<SimulatedLockOptions>;
  readonly settings?: Record<string, unknown>;
  readonly mqtt?: Partial<MemoryMqttOptions>;
  readonly availability?: boolean;
  /** What else the bridge is like. */
  readonly bridge?: Partial<Omit<Zigbee2MqttSimulatorOptions, 'mqtt' | 'clock'>>;
  /** How long everybody has to find each other, in milliseconds; default 2000. */
  readonly settleMs?: number;
}

/** A simulated lock behind a simulated bridge, and the driver that works it, all on one simulated clock. */
export async function zigbeeLock(options: Zigbee2MqttFixtureOptions = {}) {
  const clock = options.clock ?? new SimulatedClock();
  const random = seededRandom(options.seed ?? 1);
  const broker = new MemoryMqtt({ clock, random, ...options.mqtt });
  const simulator = new Zigbee2MqttSimulator({
    mqtt: broker.peer(),
    clock,
    availability: options.availability ?? true,
    ...options.bridge,
  });
  const lock = simulator.addLock({ friendlyName: 'Front Door', ...options.lock });
  simulator.start();
  const link = broker.link();
  const reports: DeviceReport[] = [];
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  const device: Device = await openDevice(
    zigbee2mqtt,
    link,
    zigbee2mqtt.settings.parse({ friendly_name: 'Front Door', pin_slots: { count: 30 }, ...options.settings }),
    {
      deviceId: 'front',
      name: 'Front door',
      clock,
      random,
      randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256)),
      log,
      report: (report) => reports.push(report),
    },
  );
  const command = (more: Partial<CommandOptions> = {}): TestCommand => testCommand({ clock, log, ...more });
  const door = doorRun(clock, device, command);
  if (options.settleMs !== 0) await clock.advance(options.settleMs ?? 2_000);
  return { clock, random, broker, simulator, lock, link, device, reports, logged, log, command, door };
}

export type ZigbeeLockFixture = Awaited<ReturnType<typeof zigbeeLock>>;

/** What may befall connection and bridge while somebody waits for the lock. */
export const mishapsOf = ({ link, simulator }: ZigbeeLockFixture): Record<(typeof mishaps)[number], () => void> => ({
  cut: () => link.cut(),
  'cut, arrives': () => link.cut({ onTheWay: 'arrives' }),
  restore: () => link.restore(),
  'black hole': () => link.blackHole(),
  'lose ack': () => link.loseAcknowledgements(),
  'bridge stops': () => simulator.bridge.stop(),
  'bridge starts': () => simulator.bridge.start(),
});

export const mishaps = [
  ...(['cut', 'cut, arrives', 'restore', 'black hole', 'lose ack'] as const),
  ...(['bridge stops', 'bridge starts'] as const),
] as const;
