import type { Logger } from 'pino';
import type { z } from 'zod';
import type { DriverDefinition, LinkKind, TimeLimits } from '../contract/index.ts';
import type { ConfigProblem } from './problems.ts';

/** Drivers by id, loaded when a device asks for one. */
export type DriverCatalogue = Readonly<Record<string, () => Promise<DriverDefinition>>>;

/** What configuration needs to know of a simulator. */
export interface ConfigurableSimulator {
  readonly link: LinkKind;
  readonly settings: z.ZodType;
}

/** Simulators by id, loaded when the configuration asks for one. */
export type SimulatorCatalogue = Readonly<Record<string, () => Promise<ConfigurableSimulator>>>;

/** A configuration that was found to be in order. All paths are absolute, all defaults filled in. */
export interface LoadedConfig {
  /** As it was given. */
  readonly file: string;
  /** What the modules under `drivers` bring with them; absent when there are none. */
  readonly outside?: { readonly drivers: DriverCatalogue; readonly simulators: SimulatorCatalogue };
  /** What the file says, with all defaults filled in and secrets hidden: to be shown. */
  readonly shown: () => Readonly<Record<string, unknown>>;
  /** SHA-256 of the file, hexadecimal. */
  readonly digest: string;
  readonly stateDir: string;
  /** Where it came from: relative to the file, or absolute. */
  readonly stateDirInFile: string;
  /** As under `drivers`: paths relative to the file, or names of packages. */
  readonly driverModules: readonly string[];
  readonly gateway: {
    readonly id: string;
    readonly name: string;
    readonly timeZone: string;
    /** UUIDv5 of the gateway's id. */
    readonly workspaceId: string;
  };
  readonly http: HttpConfig;
  readonly store: {
    readonly path: string;
    readonly keyFile: string;
    readonly retentionDays: number;
    readonly eventRetentionDays: number;
    readonly maxEvents: number;
    readonly auditDays: number;
    /** Undefined: people are kept until somebody deletes them. */
    readonly peopleDays: number | undefined;
    readonly noiseDays: number;
  };
  /** Folder of what pairing leaves behind: a sealed file for each device. */
  readonly pairingsDir: string;
  /** In the order of the file. */
  readonly mqtt: readonly BrokerConfig[];
  /** In the order of the file. */
  readonly serial: readonly SerialLineConfig[];
  /** In the order of the file. */
  readonly ble: readonly BleAdapterConfig[];
  /** In the order of the file. */
  readonly zwave: readonly ZwaveStickConfig[];
  readonly webhooks: {
    /** Networks of the site's own that may be sent to, as `192.168.1.0/24`. */
    readonly privateTargets: readonly string[];
    readonly includeCodes: boolean;
    /** How many events may wait for one receiver. */
    readonly maxQueued: number;
  };
  readonly monitor: MonitorConfig | undefined;
  readonly accessCodes: AccessCodesConfig;
  readonly backup: BackupConfig | undefined;
  readonly logLevel: Logger['level'];
  readonly logFormat: 'auto' | 'json' | 'text';
  readonly devices: readonly DeviceConfig[];
  readonly simulation: readonly SimulationConfig[];
  /** What works but should be looked at. */
  readonly warnings: readonly ConfigProblem[];
}

/** Times in milliseconds. */
export interface AccessCodesConfig {
  readonly leadMs: number;
  readonly nativeLeadMs: number;
  readonly duplicates: 'refuse' | 'refuse_overlapping';
  readonly backupCodes: number;
}

export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  readonly apiKeysFile: string;
  readonly demoKeyFile: string | undefined;
  readonly holdMs: number;
  readonly publicUrl: string | undefined;
  readonly maxConnections: number | undefined;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly allowPlaintext: boolean;
}

export type BrokerConfig = ExternalBrokerConfig | EmbeddedBrokerConfig;

export interface ExternalBrokerConfig {
  readonly kind: 'external';
  readonly name: string;
  /** `mqtt://` or `mqtts://`, without credentials. */
  readonly url: string;
  readonly username: string | undefined;
  readonly passwordFile: string | undefined;
  readonly caFile: string | undefined;
  /** Both or neither. */
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

export interface EmbeddedBrokerConfig {
  readonly kind: 'embedded';
  readonly name: string;
  /** On 127.0.0.1; 0 takes any free one. */
  readonly port: number;
}

/** One serial line: a port of this machine, or a line inside the gateway on which the simulation plays. */
export interface SerialLineConfig {
  readonly name: string;
  /** Absolute; undefined for a simulated line. */
  readonly path: string | undefined;
  readonly baudRate: number;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
}

/** One Bluetooth adapter. */
export interface BleAdapterConfig {
  readonly name: string;
  readonly radio: /** Lower case: a name of the kernel's, or an address. */
    | { readonly kind: 'kernel'; readonly adapter: string; readonly userChannel: boolean }
    | { readonly kind: 'uart'; readonly path: string; readonly baudRate: number }
    | { readonly kind: 'dbus'; readonly adapter: string }
    | { readonly kind: 'simulated' };
  /** Connections at a time. */
  readonly connections: number;
}

/** One Z-Wave controller. */
export interface ZwaveStickConfig {
  readonly name: string;
  readonly path: string;
  readonly keysFile: string;
  readonly cacheDir: string;
  /** Eight lower-case hexadecimal digits; undefined when the first that is seen counts. */
  readonly homeId: string | undefined;
}

export interface MonitorConfig {
  /** Name of a broker. */
  readonly mqtt: string;
  readonly baseTopic: string;
  readonly homeAssistant: boolean;
  /** Whether commands are obeyed over MQTT. */
  readonly commands: boolean;
  /** Where people reach the console; undefined where nobody said. */
  readonly consoleUrl: string | undefined;
  readonly intervalMs: number;
}

/** Backups that the gateway makes by itself. */
export interface BackupConfig {
  readonly folder: string;
  readonly passphraseFile: string;
  readonly everyMs: number;
  /** How many lie there at most. */
  readonly keep: number;
}

/** By what a device is reached: the kind of link, its name in configuration, and the device's address on it. */
export type LinkConfig =
  | { readonly kind: 'mqtt'; readonly name: string }
  | { readonly kind: 'serial'; readonly name: string; readonly unit: number }
  | {
      readonly kind: 'ble';
      readonly name: string;
      /** Lower case. */
      readonly address: string;
      readonly addressType: 'public' | 'random';
    }
  | { readonly kind: 'zwave'; readonly name: string; readonly node: number };

/** Where a simulated peer is met. */
export interface PeerLinkConfig {
  readonly kind: LinkConfig['kind'];
  readonly name: string;
}

export interface DeviceConfig {
  readonly slug: string;
  /** UUIDv5 of the gateway's id and the slug, unless the file gives one. */
  readonly deviceId: string;
  readonly name: string;
  readonly driver: DriverDefinition;
  readonly link: LinkConfig;
  /** The output of the driver's own schema. */
  readonly settings: unknown;
  readonly limits: { readonly door: TimeLimits; readonly code: TimeLimits };
  readonly timeZone: string;
  /** In milliseconds. */
  readonly noiseRules: { readonly averageMs: number; readonly sustainedMs: number };
  readonly doorRules: { readonly heldOpenMs: number; readonly reportForced?: boolean };
  readonly outOfService: boolean;
}

export interface SimulationConfig {
  readonly simulator: string;
  readonly link: PeerLinkConfig;
  /** The output of the simulator's own schema. */
  readonly settings: unknown;
}
