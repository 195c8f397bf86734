import { addressOf, type BridgedDevice, type Json, type JsonObject, type SimulatedBridge } from './simulator-bridge.ts';

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
    this.#bridge.update(this.ieeeAddress, { noise: level.toFixed(2) });
  }

  /** Another of its sensors reports: the old noise level rides along from the cache. */
  measureTemperature(): void {
    this.#temperature += 0.1;
    this.#bridge.update(this.ieeeAddress, { temperature: Number(this.#temperature.toFixed(1)) });
  }

  /** dBA, as last measured. */
  get level(): number {
    return this.#level;
  }

  set(key: string, value: Json): boolean {
    if (key !== 'noise_detect_level') return false;
    this.#bridge.update(this.ieeeAddress, { noise_detect_level: Number(value) });
    return true;
  }

  get(key: string): boolean {
    if (key !== 'noise') return false;
    this.#bridge.update(this.ieeeAddress, { noise: this.#level.toFixed(2) });
    return true;
  }

  stop(): void {}
}
