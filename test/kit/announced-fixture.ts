import { pino } from 'pino';
import { announced } from '../../drivers/mqtt/announced/driver.ts';
import { SimulatedAnnouncedLock, type SimulatedLockOptions } from '../../drivers/mqtt/announced/simulator.ts';
import { type Device, type DeviceReport, type DriverDefinition, openDevice } from '../../src/contract/index.ts';
import { type CommandOptions, testCommand } from './command-context.ts';
import { MemoryMqtt } from './memory-mqtt.ts';
import { SimulatedClock } from './simulated-clock.ts';

export interface AnnouncedFixtureOptions {
  readonly lock?: Partial<SimulatedLockOptions>;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Default 2000: everybody has found each other, and the lock has told its state. */
  readonly settleMs?: number;
  /** A driver like it. */
  readonly driver?: DriverDefinition;
}

/** A simulated lock that announces itself, and the driver that works it, on one simulated clock. */
export async function announcedLock({ lock: like, settings, settleMs = 2_000, driver }: AnnouncedFixtureOptions = {}) {
  const clock = new SimulatedClock();
  const broker = new MemoryMqtt({ clock });
  const peer = broker.peer();
  const lock = new SimulatedAnnouncedLock({ mqtt: peer, clock, ...like });
  lock.start();
  const link = broker.link();
  const reports: DeviceReport[] = [];
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  const used = driver ?? announced;
  const topic = { discovery_topic: like?.discoveryTopic ?? 'homeassistant/lock/front/config' };
  const device: Device = await openDevice(used, link, used.settings.parse({ ...topic, ...settings }), {
    deviceId: 'front',
    name: 'Front door',
    clock,
    random: () => 0,
    randomBytes: (length) => new Uint8Array(length),
    log,
    report: (report) => reports.push(report),
  });
  const command = (more: Partial<CommandOptions> = {}) => testCommand({ clock, log, ...more });
  const door = async (action: 'lock' | 'unlock', more: Partial<CommandOptions> = {}) => {
    const test = command(more);
    const capability = device.lock;
    if (capability === undefined) throw new Error('the device has no lock');
    const end = capability[action](test.ctx).then(
      (outcome) => ({ confirmed: outcome.wasConfirmedByDevice }),
      (error: unknown) => ({ error }),
    );
    const outcome: { readonly confirmed?: boolean; readonly error?: unknown } = await clock.until(end);
    test.end();
    return outcome;
  };
  if (settleMs > 0) {
    await clock.advance(settleMs / 2);
    // What is retained proves nothing; a lock tells its state every now and then.
    lock.say();
    await clock.advance(settleMs / 2);
  }
  const health = () => reports.flatMap((report) => (report.kind === 'health' ? [report.health] : [])).at(-1);
  return { clock, broker, peer, lock, link, device, reports, logged, command, door, health };
}
