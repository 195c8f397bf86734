import type { Clock } from '../../../src/contract/index.ts';
import {
  addressOf,
  type Behaviours,
  type BridgedDevice,
  type Json,
  type JsonObject,
  SimulatedBridge,
  type SimulatorMqtt,
} from './simulator-bridge.ts';
import { SimulatedLock, type SimulatedLockOptions } from './simulator-lock.ts';

export type { SimulatedBridge, SimulatorMqtt } from './simulator-bridge.ts';
export type { CodeCommand } from './simulator-keypad.ts';
export type {
  BoltCause,
  BoltMovement,
  BoltPosition,
  DoorCommand,
  SimulatedLock,
  SimulatedLockOptions,
} from './simulator-lock.ts';
export type { LockMisbehaviour } from './simulator-misbehaviour.ts';

export interface Zigbee2MqttSimulatorOptions {
  readonly mqtt: SimulatorMqtt;
  readonly clock: Clock;
  /** Default `zigbee2mqtt`. */
  readonly baseTopic?: string;
  /** Whether the bridge publishes availability; default true. */
  readonly availability?: boolean;
  /** Whether the bridge tells what devices it has; default true. */
  readonly tellsDevices?: boolean;
  /** Default `json`. */
  readonly output?: 'json' | 'attribute' | 'attribute_and_json';
  /** Whether each message says when the device was heard last; default false. */
  readonly lastSeen?: boolean;
}

/**
 * A Zigbee2MQTT bridge with locks and noise sensors, as its version 2.14.1 and the locks behind it were seen to
 * behave. It knows nothing of the driver: it encodes and decodes by itself.
 */
export class Zigbee2MqttSimulator {
  /** The bridge itself: error lines, availability, raw messages. */
  readonly bridge: SimulatedBridge;
  readonly #clock: Clock;

  constructor(options: Zigbee2MqttSimulatorOptions) {
    this.#clock = options.clock;
    this.bridge = new SimulatedBridge({
      mqtt: options.mqtt,
      clock: options.clock,
      baseTopic: options.baseTopic ?? 'zigbee2mqtt',
      availability: options.availability ?? true,
      tellsDevices: options.tellsDevices ?? true,
      output: options.output ?? 'json',
      lastSeen: options.lastSeen ?? false,
    });
  }

  addLock(options: SimulatedLockOptions): SimulatedLock {
    return new SimulatedLock(options, this.bridge, this.#clock);
  }

  addNoiseSensor(options: SimulatedNoiseSensorOptions): SimulatedNoiseSensor {
    return new SimulatedNoiseSensor(options, this.bridge);
  }

  /** Connects the bridge: it says that it is online and tells what it has cached. */
  start(): void {
    this.bridge.start();
  }

  /** The end: the bridge goes, and what the devices were doing is forgotten. */
  stop(): void {
    this.bridge.stop();
    this.bridge.stopDevices();
  }
}

export interface SimulatedNoiseSensorOptions {
  readonly friendlyName: string;
  readonly ieeeAddress?: string;
  /** dBA */
  readonly level?: number;
}

/** The noise part of a Wirenboard WB-MSW as Zigbee2MQTT shows it: the level is a string with two decimals. */
export class SimulatedNoiseSensor implements BridgedDevice {
  readonly friendlyName: string;
  readonly ieeeAddress: string;
  readonly behaviours: Behaviours = new Map([
    ['set noise_detect_level', (value: Json) => this.#tell({ noise_detect_level: Number(value) })],
    ['get noise', () => this.measure(this.#level)],
  ]);
  readonly #bridge: SimulatedBridge;
  #level: number;
  #temperature = 21;

  constructor(options: SimulatedNoiseSensorOptions, bridge: SimulatedBridge) {
    this.friendlyName = options.friendlyName;
    this.ieeeAddress = options.ieeeAddress ?? addressOf(options.friendlyName);
    this.#bridge = bridge;
    this.#level = options.level ?? 38;
    bridge.add(this);
    bridge.setCache(this.ieeeAddress, { linkquality: 96, noise_detected: false, noise_detect_level: 75 });
  }

  get listing(): JsonObject {
    return {
      type: 'Router',
      supported: true,
      definition: {
        model: 'SIM-NOISE',
        vendor: 'Strikeplate',
        exposes: [{ type: 'numeric', property: 'noise', unit: 'dBA', access: 1 }],
      },
    };
  }

  /** The sensor measured; dBA. */
  measure(level: number): void {
    this.#level = level;
    this.#tell({ noise: level.toFixed(2) });
  }

  /** Another of its sensors reports: the old noise level rides along from the cache. */
  measureTemperature(): void {
    this.#temperature += 0.1;
    this.#tell({ temperature: Number(this.#temperature.toFixed(1)) });
  }

  /** dBA, as last measured. */
  get level(): number {
    return this.#level;
  }

  stop(): void {}

  #tell(update: JsonObject): void {
    this.#bridge.update(this.ieeeAddress, update);
  }
}
