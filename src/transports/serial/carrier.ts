import type { Logger } from 'pino';
import type { Clock, LinkState, Timer } from '../../contract/index.ts';

/** Why a port could not be opened, or was lost. */
export type PortFault = 'port_missing' | 'port_busy' | 'port_forbidden' | 'port_unusable' | 'port_lost';

/** `message` says what happened to which port and what to do next. */
export class PortError extends Error {
  override readonly name = 'PortError';
  readonly fault: PortFault;

  constructor(fault: PortFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** What an open port tells. Both may be called at any time after `open` was called. */
export interface PortEvents {
  bytes(bytes: Buffer): void;
  /** The port is gone. It may be said more than once. */
  lost(error: PortError): void;
}

export interface OpenPort {
  /**
   * Hands the bytes over before it returns; resolves when they have left the machine, as far as it can tell.
   * @throws PortError
   */
  write(bytes: Buffer): Promise<void>;
  /** Throws away what was written and has not left, and what was received and not told yet. */
  flush(): Promise<void>;
  /** Calling it again does nothing. */
  close(): Promise<void>;
}

/** What a bus runs over: a tty, or in tests and the demo a line in this process. */
export interface SerialCarrier {
  /** The path, for messages. */
  readonly path: string;
  /** @throws PortError */
  open(events: PortEvents): Promise<OpenPort>;
}

/** An adapter that was pulled and put back is found again within this time, in milliseconds. */
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2000;

export interface PortSupervisorOptions {
  readonly carrier: SerialCarrier;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  onBytes(bytes: Buffer): void;
  /** After each change; the port may be used as soon as the state is up. */
  onChange(state: LinkState): void;
}

/** Keeps one port open: opens it, notices once that it is gone, and opens it again for as long as it takes. */
export class PortSupervisor {
  readonly #options: PortSupervisorOptions;
  #state: LinkState = { status: 'down', reason: 'not_opened', hint: 'The serial port has not been opened yet.' };
  #port: OpenPort | undefined;
  #failures = 0;
  #reopened = 0;
  #wasOpen = false;
  #retry: Timer | undefined;
  #opening: Promise<void> | undefined;
  #closed = false;

  constructor(options: PortSupervisorOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The open port, undefined while there is none. */
  get port(): OpenPort | undefined {
    return this.#port;
  }

  /** How often the port was opened again after it had been lost. */
  get reopened(): number {
    return this.#reopened;
  }

  /** Does not wait for the port. */
  start(): void {
    if (this.#closed || this.#opening || this.#port) return;
    this.#opening = this.#open().finally(() => {
      this.#opening = undefined;
    });
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#retry?.cancel();
      const port = this.#port;
      this.#port = undefined;
      this.#change({ status: 'down', reason: 'closed', hint: 'The gateway has closed the serial port.' });
      await port?.close();
    }
    await this.#opening;
  }

  async #open(): Promise<void> {
    const { carrier, log, onBytes } = this.#options;
    // What is lost is this opening of the port: a second report, or one of an earlier opening, changes nothing.
    let lost: PortError | undefined;
    let port: OpenPort | undefined;
    const onLost = (error: PortError) => {
      if (lost) return;
      lost = error;
      if (port === undefined || this.#port !== port) return;
      this.#port = undefined;
      void port.close();
      log.warn({ path: carrier.path, cause: causeOf(error) }, error.message);
      this.#retryLater(error);
    };
    try {
      port = await carrier.open({
        bytes: (bytes) => {
          if (!lost && !this.#closed) onBytes(bytes);
        },
        lost: onLost,
      });
    } catch (error) {
      const fault = asPortError(carrier.path, error);
      if (this.#failures === 0) log.warn({ path: carrier.path, cause: causeOf(fault) }, fault.message);
      this.#retryLater(fault);
      return;
    }
    if (this.#closed || lost) {
      await port.close();
      if (lost) this.#retryLater(lost);
      return;
    }
    this.#port = port;
    this.#failures = 0;
    if (this.#wasOpen) this.#reopened++;
    this.#wasOpen = true;
    log.info({ path: carrier.path }, `serial port ${carrier.path} is open`);
    this.#change({ status: 'up' });
  }

  #retryLater(fault: PortError): void {
    if (this.#closed) return;
    const { clock, random } = this.#options;
    const pause = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    // Jitter keeps several ports of one hub from coming back in step; it never makes the pause longer than stated.
    this.#retry = clock.setTimer(() => this.start(), pause * (0.75 + random() / 4));
    this.#change({ status: 'down', reason: fault.fault, hint: fault.message });
  }

  #change(state: LinkState): void {
    if (state.status === this.#state.status && reasonOf(state) === reasonOf(this.#state)) return;
    this.#state = state;
    this.#options.onChange(state);
  }
}

const reasonOf = (state: LinkState) => (state.status === 'down' ? state.reason : undefined);

const causeOf = (error: PortError) => (error.cause instanceof Error ? error.cause.message : undefined);

function asPortError(path: string, error: unknown): PortError {
  if (error instanceof PortError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new PortError('port_unusable', `The serial port ${path} cannot be used: ${text}.`, { cause: error });
}
