import type { Logger } from 'pino';
import {
  type BleSessionOptions,
  type Clock,
  GatewayError,
  type GattPath,
  type GattSession,
  type SendPermit,
} from '../../contract/index.ts';
import { DeviceRefusal } from './bluez/bluez-trouble.ts';
import type { FoundServices, GattCatalogue } from './gatt-catalogue.ts';
import type { Characteristic, Noble, Peripheral } from './noble.ts';

export interface GattSessionOptions {
  readonly noble: Noble;
  readonly peripheral: Peripheral;
  /** The device as people know it: for messages. */
  readonly deviceName: string;
  readonly address: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly catalogue: GattCatalogue;
  /** Aborts when the stack ends; the connection is gone with it, and nothing tells of that. */
  readonly stackEnded: AbortSignal;
  /** How long one operation may take, in milliseconds. noble never settles one that was answered with an error. */
  readonly operationMs: number;
  /** The longest the radio goes on repeating a packet, in milliseconds: the link's supervision timeout. */
  readonly supervisionMs: number;
  /** How long to wait for a disconnection to be confirmed, in milliseconds. */
  readonly hangUpMs: number;
}

/** How long to wait for the MTU to be agreed, in milliseconds; 23 is used when it is not. */
const MTU_PATIENCE_MS = 1_500;

/** The connection went before it was of any use: what a failed establishment (0x3E) looks like. */
export class LostBeforeReady extends Error {
  override readonly name = 'LostBeforeReady';
  readonly reason: string;

  constructor(reason: string) {
    super(`the connection was lost before it was ready (${reason})`);
    this.reason = reason;
  }
}

/** Core Specification, Vol 1 Part F, section 1.3, for the reasons people meet. */
const reasons: Readonly<Record<number, string>> = {
  3: 'the adapter failed',
  8: 'the device went out of range',
  19: 'the device ended it',
  22: 'the gateway ended it',
  34: 'the device did not answer in time',
  61: 'its encryption failed',
  62: 'it could not be established',
};

const describeReason = (reason: unknown): string =>
  typeof reason === 'number'
    ? `${reasons[reason] ?? 'for a reason without a name'}, 0x${reason.toString(16).padStart(2, '0')}`
    : String(reason);

/** A {@link GattSession} over noble: one operation at a time, each with a deadline, every answer waited for. */
export class NobleGattSession implements GattSession {
  readonly #options: GattSessionOptions;
  readonly #controller = new AbortController();
  readonly #onDisconnect: (reason: unknown) => void;
  readonly #onStackEnded: () => void;
  readonly #listened: { readonly characteristic: Characteristic; readonly listener: (data: Buffer) => void }[] = [];
  readonly #gone: Promise<void>;
  #turn: Promise<unknown> = Promise.resolve();
  #services: FoundServices = new Map();
  #connected = true;

  /** @param options.peripheral just connected: nothing else may have been asked of it */
  constructor(options: GattSessionOptions) {
    this.#options = options;
    let gone: () => void = () => undefined;
    this.#gone = new Promise((resolve) => {
      gone = resolve;
    });
    this.#onDisconnect = (reason) => {
      this.#connected = false;
      gone();
      this.#end(this.#lost(describeReason(reason)));
    };
    options.peripheral.once('disconnect', this.#onDisconnect);
    this.#onStackEnded = () => {
      this.#connected = false;
      gone();
      this.#end(options.stackEnded.reason);
    };
    options.stackEnded.addEventListener('abort', this.#onStackEnded, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Agrees on the MTU and finds the services, all `by` a moment on `Clock.now()`.
   * @throws LostBeforeReady; GatewayError `device_offline`; the signal's reason
   */
  async prepare({ services, signal }: Pick<BleSessionOptions, 'services' | 'signal'>, by: number): Promise<void> {
    const onAbort = () => this.#end(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    this.signal.addEventListener('abort', () => signal.removeEventListener('abort', onAbort), { once: true });
    const { catalogue, noble, peripheral } = this.#options;
    try {
      await this.#mtu();
      this.#services = await this.#operate(
        'finding its services',
        (done) => catalogue.find(noble, peripheral, services, done),
        () => by - this.#options.clock.now(),
      );
    } catch (error) {
      if (!this.#connected && !signal.aborted) throw new LostBeforeReady(messageOf(this.signal.reason));
      throw error;
    }
  }

  offers({ service, characteristic }: GattPath): boolean {
    return this.#services.get(service)?.has(characteristic) ?? false;
  }

  async read(path: GattPath): Promise<Buffer> {
    const characteristic = this.#find(path);
    const value = await this.#operate<Buffer>('reading from it', (done) =>
      characteristic.read((error, data) => done(error ?? undefined, data)),
    );
    // noble gives an empty value where the device answered with an error.
    if (value.length === 0) {
      const { deviceName } = this.#options;
      throw new GatewayError('device_offline', `${deviceName} refused to be read over Bluetooth. Try again.`);
    }
    return value;
  }

  async subscribe(path: GattPath, listener: (value: Buffer) => void): Promise<void> {
    const characteristic = this.#find(path);
    const onData = (data: Buffer, isNotification?: boolean) => {
      if (isNotification !== false && !this.signal.aborted) listener(data);
    };
    // Before the subscription: the first value may come with its confirmation.
    characteristic.on('data', onData as (data: Buffer) => void);
    this.#listened.push({ characteristic, listener: onData as (data: Buffer) => void });
    await this.#operate('listening to it', (done) =>
      characteristic.subscribe((error) => done(error ?? undefined, undefined)),
    );
  }

  async query(path: GattPath, value: Buffer): Promise<void> {
    const characteristic = this.#find(path);
    await this.#operate('writing to it', (done) =>
      characteristic.write(value, false, (error) => done(error ?? undefined, undefined)),
    );
  }

  async command(permit: SendPermit, path: GattPath, value: Buffer): Promise<void> {
    const { clock, supervisionMs, operationMs, deviceName } = this.#options;
    const characteristic = this.#find(path);
    let spent = false;
    // What the device has not confirmed in this time, the radio has given up as well.
    const patienceMs = () => Math.min(operationMs, supervisionMs, permit.sendBy - clock.now());
    try {
      await this.#operate(
        'sending the command',
        (done) => {
          permit.spend();
          spent = true;
          characteristic.write(value, false, (error) => done(error ?? undefined, undefined));
        },
        patienceMs,
      );
    } catch (error) {
      if (!spent) throw error;
      throw new GatewayError(
        'outcome_unknown',
        `The connection with ${deviceName} broke while it was sent a command. It may have carried it out.`,
        { cause: error, delivery: 'maybe_sent' },
      );
    }
  }

  /** Ends the connection and waits, for a while, until it is gone. Nothing of the session works afterwards. */
  async close(): Promise<void> {
    const { peripheral, clock, stackEnded, hangUpMs } = this.#options;
    this.#end(new GatewayError('device_offline', 'The connection was ended.'));
    if (this.#connected) {
      await new Promise<void>((resolve) => {
        const timer = clock.setTimer(resolve, hangUpMs);
        void this.#gone.then(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    for (const { characteristic, listener } of this.#listened) characteristic.removeListener('data', listener);
    peripheral.removeListener('disconnect', this.#onDisconnect);
    stackEnded.removeEventListener('abort', this.#onStackEnded);
  }

  /** True once the peer is known to be gone. */
  get isGone(): boolean {
    return !this.#connected;
  }

  /** Hangs up at once: what the radio still repeats ends with the connection. */
  #end(reason: unknown): void {
    if (this.signal.aborted) return;
    this.#controller.abort(reason);
    if (!this.#connected) return;
    try {
      this.#options.peripheral.disconnect();
    } catch {
      // The stack has lost its controller meanwhile, and the handle with it.
    }
  }

  #lost(how: string): GatewayError {
    const { deviceName } = this.#options;
    return new GatewayError(
      'device_offline',
      `The Bluetooth connection with ${deviceName} was lost: ${how}. Check that it is in range and has power.`,
    );
  }

  #refused(what: string, cause: DeviceRefusal): GatewayError {
    const { deviceName } = this.#options;
    return new GatewayError(
      'device_offline',
      `${deviceName} refused what was asked over Bluetooth (${what}: ${cause.message}). Try again; if it insists on a ` +
        'bond, pair it with bluetoothctl.',
      { cause },
    );
  }

  #find(path: GattPath): Characteristic {
    this.signal.throwIfAborted();
    const characteristic = this.#services.get(path.service)?.get(path.characteristic);
    if (characteristic === undefined) {
      const { deviceName } = this.#options;
      throw new GatewayError(
        'misconfigured',
        `${deviceName} does not offer the Bluetooth characteristic ${path.characteristic}. Check that the address ` +
          'belongs to a device of this kind.',
      );
    }
    return characteristic;
  }

  #mtu(): Promise<void> {
    const { peripheral, clock } = this.#options;
    return new Promise((resolve, reject) => {
      const leave = () => {
        timer.cancel();
        peripheral.removeListener('mtu', onMtu);
        this.signal.removeEventListener('abort', onAbort);
      };
      const onMtu = () => {
        leave();
        resolve();
      };
      const onAbort = () => {
        leave();
        reject(this.signal.reason);
      };
      const timer = clock.setTimer(onMtu, MTU_PATIENCE_MS);
      peripheral.once('mtu', onMtu);
      this.signal.addEventListener('abort', onAbort, { once: true });
      if (this.signal.aborted) onAbort();
    });
  }

  /**
   * Runs one operation after those before it. One that is not answered in time ends the connection: the request
   * would block everything after it.
   */
  #operate<T>(
    what: string,
    start: (done: (error: unknown, value: T | undefined) => void) => void,
    patienceMs: () => number = () => this.#options.operationMs,
  ): Promise<T> {
    const { clock, log, deviceName, address, catalogue } = this.#options;
    const turn = this.#turn.then(
      () =>
        new Promise<T>((resolve, reject) => {
          this.signal.throwIfAborted();
          const leave = () => {
            timer.cancel();
            this.signal.removeEventListener('abort', onAbort);
          };
          const onAbort = () => {
            leave();
            reject(this.signal.reason);
          };
          const timer = clock.setTimer(
            () => {
              leave();
              catalogue.forget(address);
              log.debug({ address, what }, 'the device did not answer, and the connection is ended');
              const silence = new GatewayError(
                'device_offline',
                `${deviceName} is connected over Bluetooth but did not answer (${what}). Try again; if it keeps ` +
                  'happening, take its batteries out for a moment.',
              );
              this.#end(silence);
              reject(silence);
            },
            Math.max(0, patienceMs()),
          );
          this.signal.addEventListener('abort', onAbort, { once: true });
          try {
            start((error, value) => {
              leave();
              if (error === undefined || error === null) resolve(value as T);
              else reject(error instanceof DeviceRefusal ? this.#refused(what, error) : this.#lost(messageOf(error)));
            });
          } catch (error) {
            leave();
            reject(error);
          }
        }),
    );
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
