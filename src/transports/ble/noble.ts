import { createRequire } from 'node:module';
import type { Noble, Peripheral, withBindings } from '@stoprocent/noble';
import type { Logger } from 'pino';
import type { Clock } from '../../contract/index.ts';
import { BluezBinding } from './bluez/bluez-binding.ts';
import {
  IN_PROCESS_DRIVER,
  type InProcessBinding,
  installInProcessDriver,
  type OpenHciPort,
} from './in-process-hci.ts';

export type { Characteristic, Noble, Peripheral, Service } from '@stoprocent/noble';

/** Which controller a stack is bound to, and how it is reached. */
export type StackBinding =
  /** A kernel adapter. The user channel needs the adapter down and to itself; the raw channel shares it. */
  | { readonly kind: 'hci'; readonly index: number; readonly userChannel: boolean }
  /** A controller that speaks H4 on a serial port. */
  | { readonly kind: 'uart'; readonly path: string; readonly baudRate: number }
  /** A kernel adapter that bluetoothd owns, over D-Bus. */
  | { readonly kind: 'dbus'; readonly index: number; readonly address: string }
  /** A controller in this process. */
  | { readonly kind: 'in-process'; readonly open: OpenHciPort };

/** What the published types of noble 2.8.0 lack: connection parameters that its code does take. */
export interface ConnectParameters {
  readonly addressType: 'public' | 'random';
  /** Units of 1.25 ms. */
  readonly minInterval: number;
  readonly maxInterval: number;
  /** Supervision timeout in units of 10 ms. */
  readonly timeout: number;
}

/** A service as noble found it, to be given back to it on the next connection: discovery takes many round trips. */
export interface RawService {
  readonly uuid: string;
}

export interface RawCharacteristic {
  readonly uuid: string;
  readonly valueHandle: number;
}

/** Calls of noble 2.8.0 that its published types leave out. */
interface UntypedNoble {
  connect(
    address: string,
    parameters: ConnectParameters,
    done: (error: Error | null | undefined, peripheral: Peripheral | undefined) => void,
  ): void;
  addServices(peripheralId: string, services: readonly RawService[]): unknown;
  addCharacteristics(peripheralId: string, service: string, characteristics: readonly RawCharacteristic[]): unknown;
  readonly _bindings: {
    readonly _pendingConnectionUuid?: string | null;
    /** Of our own binding alone. */
    readonly isConnecting?: (id: string) => boolean;
    readonly addService?: unknown;
  };
}

/** The same object, with the calls its types leave out. */
export const untyped = (noble: Noble): UntypedNoble => noble as unknown as UntypedNoble;

/** noble's id of a device: its address without colons. */
export const idOf = (address: string): string => address.replaceAll(':', '').toLowerCase();

/**
 * True while noble waits for its controller to connect or to call a connection off. Nothing public says so, and while
 * it lasts every further connection waits behind it. A binding without such a queue says so itself, or never connects.
 */
export function isConnecting(noble: Noble, address: string): boolean {
  const { _bindings: bindings } = untyped(noble);
  return bindings.isConnecting?.(idOf(address)) ?? bindings._pendingConnectionUuid === idOf(address);
}

/** Whether noble can be given services that were found on an earlier connection; BlueZ keeps them itself. */
export const takesServices = (noble: Noble): boolean => untyped(noble)._bindings.addService !== undefined;

/** noble has kept what it found in `services` of its peripheral since the last connection, and would add to it. */
export function forgetServices(peripheral: Peripheral): void {
  (peripheral as { services: unknown }).services = null;
}

/**
 * Makes a stack of its own for one controller; nothing happens until it is asked for its state.
 * @throws what loading noble throws, on a platform for which its libraries have no binary
 */
export function makeNoble(binding: StackBinding, surroundings: { readonly clock: Clock; readonly log: Logger }): Noble {
  installInProcessDriver('@stoprocent/noble');
  const { withBindings: make } = createRequire(import.meta.url)('@stoprocent/noble') as {
    withBindings: typeof withBindings;
  };
  switch (binding.kind) {
    case 'hci':
      return make('hci', { hciDriver: 'native', deviceId: binding.index, userChannel: binding.userChannel });
    case 'uart': {
      const { path, baudRate } = binding;
      return make('hci', { hciDriver: 'uart', bindParams: { uart: { port: path, baudRate } } });
    }
    case 'dbus': {
      const { index, address } = binding;
      const NobleCore = createRequire(import.meta.url)('@stoprocent/noble/lib/noble.js') as new (own: unknown) => Noble;
      return new NobleCore(new BluezBinding({ index, address, ...surroundings }));
    }
    case 'in-process': {
      const bindParams: InProcessBinding = { open: binding.open };
      return make('hci', { hciDriver: IN_PROCESS_DRIVER, bindParams });
    }
  }
}
