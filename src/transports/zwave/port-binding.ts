import type { Driver } from 'zwave-js';

/** What zwave-js may take instead of the path of a port. */
export type PortFactory = Extract<ConstructorParameters<typeof Driver>[0], () => unknown>;

/** An open port, in whose place a test or a simulation may be. */
export interface StickPort {
  /** Rejects when the port is gone. */
  write(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** Where a stick is plugged in. */
export interface StickSocket {
  /** The path, for messages. */
  readonly path: string;
  /** @throws Error with a message for people */
  open(events: { bytes(bytes: Buffer): void; lost(error: Error): void }): Promise<StickPort>;
}

/**
 * The gateway's hand on the bytes between zwave-js and a stick. It opens once: where zwave-js would open the port
 * again and go on with what it had queued, the whole of it is started anew instead. Once shut, nothing leaves.
 */
export class StickGate {
  readonly #lost: (error: Error) => void;
  #port: StickPort | undefined;
  #receive: ((bytes: Buffer) => void) | undefined;
  readonly #early: Buffer[] = [];
  #shut = false;

  constructor(lost: (error: Error) => void) {
    this.#lost = lost;
  }

  /** @throws Error as the socket does */
  async open(socket: StickSocket): Promise<void> {
    this.#port = await socket.open({
      bytes: (bytes) => this.#take(bytes),
      lost: (error) => {
        if (this.#shut) return;
        this.shut();
        this.#lost(error);
      },
    });
  }

  /** From now on no byte leaves, whatever zwave-js still has in hand. */
  shut(): void {
    this.#shut = true;
  }

  async close(): Promise<void> {
    this.shut();
    this.#receive = undefined;
    await this.#port?.close();
  }

  /** For zwave-js. */
  readonly factory: PortFactory = async () => {
    if (this.#shut || this.#receive !== undefined) throw new Error('the port is opened once');
    return {
      source: {
        start: (controller) => {
          this.#receive = (bytes) => {
            try {
              controller.enqueue(Uint8Array.from(bytes));
            } catch {
              // The stream was closed while bytes were on their way.
            }
          };
          for (const bytes of this.#early.splice(0)) this.#receive(bytes);
        },
      },
      sink: {
        write: async (bytes) => {
          if (this.#shut || this.#port === undefined) throw new Error('the port is closed');
          try {
            await this.#port.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
          } catch (error) {
            this.shut();
            this.#lost(error as Error);
            throw error;
          }
        },
      },
    };
  };

  #take(bytes: Buffer): void {
    if (this.#shut) return;
    if (this.#receive === undefined) this.#early.push(bytes);
    else this.#receive(bytes);
  }
}
