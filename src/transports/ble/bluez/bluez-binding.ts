import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import type { Clock } from '../../../contract/index.ts';
import { BluezDevice, DEVICE } from './bluez-device.ts';
import { BluezDiscovery } from './bluez-discovery.ts';
import { BluezTrouble, DeviceRefusal } from './bluez-trouble.ts';
import { bytesOf, type Properties, plain, textsOf } from './bus-values.ts';
import { ADAPTER, pathOf } from './list-adapters.ts';
import { type ObjectChange, ObjectTree } from './object-tree.ts';
import { isBusError, SystemBus } from './system-bus.ts';
import { shortUuid } from './uuids.ts';

/** noble's id of a device from bluetoothd's path for it. */
const idFrom = (path: string): string | undefined =>
  /\/dev_([0-9A-F_]{17})$/.exec(path)?.[1]?.replaceAll('_', '').toLowerCase();

const pathFrom = (adapterPath: string, id: string): string =>
  `${adapterPath}/dev_${(id.match(/../g) ?? []).join('_').toUpperCase()}`;

interface OpenBus {
  readonly bus: SystemBus;
  readonly tree: ObjectTree;
  readonly discovery: BluezDiscovery;
}

export interface BluezBindingOptions {
  /** Of `hci0` and so on. */
  readonly index: number;
  /** The adapter's own, lower case: an index may meanwhile be another's. */
  readonly address: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * What noble's core asks of a controller, asked of bluetoothd over D-Bus. noble brings such a binding itself; this one
 * takes its place for the reasons in decision 0032.
 *
 * The events and calls are those of noble 2.8.0, `lib/noble.js`; the D-Bus side is BlueZ 5.66, `doc/adapter-api.txt`,
 * `doc/device-api.txt` and `doc/gatt-api.txt`.
 */
export class BluezBinding extends EventEmitter {
  readonly #options: BluezBindingOptions;
  readonly #adapterPath: string;
  readonly #devices = new Map<string, BluezDevice>();
  /** Devices that noble's core knows by now. */
  readonly #introduced = new Set<string>();
  #running: OpenBus | undefined;
  #state = 'unknown';
  #stopped = false;
  #scanning = false;

  constructor(options: BluezBindingOptions) {
    super();
    this.#options = options;
    this.#adapterPath = pathOf(options.index);
  }

  start(): void {
    this.#start().catch((error: unknown) => {
      this.#options.log.debug({ error: messageOf(error) }, 'BlueZ cannot be used');
      this.#enter('unsupported');
    });
  }

  /** Nothing is heard of it afterwards. Connections are ended: bluetoothd would keep them. */
  stop(): void {
    this.#stopped = true;
    for (const device of this.#devices.values()) device.abandon();
    this.#running?.bus.close();
  }

  /** True until a connection stands, has failed, or was called off for good. */
  isConnecting(id: string): boolean {
    return this.#devices.get(id)?.isConnecting ?? false;
  }

  addressToId(address: string): string {
    return address.replaceAll(':', '').toLowerCase();
  }

  startScanning(): void {
    const { discovery } = this.#running ?? {};
    if (discovery === undefined) return;
    const begun = this.#scanning ? Promise.resolve() : discovery.want();
    this.#scanning = true;
    // One that does not begin is waited for in vain, and the stack is started anew.
    begun.then(
      () => this.emit('scanStart', true),
      (error: unknown) => this.#warn('begin to scan', error),
    );
  }

  stopScanning(): void {
    const { discovery } = this.#running ?? {};
    const ended = this.#scanning && discovery !== undefined ? discovery.release() : Promise.resolve();
    this.#scanning = false;
    void ended.catch((error: unknown) => this.#warn('end its scan', error)).then(() => this.emit('scanStop'));
  }

  connect(id: string): void {
    const device = this.#device(id);
    if (device === undefined) return;
    device.connect().catch((error: unknown) => {
      if (device.wasCalledOff) return;
      this.#warn('connect', error);
      this.emit('connect', id, error);
    });
  }

  cancelConnect(id: string): void {
    this.#devices.get(id)?.callOff();
  }

  disconnect(id: string): void {
    this.#devices.get(id)?.disconnect();
  }

  discoverServices(id: string, wanted: readonly string[]): void {
    this.#ask(id, (device) => device.services()).then(
      (all) => {
        const found = [...all.keys()].filter((uuid) => wanted.length === 0 || wanted.includes(uuid));
        this.emit('servicesDiscovered', id, found);
        this.emit('servicesDiscover', id, found);
      },
      (error: unknown) => this.emit('servicesDiscover', id, [], error),
    );
  }

  discoverCharacteristics(id: string, service: string): void {
    this.#ask(id, (device) => device.services()).then(
      (all) => {
        const found = [...(all.get(service)?.values() ?? [])].map(({ uuid, properties }) => ({ uuid, properties }));
        this.emit('characteristicsDiscovered', id, service, found);
        this.emit('characteristicsDiscover', id, service, found);
      },
      (error: unknown) => this.emit('characteristicsDiscover', id, service, [], error),
    );
  }

  read(id: string, service: string, characteristic: string): void {
    this.#ask(id, (device) => device.read(service, characteristic)).then(
      (value) => this.emit('read', id, service, characteristic, value, false),
      (error: unknown) => this.emit('read', id, service, characteristic, null, false, error),
    );
  }

  write(id: string, service: string, characteristic: string, value: Buffer, withoutResponse: boolean): void {
    this.#ask(id, (device) => device.write(service, characteristic, value, withoutResponse)).then(
      () => this.emit('write', id, service, characteristic),
      (error: unknown) => this.emit('write', id, service, characteristic, error),
    );
  }

  notify(id: string, service: string, characteristic: string, on: boolean): void {
    this.#ask(id, (device) => device.notify(service, characteristic, on)).then(
      () => this.emit('notify', id, service, characteristic, on),
      (error: unknown) => this.emit('notify', id, service, characteristic, false, error),
    );
  }

  // ---- bluetoothd

  async #start(): Promise<void> {
    const { clock, address } = this.#options;
    const bus = await SystemBus.open(clock);
    if (this.#stopped) {
      bus.close();
      return;
    }
    bus.onLost((trouble) => this.#lost(trouble));
    try {
      const tree = await ObjectTree.read(bus);
      const adapter = tree.get(this.#adapterPath, ADAPTER);
      if (String(adapter?.Address).toLowerCase() !== address) throw new BluezTrouble('no_adapter');
      if (this.#stopped) throw new BluezTrouble('bus', new Error('it was stopped'));
      this.#running = { bus, tree, discovery: new BluezDiscovery(bus, this.#adapterPath) };
      tree.onChange((change) => this.#changed(change));
      this.emit('addressChange', address);
      this.#enter(adapter?.Powered === true ? 'poweredOn' : 'poweredOff');
    } catch (error) {
      bus.close();
      throw error;
    }
  }

  #lost(trouble: BluezTrouble): void {
    this.#options.log.debug({ why: trouble.message }, 'BlueZ is lost');
    this.#enter('unsupported');
  }

  #enter(state: string): void {
    if (this.#stopped || this.#state === state) return;
    this.#state = state;
    this.emit('stateChange', state);
  }

  #changed({ path, interface: iface, changed }: ObjectChange): void {
    if (this.#stopped) return;
    if (path === this.#adapterPath && iface === ADAPTER) {
      if (changed === undefined) this.#lost(new BluezTrouble('no_adapter'));
      else if ('Powered' in changed) this.#enter(changed.Powered === true ? 'poweredOn' : 'poweredOff');
      return;
    }
    if (!path.startsWith(`${this.#adapterPath}/dev_`)) return;
    if (iface === DEVICE) {
      const id = idFrom(path);
      if (id === undefined) return;
      // What bluetoothd remembers of earlier times has no signal strength: only what is heard now is told.
      if (changed !== undefined && typeof changed.RSSI === 'number') this.#hear(id, path, changed);
      else if (changed?.ManufacturerData !== undefined || changed?.ServiceData !== undefined)
        this.#hear(id, path, changed);
    }
    for (const device of this.#devices.values()) device.changed(path, iface, changed);
  }

  #hear(id: string, path: string, changed: Readonly<Record<string, unknown>>): void {
    if (this.#running?.discovery.running !== true) return;
    const properties = this.#running.tree.get(path, DEVICE) ?? {};
    this.#introduced.add(id);
    this.#discover(id, properties, changed);
  }

  /** noble's core tells nobody about a connection with a device that it was never told of. */
  #introduce(id: string): void {
    if (this.#introduced.has(id)) return;
    this.#introduced.add(id);
    this.#discover(id, this.#running?.tree.get(pathFrom(this.#adapterPath, id), DEVICE) ?? {}, {});
  }

  #discover(
    id: string,
    properties: Readonly<Record<string, unknown>>,
    changed: Readonly<Record<string, unknown>>,
  ): void {
    const address = String(properties.Address ?? '').toLowerCase();
    const rssi = typeof properties.RSSI === 'number' ? properties.RSSI : UNKNOWN_RSSI;
    const advertisement = advertisementOf(properties, changed);
    const type = properties.AddressType === 'random' ? 'random' : 'public';
    this.emit('discover', id, address, type, true, advertisement, rssi, false);
  }

  #device(id: string): BluezDevice | undefined {
    const known = this.#devices.get(id);
    if (known !== undefined || this.#running === undefined) return known;
    const device = new BluezDevice({
      ...this.#running,
      clock: this.#options.clock,
      path: pathFrom(this.#adapterPath, id),
      onConnected: () => {
        this.#introduce(id);
        this.emit('connect', id, null);
      },
      onReady: (mtu) => this.emit('onMtu', id, mtu),
      onDisconnected: () => this.emit('disconnect', id, 'BlueZ does not tell why'),
      onValue: (service, characteristic, value) => this.emit('read', id, service, characteristic, value, true),
      onSilent: () => this.#lost(new BluezTrouble('silent')),
    });
    this.#devices.set(id, device);
    return device;
  }

  async #ask<T>(id: string, ask: (device: BluezDevice) => Promise<T>): Promise<T> {
    const device = this.#devices.get(id);
    if (device === undefined) throw new Error('the device is not connected');
    try {
      return await ask(device);
    } catch (error) {
      // Two of them say that it is the link that failed, and not the device that refused.
      if (isBusError(error) && device.isConnected && !/NotConnected|UnknownObject/.test(error.type))
        throw new DeviceRefusal(error.text || error.type, { cause: error });
      throw error;
    }
  }

  #warn(what: string, error: unknown): void {
    if (!this.#stopped) this.#options.log.debug({ error: messageOf(error) }, `BlueZ could not ${what}`);
  }
}

/** Core Specification, Vol 4 Part E, section 7.7.65.2: the signal strength is not available. */
const UNKNOWN_RSSI = 127;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What noble's core takes for an advertisement. */
interface NobleAdvertisement {
  readonly localName: string | undefined;
  readonly txPowerLevel: number | undefined;
  readonly manufacturerData: Buffer | undefined;
  readonly serviceData: readonly { readonly uuid: string; readonly data: Buffer }[];
  readonly serviceUuids: readonly string[];
  readonly serviceSolicitationUuids: readonly string[];
}

/** Bluetooth SIG, Assigned Numbers, section 7: company identifiers have 16 bits. */
const HIGHEST_COMPANY = 0xffff;

/** Company identifier first, least significant byte first, as on the air. */
function manufacturerData(dictionary: unknown): Buffer | undefined {
  const [entry] = Object.entries(plain(dictionary));
  const number = Number(entry?.[0]);
  const data = bytesOf(entry?.[1]);
  if (data === undefined || !Number.isInteger(number) || number < 0 || number > HIGHEST_COMPANY) return undefined;
  const company = Buffer.alloc(2);
  company.writeUInt16LE(number);
  return Buffer.concat([company, data]);
}

/**
 * BlueZ keeps a device's data apart from the packets they came in, and collects them: services found on an earlier
 * connection are among the UUIDs, and data of a company that is advertised no more may linger.
 * @param properties of the device (BlueZ, doc/device-api.txt, org.bluez.Device1)
 * @param changed the part of them just heard, which is preferred where there is a choice
 */
export function advertisementOf(properties: Properties, changed: Properties): NobleAdvertisement {
  return {
    // Not Alias: without a name that is the address.
    localName: typeof properties.Name === 'string' ? properties.Name : undefined,
    txPowerLevel: typeof properties.TxPower === 'number' ? properties.TxPower : undefined,
    manufacturerData: manufacturerData(changed.ManufacturerData ?? properties.ManufacturerData),
    serviceData: Object.entries(plain(properties.ServiceData)).flatMap(([uuid, value]) => {
      const data = bytesOf(value);
      return data === undefined ? [] : { uuid: shortUuid(uuid), data };
    }),
    serviceUuids: textsOf(properties.UUIDs).map(shortUuid),
    serviceSolicitationUuids: [],
  };
}
