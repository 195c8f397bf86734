import type { Secret } from '../contract/index.ts';
import type { Origin } from './origin.ts';
import type { AttemptRecord, UnmanagedCodeRecord } from './records.ts';

/** What can happen to a device, in the words of Seam's `/devices/simulate/…`. */
export type SimulatedEvent = 'connect' | 'disconnect' | 'connect_to_hub' | 'disconnect_from_hub' | 'remove';

/** A device that is played in this process, and what can be done to it. What its simulator cannot play is not there. */
export interface PlayedDevice {
  readonly events: Readonly<Partial<Record<SimulatedEvent, () => void>>>;
  /** Somebody types a code at its keypad. */
  typeCode?(digits: string): void;
  /** Somebody locks it at its keypad. */
  lockAtKeypad?(): void;
  /** Somebody puts a code in at the lock itself, or with its maker's app. @returns false when there is no room for it */
  programCode?(digits: string, name: string): boolean;
  /** It is so loud there, in dB, for so many milliseconds. */
  makeNoise?(level: number, ms: number): void;
  /** As it was at first: connected, locked, and without codes. */
  reset(): void;
}

/**
 * What can be made to happen to devices that are played in this process, by the simulators that play them. Nothing of it
 * is written into the store: the gateway hears of it as it would of a real device.
 */
export interface Sandbox {
  /** Every device is played here, and there is one at least. */
  readonly isWhole: boolean;
  /** What can happen to it; undefined for a real device. */
  eventsOf(deviceId: string): ReadonlySet<SimulatedEvent> | undefined;
  /** @throws GatewayError `device_not_found`, `unsupported_action` for a real device, and what it cannot play */
  simulate(deviceId: string, event: SimulatedEvent): void;
  /** Resolves when the attempt is on disk. @throws GatewayError as `simulate`, and as a door command */
  typeCode(deviceId: string, code: Secret, origin: Origin): Promise<AttemptRecord>;
  lockAtKeypad(deviceId: string, origin: Origin): Promise<AttemptRecord>;
  /** Resolves when the gateway has found it. @throws GatewayError as `simulate`, `invalid_input` when there is no room */
  programCode(deviceId: string, code: Secret, name: string): Promise<UnmanagedCodeRecord>;
  /** Loud enough, and for long enough, for its highest threshold. @throws GatewayError as `simulate`, `invalid_input` */
  triggerNoise(deviceId: string): void;
  /**
   * Takes away people, grants, codes, spaces and thresholds, and what was set for devices; the devices are as they were at
   * first. Resolves when it is done.
   * @throws GatewayError `unsupported_action` when a device is real
   */
  reset(origin: Origin): Promise<AttemptRecord>;
}
