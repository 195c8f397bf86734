import { zwave } from '../../../drivers/zwave/node/driver.ts';
import { type DeviceReport, type DriverDefinition, openDevice } from '../../../src/contract/index.ts';
import { type CommandOptions, testCommand } from '../../../src/driver-testing/command-context.ts';
import { recordLog } from '../../../src/driver-testing/recorded-log.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { limitsOf } from '../../../src/model/time-limits.ts';
import { MemoryZwaveNode } from './zwave-node.ts';

export interface ZwaveDoorOptions {
  readonly settings?: Record<string, unknown>;
  /** A driver like it. */
  readonly driver?: DriverDefinition;
  /** Before the device is opened. */
  readonly prepare?: (node: MemoryZwaveNode) => void;
  /** False leaves the time at zero, before the first look. */
  readonly settle?: boolean;
}

/** A device of the Z-Wave driver and its node, on one simulated clock. */
export async function zwaveDoor(options: ZwaveDoorOptions = {}) {
  const clock = new SimulatedClock();
  const node = new MemoryZwaveNode(clock);
  options.prepare?.(node);
  const driver: DriverDefinition = options.driver ?? zwave;
  const log = recordLog();
  const reports: DeviceReport[] = [];
  const device = await openDevice(
    driver,
    node.link,
    driver.settings.parse(options.settings ?? { pin_slots: { first: 1, count: 3 } }),
    {
      deviceId: 'front',
      name: 'Front door',
      clock,
      random: () => 0.5,
      randomBytes: (length) => new Uint8Array(length),
      log: log.logger,
      report: (report) => reports.push(report),
    },
  );
  const { door: limits, code: codeLimits } = limitsOf(zwave);
  /** Runs a command to its end. */
  const run = async <T>(
    work: (ctx: ReturnType<typeof testCommand>['ctx']) => Promise<T> | undefined,
    more: Partial<CommandOptions> = {},
  ) => {
    const command = testCommand({ clock, log: log.logger, ...limits, ...more });
    const startedAt = clock.now();
    const ended = Promise.resolve(work(command.ctx)).then(
      (value) => ({ value, error: undefined }),
      (error: unknown) => ({ value: undefined, error }),
    );
    const outcome = await clock.until(ended);
    command.end();
    return { ...outcome, tookMs: clock.now() - startedAt, permits: command.permits };
  };
  const door = (action: 'lock' | 'unlock') => run((ctx) => device.lock?.[action](ctx));
  const codes = device.accessCodes;
  const code = <T>(work: (at: NonNullable<typeof codes>, ctx: ReturnType<typeof testCommand>['ctx']) => Promise<T>) =>
    run((ctx) => (codes === undefined ? undefined : work(codes, ctx)), codeLimits);
  if (options.settle ?? true) await clock.advance(2_000);
  return { clock, node, device, reports, log, door, code };
}
