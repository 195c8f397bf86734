import { pino } from 'pino';
import { announced as ours } from '../../drivers/mqtt/announced/driver.ts';
import { SimulatedAnnouncedLock, type SimulatedLockOptions } from '../../drivers/mqtt/announced/simulator.ts';
import { type Device, type DeviceReport, type DriverDefinition, openDevice } from '../../src/contract/index.ts';
import { limitsOf } from '../../src/model/time-limits.ts';
import type { MqttSuite } from '../contract/describe-mqtt-driver.ts';
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
  /** A simulator like it. */
  readonly simulator?: typeof SimulatedAnnouncedLock;
}

/** A simulated lock that announces itself, and the driver that works it, on one simulated clock. */
export async function announcedLock({
  lock: like,
  settings,
  settleMs = 2_000,
  driver,
  simulator = SimulatedAnnouncedLock,
}: AnnouncedFixtureOptions = {}) {
  const clock = new SimulatedClock();
  const broker = new MemoryMqtt({ clock });
  const peer = broker.peer();
  const lock = new simulator({ mqtt: peer, clock, ...like });
  lock.start();
  const link = broker.link();
  const reports: DeviceReport[] = [];
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  const used = driver ?? ours;
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

/** The same for the contract suite. */
export const announcedSuite = (
  title: string,
  as: Pick<AnnouncedFixtureOptions, 'driver' | 'simulator'>,
): MqttSuite => ({
  title,
  door: limitsOf(as.driver ?? ours).door,
  make: async (when) => {
    const { clock, lock, link, peer, device, reports, logged, command } = await announcedLock({
      ...as,
      settleMs: when === 'opened' ? 0 : 2_000,
    });
    return {
      clock,
      device,
      reports,
      command,
      logged: () => logged.join('\n'),
      truth: {
        bolt: () => lock.bolt,
        movements: () => lock.movements.length,
        commands: () => lock.commands.map(({ at }) => at),
      },
      way: {
        cut: (onTheWay) => link.cut({ onTheWay }),
        restore: () => link.restore(),
        commandLeaves: async () => {
          for (let ms = 0; link.sent.every(({ kind }) => kind === 'query'); ms++) {
            if (ms > 10_000) throw new Error('no command left');
            await clock.advance(1);
          }
        },
      },
      disappoint: {
        refuse: () => lock.misbehave({ ignores: true }),
        jam: () => lock.misbehave({ jams: true }),
        tellLate: (ms) => lock.misbehave({ tellsLateMs: ms }),
        actLate: (ms) => lock.misbehave({ actsLateMs: ms }),
        fallSilent: () => lock.misbehave({ isMute: true }),
      },
      link,
      commandTopics: ['locks/front/command'],
      publish: (topic, payload, options) => peer.publish(topic, payload, options),
      say: (state) => lock.say(state === 'locked' ? 'LOCKED' : 'UNLOCKED'),
      ignoreAll: () => lock.misbehave({ ignores: true }),
      stopHardware: async () => {
        lock.stop();
        await clock.advance(5);
      },
      leftovers: () => clock.armedTimers + link.listenerCount,
    };
  },
});
