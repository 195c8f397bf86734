import { pino } from 'pino';
import type { LimitBite } from '../../../src/contract/index.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import type { GatewayIdentity, LinkReport } from '../../../src/model/gateway.ts';
import { LogTap } from '../../../src/monitor/log-tap.ts';
import { Metrics } from '../../../src/monitor/metrics.ts';
import { startMonitor } from '../../../src/monitor/mqtt-monitor.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import { RecordingPublisher, type Said } from '../broker/recording-publisher.ts';
import { ScriptedKeypad } from '../locks/scripted-keypad.ts';
import { ScriptedLock } from '../locks/scripted-lock.ts';
import { ScriptedSensor } from '../noise/scripted-sensor.ts';
import { coreFixture, type FixtureDevice } from './core-fixture.ts';

export interface MonitorFixtureOptions {
  readonly clock?: SimulatedClock;
  readonly store?: MemoryStore;
  readonly publisher?: RecordingPublisher;
  readonly homeAssistant?: boolean;
  readonly commands?: boolean;
  readonly consoleUrl?: string;
  readonly identity?: Partial<GatewayIdentity>;
  readonly links?: () => readonly LinkReport[];
  /** Slugs of the devices that are configured; `front` is a lock, `hall` a sensor. */
  readonly devices?: readonly ('front' | 'hall')[];
  /** Start the core after the monitor, as the product does. Default true. */
  readonly start?: boolean;
}

export const base = 'strikeplate/box7';

/** How a message is published: QoS, retain, expiry in seconds, content type. */
export const manner = (said: Said) => [said.qos, said.retain, said.expirySeconds, said.contentType];

/** The core with a lock and a noise sensor, watched by a monitor whose broker is a list. */
export async function monitorFixture(options: MonitorFixtureOptions = {}) {
  const { devices = ['front', 'hall'], publisher = new RecordingPublisher() } = options;
  const lock = new ScriptedLock();
  lock.keypad = new ScriptedKeypad();
  const sensor = new ScriptedSensor();
  const all: Record<'front' | 'hall', FixtureDevice> = {
    front: { slug: 'front', driver: lock.driver, link: lock.link },
    hall: { slug: 'hall', driver: sensor.driver, link: sensor.link },
  };
  const fixture = coreFixture({
    clock: options.clock ?? new SimulatedClock(),
    ...(options.store && { store: options.store }),
    ...(options.links && { links: options.links }),
    identity: { id: 'box7', name: 'Box 7', bootId: 'b19', version: '1.2.3', ...options.identity },
    devices: devices.map((slug) => all[slug]),
  });
  const probe = {
    rssBytes: () => 92 * 1_048_576,
    cpuSeconds: () => 12.5,
    loopLag: { p50Ms: 0.2, p99Ms: 3.06, maxMs: 8 },
    close: () => {},
  };
  const metrics = new Metrics({ gateway: fixture.core, probe, storeStats: () => fixture.store.stats });
  const logTap = new LogTap();
  const log = pino({ level: 'trace' }, logTap.stream);
  const bites: LimitBite[] = [];
  const monitor = startMonitor({
    onLimit: (bite) => void bites.push(bite),
    gateway: fixture.core,
    publisher,
    metrics,
    log,
    random: () => 0.5,
    config: {
      ...{ baseTopic: base, homeAssistant: options.homeAssistant ?? false, intervalMs: 30_000 },
      ...{ commands: options.commands ?? false, consoleUrl: options.consoleUrl },
    },
    configDigest: 'c0ffee',
    logTap,
  });
  const { clock } = fixture;
  if (options.start !== false) await fixture.core.start();
  /** Lets a tick pass, and the rest that a retained topic takes. */
  const told = () => clock.advance(120);
  return { ...fixture, lock, sensor, publisher, metrics, monitor, log, bites, told };
}
