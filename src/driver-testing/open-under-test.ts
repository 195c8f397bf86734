import {
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
