import { announced } from '../../../drivers/mqtt/announced/driver.ts';
import { SimulatedAnnouncedLock, type SimulatedLockOptions } from '../../../drivers/mqtt/announced/simulator.ts';
import type { DriverDefinition } from '../../../src/contract/index.ts';
import {
  limitsOf,
  MemoryMqtt,
  type MqttSuite,
  openUnderTest,
  SimulatedClock,
} from '../../../src/driver-testing/index.ts';

/** The driver and its simulator, or others like them. */
export interface Subjects {
  readonly driver?: DriverDefinition;
  readonly simulator?: typeof SimulatedAnnouncedLock;
  readonly lock?: Partial<SimulatedLockOptions>;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A simulated lock and the driver that works it, on one broker and one clock that the test owns. */
export async function openLock({
  driver = announced,
  simulator = SimulatedAnnouncedLock,
  lock: like,
  settings,
}: Subjects) {
  const clock = new SimulatedClock();
  const broker = new MemoryMqtt({ clock });
  const peer = broker.peer();
  const lock = new simulator({ mqtt: peer, clock, ...like });
  lock.start();
  const link = broker.link();
  const discovery_topic = like?.discoveryTopic ?? 'homeassistant/lock/front/config';
  const opened = await openUnderTest(driver, link, { clock, settings: { discovery_topic, ...settings } });
  return { ...opened, clock, broker, peer, lock, link };
}

/** What is retained proves nothing, so the lock tells its state once before a test begins. */
export async function settle({ clock, lock }: Awaited<ReturnType<typeof openLock>>): Promise<void> {
  await clock.advance(1_000);
  lock.say();
  await clock.advance(1_000);
}

export const announcedSuite = (title: string, subjects: Subjects): MqttSuite => ({
  title,
  door: limitsOf(subjects.driver ?? announced).door,
  staleMs: 300,
  make: async (when) => {
    const opened = await openLock(subjects);
    if (when !== 'opened') await settle(opened);
    const { clock, lock, link, peer, device, reports, logged, command } = opened;
    return {
      ...{ clock, device, reports, logged, command, link },
      truth: {
        bolt: () => lock.bolt,
        movements: () => lock.movements.length,
        commands: () => lock.commands.map(({ at }) => at),
      },
      way: {
        cut: (onTheWay) => link.cut({ onTheWay }),
        restore: () => link.restore(),
        commandLeaves: () => clock.until(link.commandLeaves()),
      },
      disappoint: {
        refuse: () => lock.misbehave({ ignores: true }),
        jam: () => lock.misbehave({ jams: true }),
        tellLate: (ms) => lock.misbehave({ tellsLateMs: ms }),
        actLate: (ms) => lock.misbehave({ actsLateMs: ms }),
        fallSilent: () => lock.misbehave({ isMute: true }),
      },
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
