import { type DeviceReport, GatewayError, type Unsubscribe } from '../contract/index.ts';
import type { DeviceSettings, DeviceSnapshot } from '../model/device-snapshot.ts';
import type { Devices } from '../model/gateway.ts';
import { ManagedDevice, type ManagedDeviceOptions } from './managed-device.ts';

/** What a change of the configuration did: a device that was changed is another one under the same id. */
export interface RosterChange {
  /** Out of the registry, and still open: what was asked of them goes on. */
  readonly old: ReadonlyMap<string, ManagedDevice>;
  /** In the registry, and not open yet. */
  readonly fresh: ReadonlyMap<string, ManagedDevice>;
}

/** Every configured device, in the order of configuration. */
export class DeviceRegistry implements Devices {
  #devices: ReadonlyMap<string, ManagedDevice> = new Map();
  readonly #settingsOf: (deviceId: string) => DeviceSettings;
  readonly #listeners = new Set<(snapshot: DeviceSnapshot, report: DeviceReport) => void>();

  /** @param settingsOf what was set for a device in earlier runs */
  constructor(devices: readonly ManagedDeviceOptions[], settingsOf: (deviceId: string) => DeviceSettings) {
    this.#settingsOf = settingsOf;
    this.#devices = new Map(devices.map((options) => [options.description.deviceId, this.#manage(options)]));
  }

  #manage(options: ManagedDeviceOptions): ManagedDevice {
    const { deviceId } = options.description;
    return new ManagedDevice(options, this.#settingsOf(deviceId), (snapshot, report) => {
      // One that was given up speaks for its id while it ends what was asked of it; of a removed one nobody hears.
      if (this.#devices.has(deviceId)) this.#tell(snapshot, report);
    });
  }

  #tell(snapshot: DeviceSnapshot, report: DeviceReport): void {
    for (const listener of this.#listeners) listener(snapshot, report);
  }

  /**
   * Takes over another configuration. Devices that stay as they are do not notice.
   * @param wanted in the order of the configuration: the id of one that stays, or one that is new or was changed
   */
  change(wanted: readonly (string | ManagedDeviceOptions)[]): RosterChange {
    const before = this.#devices;
    const fresh = new Map<string, ManagedDevice>();
    const after = new Map<string, ManagedDevice>();
    for (const one of wanted) {
      const deviceId = typeof one === 'string' ? one : one.description.deviceId;
      const device = typeof one === 'string' ? this.require(one) : this.#manage(one);
      if (typeof one !== 'string') fresh.set(deviceId, device);
      after.set(deviceId, device);
    }
    this.#devices = after;
    return { fresh, old: new Map([...before].filter(([deviceId, device]) => after.get(deviceId) !== device)) };
  }

  list(): readonly DeviceSnapshot[] {
    return [...this.#devices.values()].map((device) => device.snapshot);
  }

  get(deviceId: string): DeviceSnapshot | undefined {
    return this.#devices.get(deviceId)?.snapshot;
  }

  /** How much waits or runs at a device; 0 also for one that is not there. */
  laneDepth(deviceId: string): number {
    return this.#devices.get(deviceId)?.lane.depth ?? 0;
  }

  /** @throws GatewayError `device_not_found` */
  require(deviceId: string): ManagedDevice {
    const device = this.#devices.get(deviceId);
    if (device) return device;
    // The id is not repeated: whoever mixes parameters up may have put a PIN there.
    throw new GatewayError(
      'device_not_found',
      'This gateway has no device with that device_id. List its devices with GET /devices/list.',
    );
  }

  onReport(listener: (snapshot: DeviceSnapshot, report: DeviceReport) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Opens all; none waits for its hardware, and none keeps the others from opening. */
  async open(): Promise<void> {
    await Promise.all([...this.#devices.values()].map((device) => device.open()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#devices.values()].map((device) => device.close()));
  }
}
