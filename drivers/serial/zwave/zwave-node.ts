import type { Clock, OpenContext, ZwaveLink } from '../../../src/contract/index.ts';

/** What every conversation with a node needs. */
export interface Talk {
  /** The device's name, for messages. */
  readonly name: string;
  readonly link: ZwaveLink;
  readonly clock: Clock;
  /** Aborts when the device is closed. */
  readonly closing: AbortSignal;
  readonly log: OpenContext['log'];
}

/** True when the end of a conversation was the end of the device. */
export const endedWithDevice = ({ closing }: Talk, error: unknown): boolean =>
  closing.aborted && error === closing.reason;
