import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { advertisementOf } from '../../src/transports/ble/bluez/bluez-binding.ts';
import { BluezDevice, DEVICE } from '../../src/transports/ble/bluez/bluez-device.ts';
import { BluezDiscovery } from '../../src/transports/ble/bluez/bluez-discovery.ts';
import { plain, plainInterfaces } from '../../src/transports/ble/bluez/bus-values.ts';
import { ObjectTree } from '../../src/transports/ble/bluez/object-tree.ts';
import type { Bluetoothd, BusCall, BusSignal } from '../../src/transports/ble/bluez/system-bus.ts';
import { parseMarked } from './marked-bytes.ts';

const adapter = '/org/bluez/hci0';
const path = `${adapter}/dev_54_D2_72_11_22_33`;
/** Calls that are not answered at once would have a device wait. */
const turns = 12;

/** Answers each call with the next of what it was given, and says what it is made to say. */
class StrangeBluetoothd implements Bluetoothd {
  readonly #answers: unknown[];
  readonly #objects: unknown;
  hear: (signal: BusSignal) => void = () => undefined;

  constructor(objects: unknown, answers: unknown) {
    this.#objects = objects;
    this.#answers = Array.isArray(answers) ? [...answers] : [];
  }

  async call(_call: BusCall): Promise<readonly unknown[]> {
    return [this.#answers.shift()];
  }

  async objects() {
    return new Map(Object.entries(plain(this.#objects)).map(([at, interfaces]) => [at, plainInterfaces(interfaces)]));
  }

  onSignal(listener: (signal: BusSignal) => void): void {
    this.hear = listener;
  }

  variant(signature: string, value: unknown) {
    return { signature, value } as ReturnType<Bluetoothd['variant']>;
  }
}

/** One message's form: what the D-Bus library has seen to, whoever sent it. */
const asSignal = (value: unknown): BusSignal => {
  const { path: at, interface: iface, member, body } = (value ?? {}) as Partial<Record<keyof BusSignal, unknown>>;
  return { path: String(at), interface: String(iface), member: String(member), body: Array.isArray(body) ? body : [] };
};

/**
 * Lines of JSON: what bluetoothd has, what it answers, and then one signal a line. Bytes are `{"hex": …}`.
 * @throws what a listener of a signal must not throw: it would end the process
 */
export async function dbusMessages(input: Buffer): Promise<void> {
  const [objects, answers, ...signals] = input
    .toString()
    .split('\n')
    .map((line) => parseMarked(line));
  const bus = new StrangeBluetoothd(objects, answers);
  const tree = await ObjectTree.read(bus);
  const device = new BluezDevice({
    ...{ bus, tree, discovery: new BluezDiscovery(bus, adapter), clock: new SimulatedClock(), path },
    onConnected: () => undefined,
    onReady: () => undefined,
    onDisconnected: () => undefined,
    onValue: (_service, _characteristic, value) => {
      if (!Buffer.isBuffer(value)) throw new Error('a value that is no bytes');
    },
    onSilent: () => undefined,
  });
  tree.onChange(({ path: at, interface: iface, changed }) => {
    device.changed(at, iface, changed);
    if (iface !== DEVICE || changed === undefined) return;
    const { serviceData, serviceUuids } = advertisementOf(tree.get(at, DEVICE) ?? {}, changed);
    for (const { uuid, data } of serviceData)
      if (typeof uuid !== 'string' || !Buffer.isBuffer(data)) throw new Error('service data');
    for (const uuid of serviceUuids) if (typeof uuid !== 'string') throw new Error('service UUIDs');
  });
  // What is asked may be refused, in any words; it may not throw where nobody listens.
  const asked = [
    device.connect(),
    device.services().then(() => device.read('180f', '2a19')),
    device.notify('180f', '2a19', true),
    device.write('180f', '2a19', Buffer.from([1]), false),
  ].map((one) => one.catch(() => undefined));
  for (const signal of signals) {
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    bus.hear(asSignal(signal));
  }
  device.abandon();
  void asked;
}
