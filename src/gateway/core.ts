import type { Logger } from 'pino';
import { AttemptBook } from '../attempts/attempt-book.ts';
import { DeadlineWheel } from '../attempts/deadline-wheel.ts';
import { Dispatcher } from '../attempts/dispatcher.ts';
import { DoorCommands } from '../attempts/doors.ts';
import { recover, type SubjectRecovery } from '../attempts/recovery.ts';
import type { Clock } from '../contract/index.ts';
import { DeviceRegistry } from '../devices/device-registry.ts';
import type { ManagedDeviceOptions } from '../devices/managed-device.ts';
import type { Store } from '../store/store.ts';

export interface CoreOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  readonly random: () => number;
  /** UUIDv7 */
  readonly newId: () => string;
  readonly devices: readonly ManagedDeviceOptions[];
}

/** Attempts, devices and doors, put together: what everything else in the process calls. */
export class Core {
  readonly registry: DeviceRegistry;
  readonly book: AttemptBook;
  readonly dispatcher: Dispatcher;
  readonly doors: DoorCommands;
  readonly #options: CoreOptions;
  readonly #wheel: DeadlineWheel;

  constructor(options: CoreOptions) {
    this.#options = options;
    this.registry = new DeviceRegistry(options.devices);
    this.book = new AttemptBook(options.store);
    this.#wheel = new DeadlineWheel(options.clock);
    this.dispatcher = new Dispatcher({ ...options, registry: this.registry, book: this.book, wheel: this.#wheel });
    this.doors = new DoorCommands(this.registry, this.dispatcher);
  }

  /** Opens the devices and ends what an earlier run left pending; nothing of that is ever dispatched. */
  async start(ofSubject: SubjectRecovery = () => ({})): Promise<void> {
    await this.registry.open();
    recover({ ...this.#options, registry: this.registry, dispatcher: this.dispatcher, ofSubject });
  }

  /** @param patienceMs how long commands that were sent may go on looking for their outcome */
  async stop(patienceMs: number): Promise<void> {
    await this.dispatcher.stop(patienceMs);
    this.#wheel.close();
    await this.registry.close();
  }
}
