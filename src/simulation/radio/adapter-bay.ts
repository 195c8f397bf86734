import type { Air } from './air.ts';
import type { Controller } from './controller.ts';

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
