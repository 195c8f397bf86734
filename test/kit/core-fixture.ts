import { pino } from 'pino';
import type { LinkKind, LinkKinds } from '../../src/contract/index.ts';
import type { ManagedDeviceOptions } from '../../src/devices/managed-device.ts';
import { Core } from '../../src/gateway/core.ts';
import type { Origin } from '../../src/gateway/ports.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import type { AttemptRecord } from '../../src/store/records.ts';
import { ScriptedLock } from './scripted-lock.ts';
import { seededRandom } from './seeded-random.ts';
import { SimulatedClock } from './simulated-clock.ts';

export interface FixtureDevice {
  readonly slug: string;
  readonly driver: ManagedDeviceOptions['driver'];
  readonly settings?: unknown;
  readonly link: LinkKinds[LinkKind];
  readonly outOfService?: boolean;
}

export interface FixtureOptions {
  readonly clock?: SimulatedClock;
  readonly store?: MemoryStore;
  readonly seed?: number;
  readonly devices: readonly FixtureDevice[];
}

/** The core on a simulated clock and an in-memory store. `device_id` is the slug; `commit.ms` is what a commit takes. */
export function coreFixture(options: FixtureOptions) {
  const clock = options.clock ?? new SimulatedClock();
  const commit = { ms: 0 };
  const store = options.store ?? new MemoryStore({ clock, commitMs: () => commit.ms });
  const random = seededRandom(options.seed ?? 1);
  const log = pino({ level: 'silent' });
  let ids = store.highestSeq();
  const core = new Core({
    clock,
    store,
    log,
    random,
    newId: () => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
    devices: options.devices.map((device) => ({
      description: {
        deviceId: device.slug,
        slug: device.slug,
        name: `Door ${device.slug}`,
        driver: device.driver.id,
        link: 'mqtt/main',
        ...device.driver.describe(device.settings),
        timeZone: 'Europe/Zurich',
        limits: device.driver.limits,
        createdAt: clock.wallTime(),
      },
      driver: device.driver,
      settings: device.settings,
      link: device.link,
      outOfService: device.outOfService ?? false,
      clock,
      random,
      randomBytes: (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256)),
      log,
    })),
  });
  const origin = (): Origin => ({ actor: { kind: 'cli', name: 'test' }, receivedAt: clock.now() });
  const end = (attempt: AttemptRecord) => core.book.settled(attempt.actionAttemptId, new AbortController().signal);
  return { clock, store, commit, core, origin, end };
}

/** A core with one scripted lock, started. */
export async function scriptedCore(options: Omit<FixtureOptions, 'devices'> & { outOfService?: boolean } = {}) {
  const lock = new ScriptedLock();
  const fixture = coreFixture({
    ...options,
    devices: [{ slug: 'front', driver: lock.driver, link: lock.link, outOfService: options.outOfService ?? false }],
  });
  await fixture.core.start();
  return { ...fixture, lock };
}
