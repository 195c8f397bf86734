import { expect, it } from 'vitest';
import { SimulatedClock } from '../../../driver-testing/simulated-clock.ts';
import { BluezDevice } from './bluez-device.ts';
import { BluezDiscovery } from './bluez-discovery.ts';
import { BluezTrouble } from './bluez-trouble.ts';
import { ObjectTree } from './object-tree.ts';
import type { Bluetoothd, BusCall, BusSignal } from './system-bus.ts';

const adapterPath = '/org/bluez/hci0';
const path = `${adapterPath}/dev_54_D2_72_11_22_33`;
const at = `${path}/service000a/char000b`;
const uuid = '0000180f-0000-1000-8000-00805f9b34fb';
const level = '00002a19-0000-1000-8000-00805f9b34fb';

const services = {
  [`${path}/service000a`]: { 'org.bluez.GattService1': { UUID: uuid } },
  [at]: { 'org.bluez.GattCharacteristic1': { UUID: level, Flags: ['read', 'write', 'indicate'], MTU: 185 } },
};

/** Does nothing by itself: a test answers each call when it likes to, and signals what it likes. */
class ScriptedBluetoothd implements Bluetoothd {
  readonly calls: string[] = [];
  readonly #waiting: { readonly member: string; answer(body: unknown): void; refuse(error: Error): void }[] = [];
  #hear: (signal: BusSignal) => void = () => undefined;
  readonly #objects: Record<string, Record<string, Record<string, unknown>>>;

  constructor(objects: Record<string, Record<string, Record<string, unknown>>>) {
    this.#objects = objects;
  }

  call({ member }: BusCall): Promise<readonly unknown[]> {
    this.calls.push(member);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ member, answer: (body) => resolve(body === undefined ? [] : [body]), refuse: reject });
    });
  }

  async objects() {
    return new Map(Object.entries(this.#objects));
  }

  onSignal(listener: (signal: BusSignal) => void): void {
    this.#hear = listener;
  }

  variant(signature: string, value: unknown) {
    return { signature, value } as ReturnType<Bluetoothd['variant']>;
  }

  /** Settles the oldest call of that method, once there is one. */
  async settle(member: string, answer?: unknown): Promise<void> {
    await this.#turns();
    const index = this.#waiting.findIndex((call) => call.member === member);
    const [call] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (call === undefined) throw new Error(`nobody called ${member}; there were ${this.calls.join()}`);
    if (answer instanceof Error) call.refuse(answer);
    else call.answer(answer);
    await this.#turns();
  }

  async changed(where: string, iface: string, changed: Record<string, unknown>): Promise<void> {
    await this.#turns();
    this.#hear({
      ...{ path: where, interface: 'org.freedesktop.DBus.Properties', member: 'PropertiesChanged' },
      body: [iface, changed, []],
    });
    await this.#turns();
  }

  async added(where: string, interfaces: Record<string, Record<string, unknown>>): Promise<void> {
    await this.#turns();
    this.#hear({
      ...{ path: '/', interface: 'org.freedesktop.DBus.ObjectManager', member: 'InterfacesAdded' },
      body: [where, interfaces],
    });
    await this.#turns();
  }

  async #turns(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
}

async function scene(objects: Record<string, Record<string, Record<string, unknown>>>) {
  const bus = new ScriptedBluetoothd(objects);
  const tree = await ObjectTree.read(bus);
  const told: string[] = [];
  const device = new BluezDevice({
    ...{ bus, tree, discovery: new BluezDiscovery(bus, adapterPath), clock: new SimulatedClock(), path },
    onConnected: () => told.push('connected'),
    onReady: (mtu) => told.push(`ready ${mtu}`),
    onDisconnected: () => told.push('disconnected'),
    onValue: (_service, _characteristic, value) => told.push(value.toString('hex')),
    onSilent: () => told.push('silent'),
  });
  tree.onChange(({ path: where, interface: iface, changed }) => device.changed(where, iface, changed));
  const outcome = () =>
    device.connect().then(
      () => 'stands',
      (error: Error) => error.message,
    );
  return { bus, device, told, outcome };
}

const known = { [path]: { 'org.bluez.Device1': { Address: '54:D2:72:11:22:33', Connected: false } }, ...services };

async function connected() {
  const all = await scene(known);
  const attempt = all.outcome();
  await all.bus.changed(path, 'org.bluez.Device1', { Connected: true, ServicesResolved: true });
  await all.bus.settle('Connect');
  expect(await attempt).toBe('stands');
  expect(all.told.splice(0)).toEqual(['connected', 'ready 185']);
  return all;
}

it('a device that bluetoothd does not know is looked for first', async () => {
  const { bus, told, outcome } = await scene({});
  const attempt = outcome();
  await bus.settle('SetDiscoveryFilter');
  await bus.settle('StartDiscovery');
  await bus.added(path, { 'org.bluez.Device1': { Address: '54:D2:72:11:22:33' } });
  await bus.settle('StopDiscovery');
  await bus.changed(path, 'org.bluez.Device1', { Connected: true });
  await bus.settle('Connect');
  expect(await attempt).toBe('stands');
  expect(told).toEqual(['connected']);
});

it('one that is called off while it is looked for is not connected to any more', async () => {
  const { bus, device, told, outcome } = await scene({});
  const attempt = outcome();
  await bus.settle('SetDiscoveryFilter');
  await bus.settle('StartDiscovery');
  device.callOff();
  expect(device.isConnecting).toBe(true);
  await bus.settle('StopDiscovery');
  expect(await attempt).toContain('called off');
  expect(device.isConnecting).toBe(false);
  await bus.added(path, { 'org.bluez.Device1': { Address: '54:D2:72:11:22:33' } });
  expect(bus.calls).not.toContain('Connect');
  expect(told).toEqual([]);
});

it('a connection that stands in spite of being called off is ended, and nobody is told of it', async () => {
  const { bus, device, told, outcome } = await scene(known);
  const attempt = outcome();
  await bus.changed(path, 'org.bluez.Device1', { Connected: true });
  device.callOff();
  await bus.settle('Connect');
  await bus.settle('Disconnect', new Error('org.bluez.Error.NotConnected'));
  expect(device.isConnecting).toBe(true);
  await bus.settle('Disconnect');
  await bus.changed(path, 'org.bluez.Device1', { Connected: false });
  expect(await attempt).toContain('called off');
  expect(told).toEqual([]);
});

it('a connection that was there before is ended first', async () => {
  const { bus, outcome } = await scene({ ...known, [path]: { 'org.bluez.Device1': { Connected: true } } });
  const attempt = outcome();
  await bus.settle('Disconnect');
  expect(bus.calls).toEqual(['Disconnect']);
  await bus.changed(path, 'org.bluez.Device1', { Connected: false });
  await bus.changed(path, 'org.bluez.Device1', { Connected: true });
  await bus.settle('Connect');
  expect(await attempt).toBe('stands');
});

it('what is read is not heard as well, and what came meanwhile is', async () => {
  const { bus, device, told } = await connected();
  const listening = device.notify('180f', '2a19', true);
  await bus.settle('StartNotify');
  await listening;
  const reading = device.read('180f', '2a19');
  await bus.changed(at, 'org.bluez.GattCharacteristic1', { Value: Buffer.from([1]) });
  await bus.changed(at, 'org.bluez.GattCharacteristic1', { Value: Buffer.from([2]) });
  expect(told).toEqual([]);
  await bus.settle('ReadValue', Buffer.from([2]));
  expect([...(await reading)]).toEqual([2]);
  expect(told).toEqual(['01']);
  await bus.changed(at, 'org.bluez.GattCharacteristic1', { Value: Buffer.from([2]) });
  expect(told).toEqual(['01', '02']);
});

it('a bluetoothd that gives no sign of life is given nothing to send', async () => {
  const { bus, device, told } = await connected();
  const writing = device.write('180f', '2a19', Buffer.from([1]), false).catch((error: Error) => error);
  await bus.settle('Ping', new BluezTrouble('silent'));
  expect(await writing).toBeInstanceOf(BluezTrouble);
  expect(told).toEqual(['silent']);
  expect(bus.calls).not.toContain('WriteValue');
});

it('nothing is written once the connection went while bluetoothd was asked for a sign of life', async () => {
  const { bus, device, told } = await connected();
  const writing = device.write('180f', '2a19', Buffer.from([1]), false).catch((error: Error) => error);
  await bus.changed(path, 'org.bluez.Device1', { Connected: false });
  await bus.settle('Ping');
  expect(await writing).toBeInstanceOf(Error);
  expect(told).toEqual(['disconnected']);
  expect(bus.calls).not.toContain('WriteValue');
});
