import { type DeviceReport, GatewayError, type Unsubscribe } from '../contract/index.ts';
import type { DeviceSettings, DeviceSnapshot } from '../model/device-snapshot.ts';
import type { Devices } from '../model/gateway.ts';
import { ManagedDevice, type ManagedDeviceOptions } from './managed-device.ts';

/** Every configured device, in the order of configuration. */
export class DeviceRegistry implements Devices {
  readonly #devices = new Map<string, ManagedDevice>();
  readonly #listeners = new Set<(snapshot: DeviceSnapshot, report: DeviceReport) => void>();

  /** @param settingsOf what was set for a device in earlier runs */
  constructor(devices: readonly ManagedDeviceOptions[], settingsOf: (deviceId: string) => DeviceSettings) {
    for (const options of devices) {
      const device = new ManagedDevice(options, settingsOf(options.description.deviceId), (snapshot, report) => {
        for (const listener of this.#listeners) listener(snapshot, report);
      });
      this.#devices.set(options.description.deviceId, device);
    }
  }

  list(): readonly DeviceSnapshot[] {
    return [...this.#devices.values()].map((device) => device.snapshot);
  }

  get(deviceId: string): DeviceSnapshot | undefined {
    return this.#devices.get(deviceId)?.snapshot;
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
