import { createCipheriv, createDecipheriv } from 'node:crypto';
import { pino } from 'pino';
import type { CodeSealContext, CodeVault } from '../../../src/access-codes/code-repository.ts';
import type { AccessCodeSettings } from '../../../src/access-codes/settings.ts';
import type { TimeSource } from '../../../src/access-codes/trusted-clock.ts';
import type { GrantVault } from '../../../src/access-grants/provisioning-options.ts';
import { Core, type CoreOptions } from '../../../src/composition/core.ts';
import {
  type AutoLockCapability,
  type Clock,
  type DeviceReport,
  GatewayError,
  type LinkKind,
  type LinkKinds,
  Secret,
} from '../../../src/contract/index.ts';
import type { ManagedDeviceOptions } from '../../../src/devices/managed-device.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import type { DoorRules } from '../../../src/model/device-snapshot.ts';
import type { GatewayIdentity, LinkReport, Origin } from '../../../src/model/gateway.ts';
import type { Permission } from '../../../src/model/permission.ts';
import type { AttemptRecord } from '../../../src/model/records.ts';
import type { PlayedDevice } from '../../../src/model/sandbox.ts';
import { limitsOf } from '../../../src/model/time-limits.ts';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import type { WebhookSender } from '../../../src/webhooks/webhook-sender.ts';
import type { WebhookVault } from '../../../src/webhooks/webhook-service.ts';
import type { ScriptedKeypad } from '../locks/scripted-keypad.ts';
import { type Keypad, ScriptedLock } from '../locks/scripted-lock.ts';
import { seededRandom } from '../seeded-random.ts';

export interface FixtureDevice {
  readonly slug: string;
  readonly driver: ManagedDeviceOptions['driver'];
  readonly settings?: unknown;
  readonly link: LinkKinds[LinkKind];
  readonly outOfService?: boolean;
  readonly doorRules?: DoorRules;
  /** What pairing left behind. */
  readonly credentials?: Secret;
}

export interface FixtureOptions {
  readonly clock?: SimulatedClock;
  /** What the core sees of the clock, when that is less than all of it. */
  readonly processClock?: Clock;
  readonly store?: MemoryStore;
  readonly seed?: number;
  readonly identity?: Partial<GatewayIdentity>;
  readonly links?: () => readonly LinkReport[];
  /** Takes every webhook unless given. */
  readonly webhookSender?: WebhookSender;
  readonly webhooksIncludeCodes?: boolean;
  readonly webhookLimit?: number;
  readonly permissionOf?: (keyId: string) => Permission | undefined;
  readonly accessCodes?: AccessCodeSettings;
  readonly keptDays?: CoreOptions['keptDays'];
  readonly timeSource?: TimeSource;
  /** Ids of codes and webhooks whose secrets were damaged on disk. */
  readonly damaged?: ReadonlySet<string>;
  readonly devices: readonly FixtureDevice[];
  readonly played?: (deviceId: string) => PlayedDevice | undefined;
}

/** Enough of a vault to see that nothing is kept in clear. */
const vault: CodeVault & WebhookVault & GrantVault = {
  seal: (code) => {
    const padded = Buffer.alloc(320, ' ');
    padded.write(code.reveal());
    return createCipheriv('aes-128-ecb', Buffer.alloc(16, 7), null).update(padded);
  },
  open: (sealed) => {
    const plain = createDecipheriv('aes-128-ecb', Buffer.alloc(16, 7), null).setAutoPadding(false).update(sealed);
    return new Secret(plain.toString().trim());
  },
  mark: (code) => code.reveal(),
};

/** The core on a simulated clock and an in-memory store. `device_id` is the slug; `commit.ms` is what a commit takes. */
export function coreFixture(options: FixtureOptions) {
  const clock = options.clock ?? new SimulatedClock();
  const processClock = options.processClock ?? clock;
  const commit = { ms: 0 };
  const store = options.store ?? new MemoryStore({ clock, commitMs: () => commit.ms });
  const random = seededRandom(options.seed ?? 1);
  const log = pino({ level: 'silent' });
  // Ids go on after a restart, since the fixture's second run must not give the first run's again.
  let ids = (store.read.highestSeq() + store.read.highestEventSeq()) * 10;
  const managed = (device: FixtureDevice): ManagedDeviceOptions => ({
    description: {
      deviceId: device.slug,
      slug: device.slug,
      name: `Door ${device.slug}`,
      driver: device.driver.id,
      link: 'mqtt/main',
      ...device.driver.describe(device.settings),
      timeZone: 'Europe/Zurich',
      limits: limitsOf(device.driver),
      createdAt: clock.wallTime(),
      ...(device.doorRules && { doorRules: device.doorRules }),
    },
    driver: device.driver,
    settings: device.settings,
    link: device.link,
    outOfService: device.outOfService ?? false,
    ...(device.credentials && { credentials: () => device.credentials }),
    clock: processClock,
    random,
    randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)),
    log,
  });
  const core = new Core({
    identity: {
      id: 'test',
      name: 'Test',
      timeZone: 'Europe/Zurich',
      workspaceId: '20000000-0000-5000-8000-000000000000',
      version: '0.0.0',
      bootId: 'boot',
      startedAt: clock.wallTime(),
      ...options.identity,
    },
    clock: processClock,
    store,
    log,
    random,
    randomInt: (below) => Math.floor(random() * below),
    newId: () => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
    vault: {
      ...vault,
      open: (sealed, about) => {
        if (Object.values(about).some((id) => options.damaged?.has(id)))
          throw new GatewayError('internal_error', 'It cannot be read.');
        return vault.open(sealed, about as CodeSealContext);
      },
    },
    randomBytes: (size) => Uint8Array.from({ length: size }, () => Math.floor(random() * 256)),
    webhooks: {
      sender: options.webhookSender ?? { send: async () => 200, check: async () => {} },
      includesCodes: options.webhooksIncludeCodes ?? false,
      limit: options.webhookLimit ?? 10_000,
    },
    links: options.links ?? (() => []),
    permissionOf: options.permissionOf ?? (() => undefined),
    ...(options.accessCodes && { accessCodes: options.accessCodes }),
    ...(options.keptDays && { keptDays: options.keptDays }),
    ...(options.timeSource && { timeSource: options.timeSource }),
    ...(options.played && { played: options.played }),
    devices: options.devices.map(managed),
  });
  const origin = (): Origin => ({ actor: { kind: 'cli', name: 'test' }, receivedAt: clock.now() });
  const end = (attempt: AttemptRecord) => core.attempts.settled(attempt.actionAttemptId, new AbortController().signal);
  /** Takes the devices over anew, as after a change of the configuration: all of them are others now. */
  const change = (devices: readonly FixtureDevice[] = options.devices) =>
    core.changeDevices(devices.map(managed)).openAfter(() => Promise.resolve());
  return { clock, store, commit, core, origin, end, change };
}

export interface ScriptedOptions<Pad extends Keypad = ScriptedKeypad> extends Omit<FixtureOptions, 'devices'> {
  readonly outOfService?: boolean;
  readonly doorRules?: DoorRules;
  readonly firstWords?: readonly DeviceReport[];
  readonly keypad?: Pad;
  readonly autoLock?: AutoLockCapability;
}

/** A core with one scripted lock, started. */
export async function scriptedCore<Pad extends Keypad = ScriptedKeypad>(options: ScriptedOptions<Pad> = {}) {
  const lock = new ScriptedLock<Pad>();
  lock.keypad = options.keypad;
  lock.autoLock = options.autoLock;
  lock.firstWords = options.firstWords ?? [];
  const fixture = coreFixture({
    ...options,
    devices: [
      {
        slug: 'front',
        driver: lock.driver,
        link: lock.link,
        outOfService: options.outOfService ?? false,
        ...(options.doorRules && { doorRules: options.doorRules }),
      },
    ],
  });
  await fixture.core.start();
  return { ...fixture, lock };
}
