import { type Properties, plain, plainInterfaces, textsOf } from './bus-values.ts';
import type { Bluetoothd, BusSignal } from './system-bus.ts';

/** What became of one object: the properties that changed, by interface, or that an interface is gone. */
export interface ObjectChange {
  readonly path: string;
  readonly interface: string;
  /** Undefined when the interface is gone from the object. */
  readonly changed: Properties | undefined;
}

type Interfaces = Map<string, Properties>;

/** A copy of bluetoothd's objects, kept true by its signals. */
export class ObjectTree {
  readonly #objects: Map<string, Interfaces>;
  readonly #listeners = new Set<(change: ObjectChange) => void>();

  private constructor(objects: ReadonlyMap<string, Readonly<Record<string, Properties>>>) {
    this.#objects = new Map([...objects].map(([path, interfaces]) => [path, new Map(Object.entries(interfaces))]));
  }

  static async read(bus: Bluetoothd): Promise<ObjectTree> {
    // Heard meanwhile, and told again afterwards: which of them the answer holds already cannot be known.
    const early: BusSignal[] = [];
    let hear = (signal: BusSignal): void => void early.push(signal);
    bus.onSignal((signal) => hear(signal));
    const tree = new ObjectTree(await bus.objects());
    hear = (signal) => tree.#apply(signal);
    for (const signal of early) tree.#apply(signal);
    return tree;
  }

  onChange(listener: (change: ObjectChange) => void): void {
    this.#listeners.add(listener);
  }

  get(path: string, iface: string): Properties | undefined {
    return this.#objects.get(path)?.get(iface);
  }

  /** The objects below `path` that have an interface. */
  *below(path: string, iface: string): Generator<readonly [path: string, properties: Properties]> {
    for (const [at, interfaces] of this.#objects) {
      const properties = interfaces.get(iface);
      if (properties !== undefined && at.startsWith(`${path}/`)) yield [at, properties];
    }
  }

  #apply({ path, interface: iface, member, body }: BusSignal): void {
    if (iface.endsWith('.ObjectManager') && typeof body[0] === 'string') {
      if (member === 'InterfacesAdded') {
        for (const [name, properties] of Object.entries(plainInterfaces(body[1]))) this.#set(body[0], name, properties);
      } else if (member === 'InterfacesRemoved') {
        for (const name of textsOf(body[1])) this.#remove(body[0], name);
      }
    } else if (member === 'PropertiesChanged' && typeof body[0] === 'string') {
      const changed: Record<string, unknown> = { ...plain(body[1]) };
      for (const name of textsOf(body[2])) changed[name] = undefined;
      // Some interfaces are signalled about before they are announced.
      if (this.get(path, body[0]) !== undefined) this.#set(path, body[0], changed);
    }
  }

  #set(path: string, iface: string, changed: Properties): void {
    const interfaces: Interfaces = this.#objects.get(path) ?? new Map();
    this.#objects.set(path, interfaces);
    interfaces.set(iface, { ...interfaces.get(iface), ...changed });
    for (const listener of [...this.#listeners]) listener({ path, interface: iface, changed });
  }

  #remove(path: string, iface: string): void {
    const interfaces = this.#objects.get(path);
    if (interfaces?.delete(iface) !== true) return;
    if (interfaces.size === 0) this.#objects.delete(path);
    for (const listener of [...this.#listeners]) listener({ path, interface: iface, changed: undefined });
  }
}
