import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Clock } from './clock.ts';
import type { Device, DeviceReport } from './device.ts';
import type { LinkKind, LinkKinds } from './links.ts';

export interface OpenContext {
  readonly deviceId: string;
  /** The device's name as people know it: for messages. */
  readonly name: string;
  readonly clock: Clock;
  /** A number in [0, 1): jitter and padding; never keys. */
  readonly random: () => number;
  /** Unpredictable bytes, fit for keys and nonces. */
  readonly randomBytes: (length: number) => Uint8Array;
  readonly log: Logger;
  /** Tells the gateway what the device said. May be called at any time until `close` resolves. */
  report(report: DeviceReport): void;
}

/** Default time limits in milliseconds from the receipt of a request; configuration may set others per device. */
export interface TimeLimits {
  readonly sendByMs: number;
  readonly deadlineMs: number;
}

/**
 * A driver is one declared value: what it is called, what can be set, and how a device is opened. It opens no port,
 * adapter or broker, reads no environment and keeps no module state: it gets a link already bound to its address.
 */
export interface DriverDefinition<Settings extends z.ZodType = z.ZodType, Kind extends LinkKind = LinkKind> {
  /** `<transport>/<product>`, as in configuration. */
  readonly id: `${'ble' | 'serial' | 'mqtt'}/${string}`;
  /** The product family in words. */
  readonly title: string;
  readonly link: Kind;
  /** Validates and documents the settings; the configuration's JSON Schema is generated from it. */
  readonly settings: Settings;
  /** Seam's `device_type` and the maker, where settings decide them. */
  readonly describe: (settings: z.output<Settings>) => {
    readonly deviceType: string;
    readonly manufacturer: string;
    readonly model: string;
  };
  readonly limits: { readonly door: TimeLimits; readonly code: TimeLimits };
  /**
   * Makes the device. It must not wait for the hardware: an unreachable device opens and reports its health.
   * Throws only after releasing what it took.
   */
  open(link: LinkKinds[Kind], settings: z.output<Settings>, ctx: OpenContext): Promise<Device>;
}

/** Declares a driver; the identity function, for the types. */
export const defineDriver = <Settings extends z.ZodType, Kind extends LinkKind>(
  driver: DriverDefinition<Settings, Kind>,
): DriverDefinition<Settings, Kind> => driver;
