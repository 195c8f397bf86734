import type { Clock } from '../../../contract/index.ts';
import type { BluezDiscovery } from './bluez-discovery.ts';
import { BluezTrouble } from './bluez-trouble.ts';
import { bytesOf, type Properties, textsOf } from './bus-values.ts';
import type { ObjectTree } from './object-tree.ts';
import type { Bluetoothd } from './system-bus.ts';
import { shortUuid } from './uuids.ts';

export const DEVICE = 'org.bluez.Device1';
const SERVICE = 'org.bluez.GattService1';
const CHARACTERISTIC = 'org.bluez.GattCharacteristic1';

/** How long bluetoothd may take to end a connection: it gives profiles 2 s to say goodbye. In milliseconds. */
const DISCONNECT_MS = 4_000;

/** bluetoothd is asked for a sign of life before each write, and gives it in less than this, in milliseconds. */
const ALIVE_MS = 1_000;

/** Core Specification, Vol 3 Part G, section 5.2.1: of every LE connection. */
const LEAST_MTU = 23;

/** BlueZ's names of what a characteristic can do, in noble's spelling. */
const flags = new Map([
  ['broadcast', 'broadcast'],
  ['read', 'read'],
  ['write-without-response', 'writeWithoutResponse'],
  ['write', 'write'],
  ['notify', 'notify'],
  ['indicate', 'indicate'],
]);

export interface FoundCharacteristic {
  readonly uuid: string;
  readonly path: string;
  readonly properties: readonly string[];
}

type FoundServices = ReadonlyMap<string, ReadonlyMap<string, FoundCharacteristic>>;

export interface BluezDeviceOptions {
  readonly bus: Bluetoothd;
  readonly tree: ObjectTree;
  readonly discovery: BluezDiscovery;
  readonly clock: Clock;
  /** bluetoothd's object for it, which need not be there yet. */
  readonly path: string;
  /** Called in the very turn in which the connection is known to stand. */
  readonly onConnected: () => void;
  /** bluetoothd knows the device's services, and has agreed on this MTU. */
  readonly onReady: (mtu: number) => void;
  readonly onDisconnected: () => void;
  readonly onValue: (service: string, characteristic: string, value: Buffer) => void;
  /** bluetoothd gave no sign of life. */
  readonly onSilent: () => void;
}

class CalledOff extends Error {
  override readonly name = 'CalledOff';
}

interface Subscription {
  readonly service: string;
  readonly uuid: string;
  /** Values that came while the characteristic is read: BlueZ tells of what was read in the same way. */
  held: Buffer[] | undefined;
}

/** One device, as bluetoothd sees it: connected to and spoken with on noble's behalf. */
export class BluezDevice {
  readonly #options: BluezDeviceOptions;
  readonly #waiters = new Set<() => void>();
  readonly #subscriptions = new Map<string, Subscription>();
  #attempt: AbortController | undefined;
  #connected = false;
  #calledOff = false;

  constructor(options: BluezDeviceOptions) {
    this.#options = options;
  }

  get isConnecting(): boolean {
    return this.#attempt !== undefined;
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  /** The last attempt to connect was called off: whoever began it wants to hear no more of it. */
  get wasCalledOff(): boolean {
    return this.#calledOff;
  }

  /** The connection's, where BlueZ tells it (5.62 and later); what it certainly is elsewhere. */
  get #mtu(): number {
    for (const [, { MTU }] of this.#options.tree.below(this.#options.path, CHARACTERISTIC))
      if (typeof MTU === 'number' && MTU > 0) return MTU;
    return LEAST_MTU;
  }

  /** Connects, having looked for the device first if bluetoothd does not know it. It waits for as long as it takes. */
  async connect(): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#calledOff = false;
    try {
      await this.#find(attempt.signal);
      // A connection that was there before is nobody's here: a gateway's that died, or one bluetoothd made by itself.
      if (this.#device?.Connected === true) await this.#endConnection();
      attempt.signal.throwIfAborted();
      await this.#call(DEVICE, 'Connect', { patienceMs: undefined });
      if (this.#device?.Connected !== true) throw new Error('the connection was lost at once');
      if (attempt.signal.aborted) {
        await this.#endConnection();
        throw new CalledOff('the connection was called off');
      }
    } finally {
      this.#attempt = undefined;
    }
    this.#connected = true;
    this.#options.onConnected();
    this.services().then(
      () => this.#options.onReady(this.#mtu),
      () => undefined,
    );
  }

  callOff(): void {
    if (this.#attempt === undefined) return;
    this.#calledOff = true;
    this.#attempt.abort(new CalledOff('the connection was called off'));
    // Also ends an attempt (doc/device-api.txt, Disconnect). Without one there is nothing to end, and it says so.
    this.#call(DEVICE, 'Disconnect').catch(() => undefined);
  }

  disconnect(): void {
    if (!this.#connected) return;
    this.#call(DEVICE, 'Disconnect').catch((error: unknown) => this.#suspect(error));
  }

  /** As {@link disconnect}, when nobody is there any more to hear of it. */
  abandon(): void {
    if (this.#connected || this.#attempt !== undefined) this.#call(DEVICE, 'Disconnect').catch(() => undefined);
    this.#attempt?.abort(new CalledOff('the adapter was closed'));
    this.#calledOff = true;
    this.#connected = false;
  }

  /** The device's services and their characteristics, once bluetoothd has found them all. */
  async services(): Promise<FoundServices> {
    await this.#until(() => this.#device?.ServicesResolved === true);
    const { tree, path } = this.#options;
    const found = new Map<string, Map<string, FoundCharacteristic>>();
    for (const [servicePath, { UUID }] of tree.below(path, SERVICE)) {
      const characteristics = new Map<string, FoundCharacteristic>();
      for (const [at, { UUID: uuid, Flags }] of tree.below(servicePath, CHARACTERISTIC))
        characteristics.set(shortUuid(String(uuid)), {
          uuid: shortUuid(String(uuid)),
          path: at,
          properties: textsOf(Flags).flatMap((flag) => flags.get(flag) ?? []),
        });
      found.set(shortUuid(String(UUID)), characteristics);
    }
    return found;
  }

  async read(service: string, uuid: string): Promise<Buffer> {
    const { path } = await this.#characteristic(service, uuid);
    const subscription = this.#subscriptions.get(path);
    if (subscription !== undefined) subscription.held = [];
    try {
      const [value] = await this.#callGatt(path, 'ReadValue', 'a{sv}', [{}]);
      const read = bytesOf(value);
      if (read === undefined) throw new Error('bluetoothd answered a read with something else than bytes');
      const told = subscription?.held?.findIndex((held) => held.equals(read)) ?? -1;
      if (told >= 0) subscription?.held?.splice(told, 1);
      return read;
    } finally {
      const held = subscription?.held ?? [];
      if (subscription !== undefined) subscription.held = undefined;
      for (const one of held) this.#options.onValue(service, uuid, one);
    }
  }

  /**
   * Hands a value to bluetoothd, which splits it where it is longer than a packet. What it has taken cannot be taken
   * back: hence the sign of life first, so that one that is stuck is not given anything to send later.
   */
  async write(service: string, uuid: string, value: Buffer, withoutResponse: boolean): Promise<void> {
    const { path } = await this.#characteristic(service, uuid);
    await this.#options.bus
      .call({ path: '/', interface: 'org.freedesktop.DBus.Peer', member: 'Ping', patienceMs: ALIVE_MS })
      .catch((error: unknown) => {
        this.#suspect(error);
        throw error;
      });
    if (!this.#connected) throw new Error('the device is not connected');
    const type = this.#options.bus.variant('s', withoutResponse ? 'command' : 'request');
    await this.#callGatt(path, 'WriteValue', 'aya{sv}', [value, { type }]);
  }

  async notify(service: string, uuid: string, on: boolean): Promise<void> {
    const { path } = await this.#characteristic(service, uuid);
    if (on) this.#subscriptions.set(path, { service, uuid, held: undefined });
    else this.#subscriptions.delete(path);
    await this.#callGatt(path, on ? 'StartNotify' : 'StopNotify');
  }

  /** To be told of every change in bluetoothd's objects. */
  changed(path: string, iface: string, changed: Properties | undefined): void {
    if (path === this.#options.path && iface === DEVICE) {
      if (changed === undefined || changed.Connected === false) this.#disconnected();
    } else if (iface === CHARACTERISTIC) {
      const subscription = this.#subscriptions.get(path);
      const value = bytesOf(changed?.Value);
      if (value !== undefined && subscription?.held !== undefined) subscription.held.push(value);
      else if (value !== undefined && subscription !== undefined)
        this.#options.onValue(subscription.service, subscription.uuid, value);
    }
    this.#look();
  }

  #look(): void {
    for (const look of [...this.#waiters]) look();
  }

  #disconnected(): void {
    this.#subscriptions.clear();
    if (!this.#connected) return;
    this.#connected = false;
    this.#options.onDisconnected();
  }

  get #device(): Properties | undefined {
    return this.#options.tree.get(this.#options.path, DEVICE);
  }

  /** bluetoothd connects only to what it has heard or remembers. */
  async #find(signal: AbortSignal): Promise<void> {
    if (this.#device !== undefined) return;
    const { discovery } = this.#options;
    try {
      await discovery.want();
      await this.#settled(() => this.#device !== undefined, signal);
    } finally {
      await discovery.release().catch(() => undefined);
    }
  }

  async #endConnection(): Promise<void> {
    const patience = new AbortController();
    const { clock } = this.#options;
    const timer = clock.setTimer(() => patience.abort(new BluezTrouble('silent')), DISCONNECT_MS);
    try {
      await this.#call(DEVICE, 'Disconnect');
      await this.#settled(() => this.#device?.Connected !== true, patience.signal);
    } finally {
      timer.cancel();
    }
  }

  async #characteristic(service: string, uuid: string): Promise<FoundCharacteristic> {
    const found = (await this.services()).get(service)?.get(uuid);
    if (found === undefined) throw new Error('the characteristic is gone');
    return found;
  }

  /** Waits while the connection lasts. */
  #until(done: () => boolean): Promise<void> {
    const lost = new AbortController();
    return this.#settled(() => {
      if (!this.#connected) lost.abort(new Error('the connection was lost'));
      return done();
    }, lost.signal);
  }

  /** Resolves when `done` says so, which is asked at each change of the device. */
  #settled(done: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiters.delete(look);
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        leave();
        reject(signal.reason);
      };
      const look = () => {
        if (signal.aborted || !done() || signal.aborted) return;
        leave();
        resolve();
      };
      this.#waiters.add(look);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      else look();
    });
  }

  #suspect(error: unknown): void {
    if (error instanceof BluezTrouble && error.kind === 'silent') this.#options.onSilent();
  }

  #call(iface: string, member: string, more: { readonly patienceMs?: undefined } = {}): Promise<readonly unknown[]> {
    return this.#options.bus.call({ path: this.#options.path, interface: iface, member, ...more });
  }

  /** Not timed here: the session has its own patience, and ends the connection when that is over. */
  #callGatt(path: string, member: string, signature?: string, body?: readonly unknown[]): Promise<readonly unknown[]> {
    return this.#options.bus.call({
      ...{ path, interface: CHARACTERISTIC, member, patienceMs: undefined },
      ...(signature !== undefined && { signature }),
      ...(body !== undefined && { body }),
    });
  }
}
