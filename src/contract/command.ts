import type { Logger } from 'pino';
import type { SendPermit } from './links.ts';
import type { WeighedMessage } from './weighed-message.ts';

/** What a read gets: the signal aborts when nobody waits for the answer any more. */
export interface ReadContext {
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * What a command gets. Two moments on the monotonic clock bound it: no byte that can act leaves after `sendBy`, and
 * the truth is told by `deadline`. The signal aborts at `deadline` at the latest.
 */
export interface CommandContext extends ReadContext {
  readonly attemptId: string;
  /** Milliseconds on `Clock.now()`. */
  readonly sendBy: number;
  /** Milliseconds on `Clock.now()`. */
  readonly deadline: number;
  /**
   * Call it immediately before the first byte that can act, after everything that can be prepared was prepared
   * (connected, authenticated, challenge fetched). Resolves once the intent is on disk and the command may still go.
   *
   * A door command gets one permit per try. A code command asks again for each write.
   * @throws GatewayError `expired`, `superseded` (`not_sent`), or the abort's reason
   */
  pointOfNoReturn(): Promise<SendPermit>;
  /** A message was weighed for this command: it is kept with the attempt. The evidence kit of `driver-kit` calls it. */
  weighed?(message: WeighedMessage): void;
}

/** A code or threshold command: long work that lets doors pass. */
export interface CodeCommandContext extends CommandContext {
  /**
   * Call it between two wire steps, at least every 2 s of wire time: a waiting door command runs meanwhile.
   * Resolves when the device is this command's again.
   */
  letDoorsPass(): Promise<void>;
}
