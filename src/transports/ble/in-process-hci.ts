import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

/** The host's end of a controller that lives in this process. */
export interface HciPort {
  /** Takes bytes for the controller, H4. */
  write(bytes: Uint8Array): void;
  /** Lets go of the controller. Nothing is delivered afterwards. */
  close(): void;
}

/** Makes the host's end of a controller. */
export type OpenHciPort = (to: {
  /** One whole H4 packet for the host. */
  readonly packet: (packet: Buffer) => void;
  /** The controller is gone, as a dongle that was pulled. */
  readonly gone: () => void;
}) => HciPort;

/** The `hciDriver` under which noble and bleno find it; `bindParams` is {@link InProcessBinding}. */
export const IN_PROCESS_DRIVER = 'in-process';

export interface InProcessBinding {
  readonly open: OpenHciPort;
}

interface HciSocketModule {
  loadDriver(name: string): unknown;
}

/**
 * What noble and bleno know as an HCI socket, over a port in this process. Packets are delivered in microtasks of
 * their own: the stacks do not expect an answer before their write returned, and a test's clock sees no time pass.
 */
class InProcessHciSocket extends EventEmitter {
  #port: HciPort | undefined;
  #up = false;

  setFilter(): void {}

  reset(): void {}

  /** bleno opens a management socket for each connection; there is nothing to manage here. */
  bindControl(): void {}

  bindRaw(_index: unknown, binding: InProcessBinding): void {
    this.#port = binding.open({
      packet: (packet) =>
        queueMicrotask(() => {
          if (this.#up) this.emit('data', packet);
        }),
      gone: () => {
        this.#up = false;
        queueMicrotask(() => this.emit('state', false));
      },
    });
  }

  bindUser(index: unknown, binding: InProcessBinding): void {
    this.bindRaw(index, binding);
  }

  start(): void {
    this.#up = this.#port !== undefined;
  }

  isDevUp(): boolean {
    return this.#up;
  }

  getDeviceList(): readonly unknown[] {
    return [];
  }

  write(bytes: Uint8Array): void {
    const port = this.#port;
    queueMicrotask(() => port?.write(bytes));
  }

  stop(): void {
    this.#up = false;
    const port = this.#port;
    this.#port = undefined;
    // After what was written before.
    queueMicrotask(() => port?.close());
  }
}

const isHooked = Symbol.for('strikeplate.in-process-hci');

/**
 * Teaches the HCI socket library below noble and bleno one more driver. Both pick their driver by name through
 * `loadDriver` of the same CommonJS module and take the function when they are first loaded, so this must run before.
 * The stacks themselves stay as published.
 *
 * @param stack the package whose HCI socket library is meant
 * @throws what loading the library throws, where it has no binary for this platform
 */
export function installInProcessDriver(stack: '@stoprocent/noble' | '@stoprocent/bleno'): void {
  const own = createRequire(import.meta.url);
  const library: HciSocketModule & { [isHooked]?: boolean } = createRequire(own.resolve(stack))(
    '@stoprocent/bluetooth-hci-socket',
  );
  if (library[isHooked] === true) return;
  const load = library.loadDriver;
  library.loadDriver = (name) => (name === IN_PROCESS_DRIVER ? InProcessHciSocket : load(name));
  library[isHooked] = true;
}
