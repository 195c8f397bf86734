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
  /** Whether it tells what devices and groups it has. An access list may keep them from the gateway. */
  readonly tellsDevices: boolean;
  /** Its option `advanced.output`. */
  readonly output: 'json' | 'attribute' | 'attribute_and_json';
  /** Its option `advanced.last_seen`: each message says when the device was heard last. */
  readonly lastSeen: boolean;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** A device on the simulated bridge. */
export interface BridgedDevice {
  /** What it is, whatever it is called. */
  readonly ieeeAddress: string;
  /** As it was paired; the bridge may have another name for it since. */
  readonly friendlyName: string;
  /** As `bridge/devices` lists it, beside its names. */
  readonly listing: JsonObject;
  /** What it does when a key of it is set or asked for; no converter takes the others. */
  readonly behaviours: Behaviours;
  stop(): void;
}

/** One behaviour for each message, so that a test can put another in its place. */
export type Behaviours = Map<`${'set' | 'get'} ${string}`, (value: Json) => void>;

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

/** An IEEE address made up from a name: the same name has the same address. */
export function addressOf(friendlyName: string): string {
  let hash = 0n;
  for (const byte of Buffer.from(friendlyName)) hash = (hash * 131n + BigInt(byte)) % 2n ** 40n;
  return `0x00124b${hash.toString(16).padStart(10, '0')}`;
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

/** How often Zigbee2MQTT saves what it remembers (its `lib/state.ts`). */
const saveEveryMs = 300_000;

interface Member {
  readonly device: BridgedDevice;
  name: string;
  cache: JsonObject;
  saved: JsonObject;
  lastSeen: number;
}

interface Group {
  readonly id: number;
  readonly name: string;
  readonly members: readonly string[];
}

/**
 * Zigbee2MQTT's side of the broker, as its 2.14.1 was seen and is written to behave.
 *
 * - It obeys a device under its name, its IEEE address, either with an endpoint, one attribute at a time, and through its
 *   groups. It answers on the name alone.
 * - It merges what it hears into a cache, publishes the whole of it, and does so again when it starts and renames.
 * - It saves the cache every five minutes and when it is stopped. One that is killed remembers what it saved last.
 * - It logs no line twice in a row.
 * - A rename and a removal clear what is retained on the old topics, and publish a new list of devices.
 */
export class SimulatedBridge {
  readonly #options: BridgeOptions;
  readonly #members: Member[] = [];
  readonly #groups: Group[] = [];
  #subscription: Unsubscribe | undefined;
  /** `Clock.now()` */
  #saveAt = 0;
  #lastLine = '';

  constructor(options: BridgeOptions) {
    this.#options = options;
  }

  add(device: BridgedDevice): void {
    const { friendlyName: name } = device;
    this.#members.push({ device, name, cache: {}, saved: {}, lastSeen: this.#options.clock.now() });
    if (this.#subscription === undefined) return;
    this.#publishDevices();
    this.setAvailability(name, true);
  }

  /** Members by IEEE address. */
  addGroup(id: number, name: string, members: readonly string[]): void {
    this.#groups.push({ id, name, members });
    this.#publishDevices();
  }

  start(): void {
    if (this.#subscription !== undefined) return;
    const { baseTopic, mqtt } = this.#options;
    this.#subscription = mqtt.subscribe(`${baseTopic}/#`, (message) => this.#receive(message));
    this.#publish('bridge/state', { state: 'online' }, true);
    this.#publishDevices();
    for (const { name } of this.#members) this.setAvailability(name, true);
    // What it knew when it stopped is published at once, though it may be old by now.
    for (const member of this.#members) if (Object.keys(member.cache).length > 0) this.#publishState(member, {});
    this.#saveAt = this.#options.clock.now() + saveEveryMs;
  }

  /**
   * Ends as a bridge does that is told to, or as its will does when it dies. The locks go on: what they do meanwhile
   * is not heard, and the cache grows old.
   */
  stop(): void {
    if (this.#subscription === undefined) return;
    for (const member of this.#members) member.saved = member.cache;
    this.#end();
  }

  /** Dies: what it heard since it saved is forgotten. */
  kill(): void {
    if (this.#subscription === undefined) return;
    this.#saveIfDue();
    this.#end();
    for (const member of this.#members) member.cache = member.saved;
  }

  /** Stops the devices, too: nothing of theirs is left on the clock. */
  stopDevices(): void {
    for (const { device } of this.#members) device.stop();
  }

  /** Somebody gives a device another name. */
  rename(from: string, to: string): void {
    const member = this.#find(from);
    if (member === undefined) return;
    const old = member.name;
    member.name = to;
    this.#clear(old);
    this.setAvailability(to, true);
    this.#publishDevices();
    this.#publishState(member, {});
    this.#publish('bridge/response/device/rename', { data: { from: old, to }, status: 'ok' }, false);
  }

  /** Somebody removes a device. */
  remove(name: string): void {
    const index = this.#members.findIndex((member) => isCalled(member, name));
    const [gone] = index < 0 ? [] : this.#members.splice(index, 1);
    if (gone === undefined) return;
    this.#clear(gone.name);
    this.#publishDevices();
    this.#publish('bridge/response/device/remove', { data: { id: name }, status: 'ok' }, false);
  }

  /** A device leaves the network by itself. */
  leave(name: string): void {
    const index = this.#members.findIndex((member) => isCalled(member, name));
    const [gone] = index < 0 ? [] : this.#members.splice(index, 1);
    if (gone === undefined) return;
    this.#publishDevices();
    const data = { ieee_address: gone.device.ieeeAddress, friendly_name: gone.name };
    this.#publish('bridge/event', { type: 'device_leave', data }, false);
  }

  setAvailability(name: string, online: boolean): void {
    const member = this.#find(name);
    if (!this.#options.availability || member === undefined) return;
    this.#publish(`${member.name}/availability`, { state: online ? 'online' : 'offline' }, true);
  }

  /** A device said something, and the bridge heard it: cached keys ride along. `momentary` keys are not kept. */
  update(name: string, update: JsonObject, momentary: JsonObject = {}): void {
    const member = this.#find(name);
    if (this.#subscription === undefined || member === undefined) return;
    this.#saveIfDue();
    member.lastSeen = this.#options.clock.now();
    member.cache = mergeDeep(member.cache, update);
    this.#publishState(member, momentary);
  }

  /** Publishes what it remembers of a device again, as it does for others that ask. */
  repeat(name: string): void {
    const member = this.#find(name);
    if (this.#subscription !== undefined && member !== undefined) this.#publishState(member, {});
  }

  /** The device said that it does not know: the keys are gone from what is remembered. */
  forget(name: string, ...keys: readonly string[]): void {
    const member = this.#find(name);
    if (member === undefined) return;
    member.cache = Object.fromEntries(Object.entries(member.cache).filter(([key]) => !keys.includes(key)));
  }

  /** Changes what the bridge believes without a word on MQTT. */
  setCache(name: string, update: JsonObject): void {
    const member = this.#find(name);
    if (member === undefined) return;
    member.cache = mergeDeep(member.cache, update);
    member.saved = mergeDeep(member.saved, update);
  }

  /** A line of the bridge's own log, as it appears on MQTT. */
  logError(message: string): void {
    if (this.#subscription === undefined || message === this.#lastLine) return;
    this.#lastLine = message;
    this.#publish('bridge/logging', { level: 'error', message: `z2m: ${message}`, namespace: 'z2m' }, false);
  }

  publishFailed(verb: 'set' | 'get', key: string, name: string, reason: string): void {
    this.logError(`Publish '${verb}' '${key}' to '${this.#find(name)?.name ?? name}' failed: '${reason}'`);
  }

  /** Publishes anything on the device's own topic, well formed or not. */
  publishRaw(subtopic: string, payload: string, retain = false): void {
    this.#options.mqtt.publish(`${this.#options.baseTopic}/${subtopic}`, payload, { retain });
  }

  #find(name: string): Member | undefined {
    return this.#members.find((member) => isCalled(member, name));
  }

  #end(): void {
    this.#subscription?.();
    this.#subscription = undefined;
    this.#publish('bridge/state', { state: 'offline' }, true);
  }

  /** Nothing changes between what it hears, so this is soon enough. */
  #saveIfDue(): void {
    const now = this.#options.clock.now();
    if (now < this.#saveAt) return;
    for (const member of this.#members) member.saved = member.cache;
    this.#saveAt = now + saveEveryMs - ((now - this.#saveAt) % saveEveryMs);
  }

  #publish(subtopic: string, payload: JsonObject | readonly Json[], retain: boolean): void {
    this.publishRaw(subtopic, JSON.stringify(payload), retain);
  }

  #publishState({ name, cache, lastSeen }: Member, momentary: JsonObject): void {
    const { output, lastSeen: tellsLastSeen } = this.#options;
    const seen = tellsLastSeen ? { last_seen: new Date(lastSeen).toISOString() } : {};
    const state: JsonObject = { ...cache, ...momentary, ...seen };
    if (output !== 'attribute') this.#publish(name, state, false);
    if (output === 'json') return;
    for (const [key, value] of Object.entries(state))
      this.publishRaw(`${name}/${key}`, typeof value === 'string' ? value : JSON.stringify(value));
  }

  #clear(name: string): void {
    this.publishRaw(name, '', true);
    if (this.#options.availability) this.publishRaw(`${name}/availability`, '', true);
  }

  #publishDevices(): void {
    if (this.#subscription === undefined || !this.#options.tellsDevices) return;
    const config = { advanced: { output: this.#options.output } };
    this.#publish('bridge/info', { version: '2.14.1', config }, true);
    this.#publish(
      'bridge/devices',
      this.#members.map(({ device, name }) => ({
        ...device.listing,
        ieee_address: device.ieeeAddress,
        friendly_name: name,
        disabled: false,
        endpoints: { 1: { bindings: [] }, 11: { name: 'l1', bindings: [] } },
      })),
      true,
    );
    const groups = this.#groups.map(({ id, name, members }) => ({
      id,
      friendly_name: name,
      members: members.map((ieeeAddress) => ({ ieee_address: ieeeAddress, endpoint: 1 })),
    }));
    this.#publish('bridge/groups', groups, true);
  }

  /** A retained command is executed like any other: that is how the real one behaves, too. */
  #receive(message: MqttMessage): void {
    const path = message.topic.slice(this.#options.baseTopic.length + 1);
    if (path === 'bridge/request/device/rename') this.#rename(message.payload);
    const [, name, verb, attribute] = /^(?!bridge)(.+?)\/(set|get)(?:\/(.+))?$/.exec(path) ?? [];
    if (name === undefined || verb === undefined) return;
    const members = this.#commanded(name);
    if (members.length === 0) {
      this.logError(`Entity '${name}' is unknown`);
      return;
    }
    const command = parseCommand(message.payload, attribute);
    if (command === undefined) {
      if (message.payload.length > 0) this.logError(`Invalid message '${message.payload.toString()}', skipping...`);
      return;
    }
    for (const member of members)
      for (const [key, value] of Object.entries(command)) {
        const behaviour = member.device.behaviours.get(`${verb === 'set' ? 'set' : 'get'} ${key}`);
        if (behaviour !== undefined) behaviour(value);
        else this.logError(`No converter available for '${key}' on '${member.name}': (${JSON.stringify(value)})`);
      }
  }

  /** Whom a name on a topic means: a device, one of its endpoints, or a group. */
  #commanded(name: string): readonly Member[] {
    const device = this.#find(name) ?? this.#find(name.replace(/\/(1|11|l1)$/, ''));
    if (device !== undefined) return [device];
    const group = this.#groups.find((one) => one.name === name || String(one.id) === name);
    return this.#members.filter(({ device: { ieeeAddress } }) => group?.members.includes(ieeeAddress));
  }

  #rename(payload: Buffer): void {
    const { from, to } = parseCommand(payload, undefined) ?? {};
    if (typeof from === 'string' && typeof to === 'string') this.rename(from, to);
  }
}

const isCalled = ({ device, name }: Member, wanted: string): boolean =>
  name === wanted || device.ieeeAddress === wanted;

function parseCommand(payload: Buffer, attribute: string | undefined): JsonObject | undefined {
  const text = payload.toString();
  let value: Json | undefined;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    value = undefined;
  }
  if (attribute !== undefined) return { [attribute]: value ?? text };
  if (value !== undefined) return isObject(value) ? value : undefined;
  return /^(lock|unlock)$/i.test(text) ? { state: text } : undefined;
}
