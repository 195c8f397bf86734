import type { Clock, MqttMessage, Timer, Unsubscribe } from '../../../src/contract/index.ts';

/** What a simulated bridge needs of an MQTT client. Publishing is QoS 1 or better; nothing is said of failures. */
export interface SimulatorMqtt {
  publish(topic: string, payload: string, options?: { readonly retain?: boolean }): void;
  subscribe(filter: string, listener: (message: MqttMessage) => void): Unsubscribe;
}

export interface BridgeOptions {
  readonly mqtt: SimulatorMqtt;
  readonly clock: Clock;
  readonly baseTopic: string;
  /** Zigbee2MQTT watches availability only when told to. */
  readonly availability: boolean;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** A device on the simulated bridge. */
export interface BridgedDevice {
  readonly friendlyName: string;
  /** As `bridge/devices` lists it. */
  readonly listing: JsonObject;
  /** @returns false when no converter takes the key */
  set(key: string, value: Json): boolean;
  get(key: string, value: Json): boolean;
  stop(): void;
}

/** Zigbee's own patience with a silent device (zigbee-herdsman: a ZCL command times out after 10 s). */
export const zclTimeoutMs = 10_000;

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Zigbee2MQTT merges a message into its cache key by key, at any depth, and never takes a key away. */
function mergeDeep(into: JsonObject, update: JsonObject): JsonObject {
  const merged: Record<string, Json> = { ...into };
  for (const [key, value] of Object.entries(update)) {
    const before = merged[key];
    merged[key] = isObject(before) && isObject(value) ? mergeDeep(before, value) : value;
  }
  return merged;
}

/** Timers that end together with their owner. */
export class TimerSet {
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(ms: number, run: () => void): void {
    const timer = this.#clock.setTimer(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }

  clear(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}

/** Zigbee2MQTT's side of the broker, as its 2.14.1 was seen to behave: topics, cache, availability, error lines. */
export class SimulatedBridge {
  readonly #options: BridgeOptions;
  readonly #devices = new Map<string, BridgedDevice>();
  readonly #cache = new Map<string, JsonObject>();
  #subscription: Unsubscribe | undefined;

  constructor(options: BridgeOptions) {
    this.#options = options;
  }

  add(device: BridgedDevice): void {
    this.#devices.set(device.friendlyName, device);
    if (this.#subscription === undefined) return;
    this.#publishDevices();
    this.setAvailability(device.friendlyName, true);
  }

  start(): void {
    if (this.#subscription !== undefined) return;
    const { baseTopic, mqtt } = this.#options;
    this.#subscription = mqtt.subscribe(`${baseTopic}/#`, (message) => this.#receive(message));
    this.#publish('bridge/state', { state: 'online' }, true);
    this.#publishDevices();
    for (const name of this.#devices.keys()) this.setAvailability(name, true);
    // What it knew when it stopped is published at once, though it may be old by now.
    for (const name of this.#cache.keys()) this.update(name, {});
  }

  /**
   * Ends as a bridge does that is told to, or as its will does when it dies. The locks go on: what they do meanwhile
   * is not heard, and the cache grows old.
   */
  stop(): void {
    if (this.#subscription === undefined) return;
    this.#subscription();
    this.#subscription = undefined;
    this.#publish('bridge/state', { state: 'offline' }, true);
  }

  /** Stops the devices, too: nothing of theirs is left on the clock. */
  stopDevices(): void {
    for (const device of this.#devices.values()) device.stop();
  }

  setAvailability(friendlyName: string, online: boolean): void {
    if (!this.#options.availability) return;
    this.#publish(`${friendlyName}/availability`, { state: online ? 'online' : 'offline' }, true);
  }

  /** A device said something, and the bridge heard it: cached keys ride along. `momentary` keys are not kept. */
  update(friendlyName: string, update: JsonObject, momentary: JsonObject = {}): void {
    if (this.#subscription === undefined) return;
    const cached = mergeDeep(this.#cache.get(friendlyName) ?? {}, update);
    this.#cache.set(friendlyName, cached);
    this.#publish(friendlyName, { ...cached, ...momentary }, false);
  }

  /** Changes what the bridge believes without a word on MQTT. */
  setCache(friendlyName: string, update: JsonObject): void {
    this.#cache.set(friendlyName, mergeDeep(this.#cache.get(friendlyName) ?? {}, update));
  }

  /** A line of the bridge's own log, as it appears on MQTT. */
  logError(message: string): void {
    if (this.#subscription === undefined) return;
    this.#publish('bridge/logging', { level: 'error', message: `z2m: ${message}`, namespace: 'z2m' }, false);
  }

  publishFailed(verb: 'set' | 'get', key: string, friendlyName: string, reason: string): void {
    this.logError(`Publish '${verb}' '${key}' to '${friendlyName}' failed: '${reason}'`);
  }

  /** Publishes anything on the device's own topic, well formed or not. */
  publishRaw(subtopic: string, payload: string, retain = false): void {
    this.#options.mqtt.publish(`${this.#options.baseTopic}/${subtopic}`, payload, { retain });
  }

  #publish(subtopic: string, payload: JsonObject | readonly Json[], retain: boolean): void {
    this.#options.mqtt.publish(`${this.#options.baseTopic}/${subtopic}`, JSON.stringify(payload), { retain });
  }

  #publishDevices(): void {
    this.#publish(
      'bridge/devices',
      [...this.#devices.values()].map((device) => device.listing),
      true,
    );
  }

  /** A retained command is executed like any other: that is how the real one behaves, too. */
  #receive(message: MqttMessage): void {
    const path = message.topic.slice(this.#options.baseTopic.length + 1);
    const split = /^(.+)\/(set|get)$/.exec(path);
    const [, name, verb] = split ?? [];
    if (name === undefined || verb === undefined || name.startsWith('bridge')) return;
    const device = this.#devices.get(name);
    if (device === undefined) {
      this.logError(`Entity '${name}' is unknown`);
      return;
    }
    const command = parseCommand(message.payload);
    if (command === undefined) {
      this.logError(`Invalid message '${message.payload.toString()}', skipping...`);
      return;
    }
    for (const [key, value] of Object.entries(command)) {
      const taken = verb === 'set' ? device.set(key, value) : device.get(key, value);
      if (!taken) this.logError(`No converter available for '${key}' on '${name}': (${JSON.stringify(value)})`);
    }
  }
}

function parseCommand(payload: Buffer): JsonObject | undefined {
  const text = payload.toString();
  try {
    const value: Json = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return /^(lock|unlock)$/i.test(text) ? { state: text } : undefined;
  }
}
