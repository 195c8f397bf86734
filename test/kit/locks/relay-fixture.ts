import { modbusRelay } from '../../../drivers/serial/modbus-relay/driver.ts';
import {
  SimulatedRelayBoard,
  type SimulatedRelayBoardOptions,
} from '../../../drivers/serial/modbus-relay/simulator.ts';
import { type Device, type DeviceReport, type DriverDefinition, openDevice } from '../../../src/contract/index.ts';
import { type CommandOptions, testCommand } from '../../../src/driver-testing/command-context.ts';
import { recordLog } from '../../../src/driver-testing/recorded-log.ts';
import { doorRun } from './door-run.ts';
import { countedLink, type SerialLineFixture, serialLine } from './serial-line-fixture.ts';

export interface RelayFixtureOptions {
  /** A driver like it. */
  readonly driver?: DriverDefinition;
  readonly line?: SerialLineFixture;
  readonly board?: Partial<SimulatedRelayBoardOptions>;
  readonly settings?: Record<string, unknown>;
  readonly echo?: boolean;
  /** False leaves the time at zero, before the first look. */
  readonly settle?: boolean;
}

/** A strike behind a simulated relay board: the driver, the bus and the line, all on one simulated clock. */
export async function relayDoor(options: RelayFixtureOptions = {}) {
  const fixture = options.line ?? (await serialLine({ echo: options.echo ?? false }));
  const { clock, line, bus, random } = fixture;
  const board = new SimulatedRelayBoard({ clock, unit: 1, ...options.board });
  // The door is closed.
  if (options.board?.inputs !== 0) board.setInput(1, true);
  line.add(board);
  const driver: DriverDefinition = options.driver ?? modbusRelay;
  const log = recordLog();
  const reports: DeviceReport[] = [];
  const { link, listeners } = countedLink(bus.link(board.unit));
  const device: Device = await openDevice(
    driver,
    link,
    driver.settings.parse({
      profile: 'waveshare-8ch-io',
      channel: 1,
      lock_type: 'fail_secure',
      relay_contact: 'normally_open',
      door_contact: { input: 1, closed_when: 'on' },
      ...options.settings,
    }),
    {
      deviceId: 'front',
      name: 'Front door',
      clock,
      random,
      randomBytes: (length) => new Uint8Array(length),
      log: log.logger,
      report: (report) => reports.push(report),
    },
  );
  const lock = device.lock;
  if (lock === undefined) throw new Error('the device has no lock');
  const command = (more: Partial<CommandOptions> = {}) => testCommand({ clock, log: log.logger, ...more });
  const door = doorRun(clock, device, command);
  /** The last report of a kind. */
  const last = <K extends DeviceReport['kind']>(kind: K) =>
    reports.findLast((report): report is Extract<DeviceReport, { kind: K }> => report.kind === kind);
  /** The words that were put on the line for this board since. */
  const writes = () => line.heard.filter(({ functionCode }) => functionCode === 5 || functionCode === 16);
  if (options.settle ?? true) await clock.advance(500);
  return {
    ...fixture,
    board,
    link,
    stateListeners: listeners,
    device,
    lock,
    reports,
    last,
    log,
    command,
    door,
    writes,
  };
}

export type RelayFixture = Awaited<ReturnType<typeof relayDoor>>;
