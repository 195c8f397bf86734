import type { DeviceReport } from '../contract/index.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { Gateway } from '../model/gateway.ts';
import { DeviceTopics, type Shown } from './device-topics.ts';
import type { HomeAssistant, Surroundings } from './home-assistant.ts';
import type { Outbox, RetainedTopic } from './outbox.ts';
import type { TopicTree } from './topics.ts';

export interface WatchedDeviceOptions {
  readonly gateway: Gateway;
  readonly outbox: Outbox;
  readonly tree: TopicTree;
  /** Undefined: nothing is announced. */
  readonly homeAssistant: HomeAssistant | undefined;
}

/** One device as the broker sees it. */
export class WatchedDevice {
  readonly topics: DeviceTopics;
  readonly #options: WatchedDeviceOptions;
  #discovery: readonly RetainedTopic[] = [];
  #capabilities: DeviceSnapshot['capabilities'] | undefined;
  #shown: Shown | undefined;
  #said = '';

  constructor(device: DeviceSnapshot, options: WatchedDeviceOptions) {
    this.#options = options;
    this.topics = new DeviceTopics(device.deviceId, options.gateway, options.tree);
    this.look(device);
  }

  /** False until its driver told, by opening it, what it can do. */
  get opened(): boolean {
    const { lock, accessCodes, noise } = this.#capabilities ?? {};
    return lock !== undefined || accessCodes !== undefined || noise !== undefined;
  }

  /** Its retained topics, without the last attempt. */
  retained(): readonly RetainedTopic[] {
    return [this.topics.availability, this.topics.state, ...this.#discovery];
  }

  heard(device: DeviceSnapshot, report: DeviceReport): void {
    const { outbox } = this.#options;
    this.look(device);
    if (report.kind === 'noise') return;
    outbox.changed(this.topics.state);
    if (report.kind === 'health') outbox.changed(this.topics.availability);
  }

  /** Notices what the device can do, and shows to have, since it was looked at last. */
  look(device: DeviceSnapshot): void {
    const shown = this.topics.shown(device);
    const around = this.#around(device.deviceId);
    const said = JSON.stringify(around);
    if (device.capabilities === this.#capabilities && shown === this.#shown && said === this.#said) return;
    this.#capabilities = device.capabilities;
    this.#shown = shown;
    this.#said = said;
    const { outbox, homeAssistant } = this.#options;
    outbox.changed(this.topics.state);
    const before = this.#discovery;
    this.#discovery = homeAssistant?.ofDevice(device, shown, around) ?? [];
    const now = new Set(this.#discovery.map(({ topic }) => topic));
    for (const { topic } of before) if (!now.has(topic)) outbox.clear(topic);
    for (const topic of this.#discovery) outbox.changed(topic);
  }

  /** What people said of it: nothing where nobody is told. */
  #around(deviceId: string): Surroundings {
    const { gateway, homeAssistant } = this.#options;
    if (homeAssistant === undefined) return {};
    const [space] = gateway.spaces.ofDevice(deviceId);
    const area = space === undefined ? undefined : gateway.spaces.get(space)?.name;
    const thresholds = gateway.noise.list(deviceId).map(({ noiseThresholdId, name }) => ({ noiseThresholdId, name }));
    return { area, thresholds };
  }
}
