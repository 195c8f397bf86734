/** How a command ends. The numbers are part of the command line's promise: scripts and the service unit read them. */
export const exitCodes = {
  ok: 0,
  /** The door did not do it, or the operation failed. */
  failed: 1,
  usage: 2,
  configuration: 3,
  /** No gateway answers, or not as one. */
  unreachable: 4,
  /** No API key, or one that may not do this. */
  unauthorized: 5,
  /** There is no such device, attempt or key, or the name fits several. */
  notFound: 6,
  /** The command was told to stop waiting; the attempt goes on. */
  pending: 7,
  /** A fault in the program. EX_SOFTWARE of sysexits.h. */
  internal: 70,
  /** Another process has the database or a port. It passes by itself: the unit tries again. EX_TEMPFAIL of sysexits.h. */
  occupied: 75,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodesInWords = `Exit codes:
  0  done
  1  the door did not do it, or the operation failed
  2  the command line was not understood
  3  the configuration cannot be used
  4  no gateway answers
  5  no API key, or one that may not do this
  6  no such device, attempt or key, or several that fit
  7  still pending when the command stopped waiting
  70 a fault in the program
  75 another process has the database or a port: try again`;

/** Ends the command with a code and a message for the person who gave it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(exitCode: keyof typeof exitCodes, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCodes[exitCode];
  }
}
