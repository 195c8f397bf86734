import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { Message, MessageBus, Variant } from '@jellybrick/dbus-next';
import type { Clock } from '../../../contract/index.ts';
import { BluezTrouble } from './bluez-trouble.ts';
import { type Properties, plain, plainInterfaces } from './bus-values.ts';

/** The optional peer dependency that speaks D-Bus, and the version it is tried with. */
export const DBUS_PACKAGE = '@jellybrick/dbus-next';

type DbusLibrary = typeof import('@jellybrick/dbus-next');

/** A signal of bluetoothd, or of the bus about it. */
export interface BusSignal {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

export interface BusCall {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
  /** How long the answer may take, in milliseconds; {@link CALL_PATIENCE_MS} unless said, undefined for ever. */
  readonly patienceMs?: number | undefined;
}

const BLUEZ = 'org.bluez';
const BUS = 'org.freedesktop.DBus';

/** How long bluetoothd may take over a call that does not wait for the radio, in milliseconds. A guess. */
const CALL_PATIENCE_MS = 5_000;

/** What is listened to: bluetoothd's objects and their properties, and whether it is there at all. */
const matches = [
  `type='signal',sender='${BLUEZ}',interface='${BUS}.ObjectManager'`,
  `type='signal',sender='${BLUEZ}',interface='${BUS}.Properties'`,
  `type='signal',sender='${BUS}',interface='${BUS}',member='NameOwnerChanged',arg0='${BLUEZ}'`,
];

/** What the D-Bus library says when the bus, or bluetoothd, answers with an error. */
interface BusError extends Error {
  /** The error's D-Bus name. */
  readonly type: string;
  readonly text: string;
}

export const isBusError = (error: unknown): error is BusError =>
  error instanceof Error && typeof (error as Partial<BusError>).type === 'string';

/** Loaded when an adapter of this kind is configured, and by nothing else. @throws BluezTrouble `library` */
function loadLibrary(): DbusLibrary {
  try {
    return createRequire(import.meta.url)(DBUS_PACKAGE) as DbusLibrary;
  } catch (cause) {
    throw new BluezTrouble('library', cause);
  }
}

/** A connection to D-Bus's system bus on which bluetoothd alone is spoken to. It is never repaired. */
export class SystemBus {
  readonly #library: DbusLibrary;
  readonly #bus: MessageBus;
  readonly #clock: Clock;
  readonly #signalListeners = new Set<(signal: BusSignal) => void>();
  readonly #pending = new Set<(error: BluezTrouble) => void>();
  #owner: string | undefined;
  #lost: BluezTrouble | undefined;
  #onLost: (trouble: BluezTrouble) => void = () => undefined;

  private constructor(library: DbusLibrary, clock: Clock) {
    this.#library = library;
    this.#clock = clock;
    this.#bus = library.systemBus();
    // An error nobody listens to would end the process; the types leave the event out.
    (this.#bus as unknown as EventEmitter).on('error', (error: unknown) => this.#lose(new BluezTrouble('bus', error)));
    // The library keeps the end of its connection to itself.
    const { _connection: connection } = this.#bus as unknown as { _connection?: EventEmitter };
    connection?.on('end', () => this.#lose(new BluezTrouble('bus', new Error('the bus closed the connection'))));
    this.#bus.on('message', (message) => this.#hear(message));
  }

  /**
   * Connects, and finds out that bluetoothd runs. It is not started: whoever stopped it meant it.
   * @throws BluezTrouble
   */
  static async open(clock: Clock): Promise<SystemBus> {
    const bus = new SystemBus(loadLibrary(), clock);
    try {
      for (const match of matches) await bus.#askBus('AddMatch', match);
      const [owner] = await bus.#askBus('GetNameOwner', BLUEZ);
      bus.#meet(String(owner));
      return bus;
    } catch (error) {
      bus.close();
      if (isBusError(error)) throw new BluezTrouble(error.type.endsWith('.NameHasNoOwner') ? 'daemon' : 'bus', error);
      throw error;
    }
  }

  onSignal(listener: (signal: BusSignal) => void): void {
    this.#signalListeners.add(listener);
  }

  /** @param listener called once, when the bus or bluetoothd is gone */
  onLost(listener: (trouble: BluezTrouble) => void): void {
    this.#onLost = listener;
    if (this.#lost !== undefined) listener(this.#lost);
  }

  /** @param signature of the value, as D-Bus spells types */
  variant(signature: string, value: unknown): Variant {
    return new this.#library.Variant(signature, value);
  }

  /**
   * Calls a method of bluetoothd.
   * @throws BluezTrouble when it is gone or does not answer; what it answers as {@link isBusError}
   */
  call({ path, interface: iface, member, signature, body, ...call }: BusCall): Promise<readonly unknown[]> {
    const patienceMs = 'patienceMs' in call ? call.patienceMs : CALL_PATIENCE_MS;
    return this.#send(
      { destination: BLUEZ, path, interface: iface, member, ...(signature && { signature, body: [...(body ?? [])] }) },
      patienceMs,
    );
  }

  /** All of bluetoothd's objects, their interfaces and properties. */
  async objects(): Promise<ReadonlyMap<string, Readonly<Record<string, Properties>>>> {
    const [tree] = await this.call({ path: '/', interface: `${BUS}.ObjectManager`, member: 'GetManagedObjects' });
    return new Map(Object.entries(plain(tree)).map(([path, interfaces]) => [path, plainInterfaces(interfaces)]));
  }

  /** Lets go of the bus; what was sent before leaves. */
  close(): void {
    this.#lose(new BluezTrouble('bus', new Error('the connection was closed')), false);
    this.#bus.disconnect();
  }

  /** From now on bluetoothd is this one: another that takes its name is a stranger. */
  #meet(owner: string): void {
    this.#owner = owner;
  }

  #askBus(member: string, argument: string): Promise<readonly unknown[]> {
    const path = '/org/freedesktop/DBus';
    return this.#send(
      { destination: BUS, path, interface: BUS, member, signature: 's', body: [argument] },
      CALL_PATIENCE_MS,
    );
  }

  #send(
    message: ConstructorParameters<DbusLibrary['Message']>[0],
    patienceMs: number | undefined,
  ): Promise<readonly unknown[]> {
    const { Message, MessageFlag } = this.#library;
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost);
        return;
      }
      const timer =
        patienceMs === undefined
          ? undefined
          : this.#clock.setTimer(() => fail(new BluezTrouble('silent')), Math.max(0, patienceMs));
      const leave = () => {
        timer?.cancel();
        this.#pending.delete(fail);
      };
      const fail = (error: unknown) => {
        leave();
        reject(error);
      };
      this.#pending.add(fail);
      this.#bus.call(new Message({ ...message, flags: MessageFlag.NO_AUTO_START })).then((reply) => {
        leave();
        resolve(reply?.body ?? []);
      }, fail);
    });
  }

  #hear(message: Message): void {
    const { type, path, interface: iface, member, body, sender } = message;
    if (type !== this.#library.MessageType.SIGNAL) return;
    if (iface === BUS && member === 'NameOwnerChanged') {
      if (body[0] === BLUEZ && this.#owner !== undefined) this.#lose(new BluezTrouble('daemon'));
      return;
    }
    if (sender !== this.#owner) return;
    for (const listener of [...this.#signalListeners]) listener({ path, interface: iface, member, body });
  }

  #lose(trouble: BluezTrouble, tell = true): void {
    if (this.#lost !== undefined) return;
    this.#lost = trouble;
    for (const fail of [...this.#pending]) fail(trouble);
    this.#signalListeners.clear();
    if (tell) this.#onLost(trouble);
  }
}

/** What is asked of bluetoothd once the bus is open. */
export type Bluetoothd = Pick<SystemBus, 'call' | 'objects' | 'onSignal' | 'variant'>;
