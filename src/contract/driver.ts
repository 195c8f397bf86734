import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Clock } from './clock.ts';
import type { Device, DeviceReport } from './device.ts';
import { GatewayError } from './errors.ts';
import type { LinkKind, LinkKinds } from './link-kinds.ts';
import type { BleAdvertisement } from './links.ts';
import type { Secret } from './secret.ts';
import { contractVersion } from './version.ts';

/** Keep it, or what you need of it: a copy lacks `log` and `closing`, which are made when they are first read. */
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
  /**
   * Aborts when the device is being closed, before its `close` is called. Whatever waits, waits with it; what then ends
   * ends with its reason, or with what is known by then of a command that has left.
   */
  readonly closing: AbortSignal;
  /** What pairing left behind, in the driver's own form; undefined for a device that is not paired. */
  readonly credentials?: Secret | undefined;
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
  /** The version of the contract that the driver was written for: {@link defineDriver} writes it down. */
  readonly contract: string;
  /** `<medium>/<product>`, as in configuration. */
  readonly id: `${LinkKind}/${string}`;
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
  /**
   * Which part of what stands at the link's address a device is, in words, for addresses that several devices may
   * share: a relay of a board, a topic of a broker. The configuration refuses two devices with the same link and part:
   * they would be one device with two lanes.
   */
  readonly part?: (settings: z.output<Settings>) => string;
  /** Where the medium's own do not fit: the gateway has limits for each kind of link. */
  readonly limits?: { readonly door?: TimeLimits; readonly code?: TimeLimits };
  /**
   * Makes the device. It must not wait for the hardware: an unreachable device opens and reports its health.
   * Throws only after releasing what it took.
   */
  open(link: LinkKinds[Kind], settings: z.output<Settings>, ctx: OpenContext): Promise<Device>;
  /** Present when the device must be paired before it can be used. */
  readonly pairing?: Pairing<Kind>;
  /** Bluetooth drivers: whether an advertisement comes from a device of theirs. */
  readonly recognise?: (advertisement: BleAdvertisement) => Recognition | undefined;
}

/** Something a person is asked while pairing. */
export interface PairingQuestion {
  readonly name: string;
  /** The question, with what happens when it is left empty. */
  readonly text: string;
  readonly secret: boolean;
  /**
   * Why an answer is none, as a sentence that does not repeat it; undefined when it will do. Asked before anybody goes
   * to the device. Since version 1.1 of the contract.
   */
  readonly problem?: (answer: Secret) => string | undefined;
}

export interface PairingContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Whom the device shall know us as: stays the same over pairings. ASCII. */
  readonly ownName: string;
  /** Answers by the question's name; one that was left empty is missing. */
  readonly answers: ReadonlyMap<string, Secret>;
}

/** An optional second interface of a driver: makes the device and the gateway known to each other. */
export interface Pairing<Kind extends LinkKind> {
  /** What a person does at the device before, one sentence each. */
  readonly steps: readonly string[];
  readonly questions: readonly PairingQuestion[];
  /**
   * @returns what {@link OpenContext.credentials} will be; it is kept encrypted
   * @throws GatewayError, whose message says what to do differently
   */
  pair(link: LinkKinds[Kind], ctx: PairingContext): Promise<Secret>;
}

/** What a driver says to an advertisement that one of its devices may have sent. */
export interface Recognition {
  /** The device in words. */
  readonly what: string;
  /** Further words, for example that it is ready to be paired. */
  readonly note?: string;
  /** True when it can be paired now; drivers that cannot tell leave it out. */
  readonly readyToPair?: boolean;
  /** Settings for a configuration fragment. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Declares a driver, and writes down which contract it was written for. */
export const defineDriver = <Settings extends z.ZodType, Kind extends LinkKind>(
  driver: Omit<DriverDefinition<Settings, Kind>, 'contract'>,
): DriverDefinition<Settings, Kind> => ({ ...driver, contract: contractVersion });

/** What a device is opened with: its log may be one that is made when it is first written to. */
export interface OpeningContext extends Omit<OpenContext, 'closing' | 'log'> {
  readonly log: Logger | (() => Logger);
}

/**
 * Opens a device as the gateway does. `closing` aborts immediately before the driver's own `close` is called, which
 * happens once however often the device is closed, or when opening it failed.
 * @param settings validated by the driver's own schema
 * @throws what the driver throws
 */
export async function openDevice(
  driver: DriverDefinition,
  link: LinkKinds[LinkKind],
  settings: unknown,
  ctx: OpeningContext,
): Promise<Device> {
  const surroundings = new Surroundings(ctx);
  let device: Device;
  try {
    device = await driver.open(link, settings, surroundings);
  } catch (error) {
    surroundings.end();
    throw error;
  }
  let closed: Promise<void> | undefined;
  // All of them are of one shape: thousands of shapes would make everything slow that looks at a device.
  return {
    lock: device.lock,
    accessCodes: device.accessCodes,
    autoLock: device.autoLock,
    noise: device.noise,
    serialNumber: device.serialNumber,
    isBehindBridge: device.isBehindBridge,
    close: () => {
      surroundings.end();
      closed ??= device.close();
      return closed;
    },
  };
}

/** What a driver is given. What few devices ever use is made when they do: a building has thousands. */
class Surroundings implements OpenContext {
  readonly deviceId: string;
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly credentials: Secret | undefined;
  readonly report: (report: DeviceReport) => void;
  readonly #log: Logger | (() => Logger);
  #closing: AbortController | undefined;
  #hasEnded = false;

  constructor(given: OpeningContext) {
    this.deviceId = given.deviceId;
    this.name = given.name;
    this.clock = given.clock;
    this.random = given.random;
    this.randomBytes = given.randomBytes;
    this.credentials = given.credentials;
    this.report = given.report;
    this.#log = given.log;
  }

  get log(): Logger {
    return typeof this.#log === 'function' ? this.#log() : this.#log;
  }

  get closing(): AbortSignal {
    if (this.#closing === undefined) {
      this.#closing = new AbortController();
      if (this.#hasEnded) this.#abort(this.#closing);
    }
    return this.#closing.signal;
  }

  end(): void {
    this.#hasEnded = true;
    if (this.#closing !== undefined) this.#abort(this.#closing);
  }

  #abort(closing: AbortController): void {
    closing.abort(new GatewayError('device_not_ready', `${this.name} is being closed. Try again in a moment.`));
  }
}
