import { formatCredentials, type NukiCredentials, securityPin } from '../../../drivers/ble/nuki/credentials.ts';
import { nuki } from '../../../drivers/ble/nuki/driver.ts';
import { type NukiSettings, settings } from '../../../drivers/ble/nuki/settings.ts';
import { SimulatedNuki, type SimulatedNukiOptions } from '../../../drivers/ble/nuki/simulator.ts';
import {
  type BleLink,
  type CommandContext,
  type Device,
  type DeviceReport,
  type DriverDefinition,
  type GatewayError,
  type LockOutcome,
  openDevice,
} from '../../../src/contract/index.ts';
import { type CommandOptions, testCommand } from '../../../src/driver-testing/command-context.ts';
import { recordLog } from '../../../src/driver-testing/recorded-log.ts';
import { type RadioFixtureOptions, radioFixture } from '../radio/radio-fixture.ts';

export interface NukiFixtureOptions extends RadioFixtureOptions {
  /** A driver like it. */
  readonly driver?: DriverDefinition;
  readonly lock?: Partial<SimulatedNukiOptions>;
  readonly settings?: Partial<NukiSettings>;
  /** The PIN the gateway was told; the lock's own is 1234, or 123456. Null: it was told none. */
  readonly pin?: number | null;
  readonly unpaired?: boolean;
  /** What the lock takes the gateway for. Default an app. */
  readonly as?: 'app' | 'bridge';
  /** The Nuki id that pairing left behind; without it the driver learns it. */
  readonly pairedWith?: number;
  /** At the very moment that `open` resolved. */
  readonly justOpened?: boolean;
}

const KEY = Buffer.alloc(32, 7);

/** A simulated Nuki on the emulated radio, paired, and its driver opened on it. */
export async function nukiFixture(options: NukiFixtureOptions = {}) {
  const radio = await radioFixture(options);
  const { clock, random } = radio;
  const randomBytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));
  const generation = options.lock?.generation ?? 'classic';
  const lockPin = options.lock?.pin ?? (generation === 'ultra' ? 123_456 : 1234);
  const lock = new SimulatedNuki({ clock, randomBytes, ...options.lock, pin: lockPin });
  const { address } = await radio.serve(lock);

  const idType = options.as === 'bridge' ? 1 : 0;
  const { authorizationId } = lock.authorize({ sharedKey: KEY, appId: 77, idType, name: 'gateway' });
  const credentials: NukiCredentials = {
    authorizationId,
    sharedKey: KEY,
    appId: 77,
    protocol: generation,
    pin: options.pin === null ? undefined : securityPin(options.pin ?? lockPin, generation),
    idType,
    nukiId: options.pairedWith,
  };
  const { link, connections } = countedSessions(radio.adapter.link({ address, addressType: 'public' }, 'Front door'));
  const reports: DeviceReport[] = [];
  const log = recordLog();
  await radio.up();
  const open = (): Promise<Device> =>
    openDevice(options.driver ?? nuki, link, settings.parse({ keypad: true, ...options.settings }), {
      deviceId: 'front',
      name: 'Front door',
      clock,
      random,
      randomBytes,
      log: log.logger,
      ...(options.unpaired ? {} : { credentials: formatCredentials(credentials) }),
      report: (report) => reports.push(report),
    });
  let device = await open();

  // The driver reads a lock soon after it was opened; what a test asks for comes after that.
  if (options.justOpened !== true) await clock.advance(4_000);
  lock.history.length = 0;

  const command = (more: Partial<CommandOptions> = {}) =>
    testCommand({ clock, sendByMs: 6_000, deadlineMs: 20_000, log: log.logger, ...more });
  const settled = <T>(promise: Promise<T>): Promise<T | GatewayError> =>
    clock.until(promise.catch((error: unknown) => error as GatewayError));

  return {
    ...radio,
    lock,
    get device() {
      return device;
    },
    link,
    connections,
    address,
    credentials,
    randomBytes,
    reports,
    text: log,
    command,
    settled,
    /** One door command as the core would give it; its outcome or its error. */
    async door(target: 'lock' | 'unlock', more: Partial<CommandOptions> = {}) {
      const given = command(more);
      const outcome = await settled(move(device, target, given.ctx));
      given.end();
      return outcome as LockOutcome & GatewayError;
    },
    begin: (target: 'lock' | 'unlock', more: Partial<CommandOptions> = {}) => {
      const given = command(more);
      return { given, outcome: move(device, target, given.ctx).catch((error: unknown) => error as GatewayError) };
    },
    /** The gateway starts again. */
    async reopen(): Promise<void> {
      await device.close();
      device = await open();
    },
    /** Another lock is put where this one was, or this one again. */
    async putThere(other: SimulatedNuki): Promise<void> {
      const here = radio.air.find(address);
      if (here) radio.air.unplug(here);
      await radio.serve(other, address);
    },
    /** The adapter and everything on the air, without the device. */
    stopRadio: () => radio.close(),
    async close(): Promise<void> {
      await device.close();
      await radio.close();
    },
  };
}

/** The link, and how many connections run over it: now, and the most at once. */
function countedSessions(plain: BleLink) {
  let now = 0;
  let most = 0;
  const link: BleLink = {
    ...plain,
    get state() {
      return plain.state;
    },
    session: (options, use) =>
      plain.session(options, async (gatt) => {
        now += 1;
        most = Math.max(most, now);
        try {
          return await use(gatt);
        } finally {
          now -= 1;
        }
      }),
  };
  return { link, connections: () => ({ now, most }) };
}

export type NukiFixture = Awaited<ReturnType<typeof nukiFixture>>;

function move({ lock }: Device, target: 'lock' | 'unlock', ctx: CommandContext): Promise<LockOutcome> {
  if (lock === undefined) throw new Error('the device is no lock');
  return target === 'lock' ? lock.lock(ctx) : lock.unlock(ctx);
}
