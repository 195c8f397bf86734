import type { Logger } from 'pino';
import {
  type Clock,
  type Device,
  type DeviceReport,
  type DriverDefinition,
  GatewayError,
  type LinkKind,
  type LinkKinds,
  type LinkState,
  type OnLimit,
  openDevice,
  type Secret,
  type Timer,
} from '../contract/index.ts';
import {
  applyReport,
  capabilitiesOf,
  type DeviceDescription,
  type DeviceSettings,
  type DeviceSnapshot,
} from '../model/device-snapshot.ts';
import { DeviceLane } from './device-lane.ts';
import { ReportBudget, Steadiness } from './report-bounds.ts';

/** How long a driver may go on after it was told to stop before its device is closed under it, in milliseconds. */
const abortPatienceMs = 1_000;

/** How long a driver may take to let go of its device before it is left behind, in milliseconds. */
const closePatienceMs = 1_000;

/** How often it is looked whether a device that is given up has nothing to do any more, in milliseconds. */
const retireLookMs = 20;

/** How long until a device that could not be opened is opened again, in milliseconds: doubled up to the last. */
const reopenBackoffMs = [250, 500, 1_000, 2_000, 5_000, 10_000, 30_000] as const;

export interface ManagedDeviceOptions {
  readonly description: DeviceDescription;
  readonly driver: DriverDefinition;
  /** Validated by the driver's own schema. */
  readonly settings: unknown;
  /** Or how to come by it, once it is there. @throws GatewayError while it is not there */
  readonly link: LinkKinds[LinkKind] | (() => LinkKinds[LinkKind]);
  readonly outOfService: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** What pairing left behind, read at each opening. @throws GatewayError `misconfigured` */
  readonly credentials?: () => Secret | undefined;
  /** Told when it reports more than is taken in. */
  readonly onLimit?: OnLimit;
  /** Not the device's own: that one, which names the device in every line, is made when there is something to write. */
  readonly log: Logger;
}

const noCapabilities: DeviceSnapshot['capabilities'] = { lock: undefined, accessCodes: undefined, noise: undefined };
const opening: DeviceSnapshot['health'] = {
  status: 'not_ready',
  reason: 'opening',
  hint: 'The gateway is starting; wait a moment.',
};

/** One configured device: opened, reopened when its driver hangs, and what it last said of itself. */
export class ManagedDevice {
  readonly lane: DeviceLane;
  readonly #options: ManagedDeviceOptions;
  readonly #onReport: (snapshot: DeviceSnapshot, report: DeviceReport) => void;
  readonly #budget: ReportBudget;
  readonly #steadiness: Steadiness;
  #ownLog: Logger | undefined;
  #bound: LinkKinds[LinkKind] | undefined;
  #device: Device | undefined;
  #opened = false;
  #generation = 0;
  #failures = 0;
  #reopening: Timer | undefined;
  #closed = false;
  #snapshot: DeviceSnapshot;

  constructor(
    options: ManagedDeviceOptions,
    settings: DeviceSettings,
    onReport: (snapshot: DeviceSnapshot, report: DeviceReport) => void,
  ) {
    this.#options = options;
    this.#onReport = onReport;
    const { onLimit, description } = options;
    this.#budget = new ReportBudget(
      options.clock,
      (report) => this.#take(report),
      (count) =>
        onLimit?.({
          limit: 'device_messages',
          source: description.slug,
          deviceId: description.deviceId,
          count,
          message:
            `${description.name} reports more than a hundred times a second: of its state the newest is taken in, and ` +
            'what happened at it is passed over. Find out why it says so much.',
        }),
    );
    this.lane = new DeviceLane(options.clock, options.description.name);
    this.#steadiness = new Steadiness(options.clock, (flakySince) => {
      this.#snapshot = { ...this.#snapshot, flakySince };
      this.#onReport(this.#snapshot, { kind: 'health', health: this.#snapshot.health });
    });
    // Field by field: an object that begins as a copy and gets many more takes the engine a thousand times as long.
    const { name, outOfService } = this.#underSettings(settings);
    this.#snapshot = {
      deviceId: description.deviceId,
      slug: description.slug,
      name,
      driver: description.driver,
      link: description.link,
      deviceType: description.deviceType,
      manufacturer: description.manufacturer,
      model: description.model,
      timeZone: description.timeZone,
      limits: description.limits,
      noiseRules: description.noiseRules,
      doorRules: description.doorRules,
      createdAt: description.createdAt,
      capabilities: noCapabilities,
      health: opening,
      healthSince: options.clock.wallTime(),
      lockState: 'unknown',
      door: 'unknown',
      autoLock: undefined,
      battery: undefined,
      accessoryKeypad: undefined,
      flakySince: undefined,
      serialNumber: undefined,
      isBehindBridge: false,
      noise: undefined,
      changedBy: undefined,
      lastSeenAt: undefined,
      outOfService,
      settings,
    };
  }

  get snapshot(): DeviceSnapshot {
    return this.#snapshot;
  }

  get settings(): DeviceSettings {
    return this.#snapshot.settings;
  }

  get configuredName(): string {
    return this.#options.description.name;
  }

  /** How many digits its codes may have by its own word; undefined without codes, and while it is not open. */
  get ownCodeLengths(): readonly number[] | undefined {
    return this.#device?.accessCodes?.rules.lengths;
  }

  get isOutOfServiceByConfiguration(): boolean {
    return this.#options.outOfService;
  }

  /** Takes over what was set for it; those who follow the device hear its health again, with the new snapshot. */
  apply(settings: DeviceSettings): void {
    this.#snapshot = { ...this.#snapshot, ...this.#underSettings(settings) };
    if (this.#device) this.#snapshot = { ...this.#snapshot, capabilities: capabilitiesOf(this.#device, settings) };
    this.#onReport(this.#snapshot, { kind: 'health', health: this.#snapshot.health });
    this.lane.nudge();
  }

  #underSettings(settings: DeviceSettings): Pick<DeviceSnapshot, 'name' | 'outOfService' | 'settings'> {
    const { description, outOfService } = this.#options;
    return {
      name: settings.name ?? description.name,
      outOfService: outOfService || settings.stopped !== undefined,
      settings,
    };
  }

  get #log(): Logger {
    this.#ownLog ??= this.#options.log.child({ device: this.#options.description.slug });
    return this.#ownLog;
  }

  /** True once its driver told, by opening it, what it can do. */
  get capabilitiesKnown(): boolean {
    return this.#opened;
  }

  #link(): LinkKinds[LinkKind] {
    const { link } = this.#options;
    this.#bound ??= typeof link === 'function' ? link() : link;
    return this.#bound;
  }

  get linkState(): LinkState {
    try {
      return this.#link().state;
    } catch (error) {
      const hint = error instanceof Error ? error.message : String(error);
      return { status: 'down', reason: 'starting', hint };
    }
  }

  /** The open device. @throws GatewayError `device_not_ready` while it is being opened */
  get device(): Device {
    if (this.#device) return this.#device;
    const { health, name } = this.#snapshot;
    const hint = health.status === 'online' ? '' : ` ${health.hint}`;
    throw new GatewayError('device_not_ready', `${name} is not open yet.${hint}`);
  }

  async open(): Promise<void> {
    const { driver, settings, clock, random, randomBytes, description } = this.#options;
    const generation = ++this.#generation;
    try {
      const credentials = this.#options.credentials?.();
      const device = await openDevice(driver, this.#link(), settings, {
        deviceId: description.deviceId,
        name: this.#snapshot.name,
        clock,
        random,
        randomBytes,
        credentials,
        log: () => this.#log,
        report: (report) => {
          if (generation === this.#generation && !this.#closed) this.#budget.report(report);
        },
      });
      if (generation !== this.#generation || this.#closed) {
        await device.close();
        return;
      }
      this.#device = device;
      this.#opened = true;
      this.#failures = 0;
      this.#snapshot = {
        ...this.#snapshot,
        capabilities: capabilitiesOf(device, this.settings),
        serialNumber: device.serialNumber,
        isBehindBridge: device.isBehindBridge === true,
      };
      if (this.#snapshot.health.status === 'not_ready' && this.#snapshot.health.reason === 'opening') {
        this.#take({ kind: 'health', health: { status: 'online' } });
      }
      this.lane.nudge();
    } catch (error) {
      if (generation === this.#generation && !this.#closed) this.#openLater(error);
    }
  }

  /**
   * Waits for work that its driver has begun on {@link device}, but not for ever: the one rule for a driver that does not
   * come back. When it goes on for a second after `limit` aborted, its device is closed under it and opened anew, since
   * two pieces of work must never overlap on one device.
   *
   * @throws what `work` throws; the limit's reason when the driver did not come back
   */
  waitFor<T>(work: Promise<T>, limit: AbortSignal): Promise<T> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      let patience: Timer | undefined;
      let leftBehind = false;
      const leaveBehind = () => {
        leftBehind = true;
        this.reopen('its driver went on for a second after it was told to stop').then(
          () => reject(limit.reason),
          reject,
        );
      };
      const onAbort = () => {
        patience = clock.setTimer(leaveBehind, abortPatienceMs);
      };
      const cameBack = () => {
        limit.removeEventListener('abort', onAbort);
        patience?.cancel();
      };
      work.then(
        (result) => {
          cameBack();
          if (!leftBehind) resolve(result);
        },
        (error: unknown) => {
          cameBack();
          if (leftBehind) this.#log.warn({ err: error }, 'a driver that was left behind has failed');
          else reject(error);
        },
      );
      if (limit.aborted) onAbort();
      else limit.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** For a driver that does not let go: its device is closed, left behind if it will not, and opened anew. */
  async reopen(why: string): Promise<void> {
    this.#log.warn({ why }, 'device is closed and opened again');
    await this.#release();
    if (!this.#closed) await this.open();
  }

  /**
   * For one that takes another's place: opens when `ready` says so. What is asked of it by then waits in its lane, and ends
   * by its own times.
   */
  openAfter(ready: Promise<unknown>): Promise<void> {
    return new Promise((opened) => {
      this.lane.add({
        laneClass: 'door',
        run: async () => {
          await ready;
          if (!this.#closed) await this.open();
          opened();
          return 'over';
        },
      });
    });
  }

  /** Closes once everything that was asked of it has ended. @param patienceMs for as long as that is waited for */
  async retire(patienceMs: number): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + patienceMs;
    while (!this.lane.idle && clock.now() < until)
      await new Promise<void>((done) => clock.setTimer(done, retireLookMs));
    if (!this.lane.idle) this.#log.warn('the device is closed although commands to it have not ended');
    await this.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#budget.close();
    this.#steadiness.close();
    this.#reopening?.cancel();
    await this.#release();
  }

  async #release(): Promise<void> {
    const device = this.#device;
    this.#device = undefined;
    this.#generation += 1;
    if (!device) return;
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const patience = clock.setTimer(() => {
        this.#log.error('the driver did not close its device in time and is left behind');
        resolve();
      }, closePatienceMs);
      const done = () => {
        patience.cancel();
        resolve();
      };
      device.close().then(done, (error: unknown) => {
        this.#log.error({ err: error }, 'the driver failed to close its device');
        done();
      });
    });
  }

  #openLater(error: unknown): void {
    const { clock } = this.#options;
    const delay = reopenBackoffMs[Math.min(this.#failures, reopenBackoffMs.length - 1)] ?? 30_000;
    this.#failures += 1;
    this.#log.error({ err: error, retryInMs: delay }, 'the device could not be opened');
    const hint = error instanceof GatewayError ? error.message : 'Its driver failed to open it; the log says how.';
    const misconfigured = error instanceof GatewayError && error.type === 'misconfigured';
    this.#take({
      kind: 'health',
      health: misconfigured
        ? { status: 'misconfigured', reason: 'wrong_settings', hint }
        : { status: 'offline', reason: 'not_answering', hint },
    });
    this.#reopening = clock.setTimer(() => void this.open(), delay);
  }

  #take(report: DeviceReport): void {
    if (report.kind === 'capabilities' && this.#device)
      this.#snapshot = { ...this.#snapshot, capabilities: capabilitiesOf(this.#device, this.settings) };
    const before = this.#snapshot;
    const isHearsay = report.kind === 'health' && this.#device?.isBehindBridge === true;
    this.#snapshot = applyReport(
      before,
      isHearsay ? { ...report, hearsay: true } : report,
      this.#options.clock.wallTime(),
    );
    const cameOnline = before.health.status !== 'online' && this.#snapshot.health.status === 'online';
    this.#onReport(this.#snapshot, report);
    if (report.kind === 'health') this.#steadiness.heard(report.health);
    if (cameOnline) this.lane.nudge();
  }
}
