import type { Bluetoothd } from './system-bus.ts';

const ADAPTER = 'org.bluez.Adapter1';

/** Discovery, which bluetoothd knows once for each of its clients: it runs while anybody here wants it. */
export class BluezDiscovery {
  readonly #bus: Bluetoothd;
  readonly #path: string;
  #wanted = 0;
  #running = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(bus: Bluetoothd, adapterPath: string) {
    this.#bus = bus;
    this.#path = adapterPath;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Resolves once it runs. Each call is made good by one of {@link release}, also when it failed. */
  want(): Promise<void> {
    this.#wanted += 1;
    return this.#settle();
  }

  /** Resolves once it runs no more, unless others want it. */
  release(): Promise<void> {
    this.#wanted -= 1;
    return this.#settle();
  }

  #settle(): Promise<void> {
    const turn = this.#turn.then(() => this.#switch());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #switch(): Promise<void> {
    const wanted = this.#wanted > 0;
    if (wanted === this.#running) return;
    if (wanted) {
      await this.#call('SetDiscoveryFilter', 'a{sv}', {
        Transport: this.#bus.variant('s', 'le'),
        // A device that says the same again is told of again: it is how a silent one is told from one that is there.
        DuplicateData: this.#bus.variant('b', true),
      });
      await this.#call('StartDiscovery');
      this.#running = true;
    } else {
      this.#running = false;
      await this.#call('StopDiscovery');
    }
  }

  async #call(member: string, signature?: string, argument?: unknown): Promise<void> {
    await this.#bus.call({
      ...{ path: this.#path, interface: ADAPTER, member },
      ...(signature !== undefined && { signature, body: [argument] }),
    });
  }
}
