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
