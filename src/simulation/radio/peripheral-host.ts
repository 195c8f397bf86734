import type {
  Bleno,
  Characteristic,
  CharacteristicOptions,
  ConnectionHandle,
  Property,
  UpdateValueCallback,
} from '@stoprocent/bleno';
import {
  attResult,
  type GattPeripheral,
  type GattPeripheralCharacteristic,
  type GattSubscriber,
} from '../../contract/index.ts';
import {
  IN_PROCESS_DRIVER,
  type InProcessBinding,
  installInProcessDriver,
} from '../../transports/ble/in-process-hci.ts';
import type { Air } from './air.ts';
import type { Controller } from './controller.ts';

/** Where a peripheral's host finds its controller. */
export type PeripheralCarrier =
  | { readonly controller: Controller }
  /** A serial port that leads to a controller: a dongle, or a tty of another emulator. */
  | { readonly uart: string; readonly baudRate: number };

export interface RunningPeripheral {
  readonly address: string;
  /** Ends its advertising and begins it again: BlueZ's emulated controllers tell of it only then. */
  advertiseAnew(): void;
  stop(): void;
}

/** A simulated device was asked for where the peripheral stack does not load. */
export class PeripheralStackMissing extends Error {
  override readonly name = 'PeripheralStackMissing';

  constructor(cause: unknown) {
    super(
      'Simulated Bluetooth devices need the package @stoprocent/bleno, which cannot be loaded here ' +
        `(${cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)}). Run \`npm ci\` again, or take them ` +
        'out of the simulation section.',
      { cause },
    );
  }
}

/**
 * Serves a simulated device with bleno over real HCI bytes. Resolves once it advertises.
 * @throws PeripheralStackMissing where its package, or a binary for the platform, is missing
 */
export async function servePeripheral(
  peripheral: GattPeripheral,
  carrier: PeripheralCarrier,
): Promise<RunningPeripheral> {
  const bleno = await makeBleno(carrier);
  const services = peripheral.services.map(
    (service) =>
      new bleno.PrimaryService({
        uuid: service.uuid,
        characteristics: service.characteristics.map((characteristic) => serve(bleno, characteristic)),
      }),
  );
  const advertise = () => {
    const { data, scanResponse } = peripheral.advertising();
    bleno.startAdvertisingWithEIRData(data, scanResponse);
  };
  let connected = false;
  peripheral.powered({
    advertise: () => {
      if (!connected && bleno.state === 'poweredOn') advertise();
    },
    disconnect: () => bleno.disconnect(),
  });
  // One central at a time: bleno would go on advertising beside a connection.
  bleno.on('accept', () => {
    connected = true;
    bleno.stopAdvertising();
    peripheral.connected();
  });
  bleno.on('disconnect', () => {
    connected = false;
    peripheral.disconnected();
    advertise();
  });
  await ready(bleno);
  await bleno.setServicesAsync(services);
  await new Promise<void>((resolve, reject) => {
    bleno.once('advertisingStart', (error?: Error | null) => (error ? reject(error) : resolve()));
    advertise();
  });
  return {
    address: bleno.address,
    advertiseAnew: () => {
      if (connected || bleno.state !== 'poweredOn') return;
      bleno.stopAdvertising();
      advertise();
    },
    stop: () => stop(bleno),
  };
}

async function makeBleno(carrier: PeripheralCarrier): Promise<Bleno> {
  try {
    installInProcessDriver('@stoprocent/bleno');
    const { withBindings } = (await import('@stoprocent/bleno')).default as unknown as {
      withBindings: typeof import('@stoprocent/bleno').withBindings;
    };
    if ('uart' in carrier) {
      const { uart, baudRate } = carrier;
      return withBindings('hci', { hciDriver: 'uart', bindParams: { uart: { port: uart, baudRate } } });
    }
    const binding: InProcessBinding = { open: (host) => openPort(carrier.controller, host) };
    return withBindings('hci', { hciDriver: IN_PROCESS_DRIVER, bindParams: binding });
  } catch (cause) {
    throw new PeripheralStackMissing(cause);
  }
}

/** Starts the stack, which it does when somebody listens to its state. */
async function ready(bleno: Bleno): Promise<void> {
  const before = new Set(process.listeners('SIGINT'));
  const poweredOn = new Promise<void>((resolve) => {
    bleno.on('stateChange', (state) => {
      if (state === 'poweredOn') resolve();
    });
  });
  // bleno ends the process on SIGINT when its listener is the last. How this process ends is not its business.
  for (const listener of process.listeners('SIGINT')) if (!before.has(listener)) process.off('SIGINT', listener);
  await poweredOn;
}

function stop(bleno: Bleno): void {
  bleno.stop();
  // bleno's poll of the adapter re-arms itself for ever and would keep the process alive.
  const { _bindings: bindings } = bleno as unknown as { _bindings: { _hci: { pollIsDevUp: () => void } } };
  bindings._hci.pollIsDevUp = () => undefined;
}

function serve(bleno: Bleno, served: GattPeripheralCharacteristic): Characteristic {
  const pushers = new Map<ConnectionHandle, IndicationSender>();
  const options: CharacteristicOptions = {
    uuid: served.uuid,
    properties: served.properties as readonly Property[],
    onWriteRequest: (_connection, data, _offset, _withoutResponse, callback) => {
      const result = served.write?.(Buffer.from(data)) ?? attResult.unlikelyError;
      if (typeof result === 'number') callback(result);
      else void result.then(callback);
    },
    onReadRequest: (_connection, offset, callback) => {
      const value = served.read?.();
      if (value === undefined) callback(attResult.unlikelyError);
      else callback(attResult.success, value.subarray(offset));
    },
    onSubscribe: (connection, maxLength, update) => {
      const queue = new IndicationSender(update, served.properties.includes('notify'));
      pushers.set(connection, queue);
      served.subscribed?.({ maxLength, push: (value) => queue.push(value) } satisfies GattSubscriber);
    },
    onUnsubscribe: (connection) => {
      pushers.delete(connection);
      served.subscribed?.(undefined);
    },
    onIndicate: (connection) => pushers.get(connection)?.confirmed(),
  };
  return new bleno.Characteristic(options);
}

/** One indication at a time (Vol 3 Part F, section 3.4.7.2): bleno itself would send the next unasked. */
class IndicationSender {
  readonly #update: UpdateValueCallback;
  readonly #unconfirmed: boolean;
  readonly #waiting: Buffer[] = [];
  #outstanding = false;

  constructor(update: UpdateValueCallback, unconfirmed: boolean) {
    this.#update = update;
    this.#unconfirmed = unconfirmed;
  }

  push(value: Buffer): void {
    this.#waiting.push(value);
    this.#send();
  }

  confirmed(): void {
    // bleno forgets, right after this call, whose confirmation it waits for: the next one is sent when it has.
    queueMicrotask(() => {
      this.#outstanding = false;
      this.#send();
    });
  }

  #send(): void {
    while (!this.#outstanding) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#outstanding = !this.#unconfirmed;
      try {
        this.#update(next);
      } catch {
        // bleno looks up a connection that has gone, and tells of that only later. Nobody is left to hear the rest.
        this.#waiting.length = 0;
        return;
      }
    }
  }
}

export interface BayAdapter {
  readonly index: number;
  readonly address: string;
}

/** The host's end of a controller: what a Bluetooth stack in the same process is bound to. */
export interface ControllerPort {
  write(bytes: Uint8Array): void;
  close(): void;
}

export interface HostEnd {
  readonly packet: (packet: Buffer) => void;
  readonly gone: () => void;
}

/** Binds a host to a controller. Closing the port resets the controller: links end, advertising and scanning stop. */
export function openPort(controller: Controller, host: HostEnd): ControllerPort {
  let closed = false;
  controller.connectHost(
    (packet) => {
      if (!closed) host.packet(packet);
    },
    () => {
      if (!closed) host.gone();
    },
  );
  return {
    write: (bytes) => {
      if (!closed) controller.receive(bytes);
    },
    close: () => {
      closed = true;
      controller.reset();
    },
  };
}

/**
 * The adapters a host has, by index, as its kernel lists them: an adapter that was pulled and put back gets a new
 * index.
 */
export class AdapterBay {
  readonly #air: Air;
  readonly #adapters = new Map<number, Controller>();
  #nextIndex = 0;

  constructor(air: Air) {
    this.#air = air;
  }

  /** Puts in an adapter, a new one unless `address` names one that was here before. */
  plugIn(address?: string): BayAdapter {
    const controller = this.#air.plug(address);
    const index = this.#nextIndex++;
    this.#adapters.set(index, controller);
    return { index, address: controller.address };
  }

  pullOut(index: number): void {
    const controller = this.#adapters.get(index);
    this.#adapters.delete(index);
    if (controller !== undefined) this.#air.unplug(controller);
  }

  list(): readonly BayAdapter[] {
    return [...this.#adapters].map(([index, { address }]) => ({ index, address }));
  }

  /** @throws Error when there is no adapter under that index */
  open(index: number, host: HostEnd): ControllerPort {
    const controller = this.#adapters.get(index);
    if (controller === undefined) throw new Error(`there is no adapter hci${index}`);
    return openPort(controller, host);
  }
}
