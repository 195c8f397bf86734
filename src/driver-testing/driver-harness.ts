import {
  type AutoLock,
  type Clock,
  type Device,
  type DeviceReport,
  type DriverDefinition,
  type LinkKind,
  type LinkKinds,
  openDevice,
  type Secret,
} from '../contract/index.ts';
import { type CommandOptions, type TestCommand, testCommand } from './command-context.ts';
import { recordLog } from './recorded-log.ts';

/** Time that a test moves; {@link SimulatedClock} is one. */
export interface TestClock extends Clock {
  advance(ms: number): Promise<void>;
  until<T>(promise: Promise<T>): Promise<T>;
}

/** The hardware's own account of what happened, whatever it told the driver. */
export interface GroundTruth {
  /** Where the bolt, or what stands for it, is now. */
  bolt(): 'locked' | 'unlocked' | 'between';
  /** How often it moved. */
  movements(): number;
  /** Commands that can act, as they arrived at the hardware: `Clock.now()` of each, door and code commands alike. */
  commands(): readonly number[];
}

/** Ways in which the hardware disappoints. One that the hardware cannot is left out, and its test with it. */
export interface Disappointments {
  /** Does not do what it is told, in whatever way the hardware says no. */
  refuse?(): void;
  /** Says no, in words that can mean nothing but this command, and does not act. */
  sayNo?(): void;
  /** Stops half way. */
  jam?(): void;
  /** Acts at once and tells it `ms` later. */
  tellLate?(ms: number): void;
  /** Acts `ms` after it was told to. */
  actLate?(ms: number): void;
  /** Acts, and never tells anything, asked or not. */
  fallSilent?(): void;
}

/** The way between driver and hardware. */
export interface Way {
  /** Breaks it. What is on the way is lost, or still arrives. */
  cut(onTheWay: 'lost' | 'arrives'): void;
  restore(): void;
  /** Resolves when bytes that can act have left, before they have arrived. */
  commandLeaves(): Promise<void>;
}

/** The code memory of the hardware. */
export interface KeypadTruth {
  /** Slots that the driver's settings allow, in order; at least three. */
  readonly slots: readonly number[];
  /** Two codes that the device accepts. */
  readonly pins: readonly [string, string];
  held(slot: number): string | undefined;
  /** Somebody else puts a code there, or with undefined takes it away. */
  hold(slot: number, pin: string | undefined): void;
  /** Every change of the memory that a command made, in order; `code` is undefined for a delete. */
  writes(): readonly { readonly slot: number; readonly code: string | undefined }[];
  /** The device says that it stored what it is sent next, and keeps none of it. */
  forget?(): void;
  /** The device refuses what it is sent; undefined where it always takes it. */
  refuse?(): void;
}

/** What the hardware keeps of when to lock itself. */
export interface AutoLockTruth {
  kept(): AutoLock;
  /** Somebody sets it at the lock, or with its maker's app. */
  keep(autoLock: AutoLock): void;
  /** How many writes of it have arrived. */
  writes(): number;
  /** It says that it took what it is told next, and keeps the old. */
  forget?(): void;
  /** It refuses what it is told; undefined where it always takes it. */
  refuse?(): void;
}

/** One device with its driver and simulator, fresh for each test. The device is locked and online. */
export interface DriverHarness {
  readonly clock: TestClock;
  readonly device: Device;
  readonly truth: GroundTruth;
  readonly way: Way;
  readonly disappoint: Disappointments;
  readonly keypad?: KeypadTruth;
  /** Present where the lock can be told when to lock itself. */
  readonly autoLock?: AutoLockTruth;
  readonly reports: readonly DeviceReport[];
  /** Everything that was logged, as text. */
  logged(): string;
  /** A command as the core gives it, logging where `logged` reads. */
  command(options?: Partial<CommandOptions>): TestCommand;
  /** Ends the simulator. What is then still armed or attached was left by the driver. */
  stopHardware(): Promise<void>;
  /** Timers, listeners, subscriptions. */
  leftovers(): number;
}

export interface DriverSuite {
  readonly title: string;
  /** The driver's own defaults, in milliseconds. */
  readonly door: { readonly sendByMs: number; readonly deadlineMs: number };
  readonly code?: { readonly sendByMs: number; readonly deadlineMs: number };
  /** True where the harness has an {@link DriverHarness.autoLock}. */
  readonly autoLock?: true;
  /** @param when `opened`: at the very moment that `open` resolved; otherwise once everybody has found each other. */
  make(when?: 'opened'): Promise<DriverHarness>;
}

export interface OpenUnderTestOptions {
  readonly clock: Clock;
  /** As it would stand in the configuration. */
  readonly settings: unknown;
  /** Default 'Front door'. */
  readonly name?: string;
  /** Numbers in [0, 1); always 0 unless told. */
  readonly random?: () => number;
  readonly credentials?: Secret;
}

/** A device as the gateway opened it, with all that it said. */
export interface DeviceUnderTest {
  readonly device: Device;
  readonly reports: readonly DeviceReport[];
  /** Everything that was logged, as text. */
  logged(): string;
  /** A command as the core gives it, logging where `logged` reads. */
  command(options?: Partial<CommandOptions>): TestCommand;
}

/**
 * Opens a device as the gateway does, on a link and a clock that the test owns.
 * @throws what the settings' schema or the driver throws
 */
export async function openUnderTest(
  driver: DriverDefinition,
  link: LinkKinds[LinkKind],
  { clock, settings, name = 'Front door', random = () => 0, credentials }: OpenUnderTestOptions,
): Promise<DeviceUnderTest> {
  const reports: DeviceReport[] = [];
  const log = recordLog();
  const device = await openDevice(driver, link, driver.settings.parse(settings), {
    deviceId: 'front',
    name,
    clock,
    random,
    randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256)),
    log: log.logger,
    report: (report) => reports.push(report),
    ...(credentials && { credentials }),
  });
  return {
    device,
    reports,
    logged: () => log.text,
    command: (more = {}) => testCommand({ clock, log: log.logger, ...more }),
  };
}
