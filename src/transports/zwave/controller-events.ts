import type { Driver } from 'zwave-js';
import { GatewayError } from '../../contract/index.ts';
import type { ZwaveLibrary } from './library.ts';

/** A stick that is open, for as long as it is. */
export interface OpenStick {
  readonly driver: Driver;
  readonly library: ZwaveLibrary;
  /** Aborts when it is lost. */
  readonly lost: AbortSignal;
}

interface Emitter {
  on(event: never, listener: never): unknown;
  off(event: never, listener: never): unknown;
}

/** Listens until `until` aborts. */
export function listen<Args extends readonly never[] | readonly unknown[]>(
  emitter: Emitter,
  event: string,
  listener: (...args: Args) => void,
  until: AbortSignal,
): void {
  emitter.on(event as never, listener as never);
  until.addEventListener('abort', () => emitter.off(event as never, listener as never), { once: true });
}

/** Calls back when `signal` aborts, at once when it has, unless `until` aborts before. */
export function onceAborted(signal: AbortSignal, callback: () => void, until: AbortSignal): void {
  if (signal.aborted) callback();
  else signal.addEventListener('abort', callback, { once: true, signal: until });
}

export const rejectOn = (signal: AbortSignal, reject: (error: unknown) => void, until: AbortSignal): void =>
  onceAborted(signal, () => reject(signal.reason), until);

export const busy = (): GatewayError =>
  new GatewayError('device_busy', 'The stick is busy with another inclusion or exclusion. Try again in a minute.');

/** What the stick said no to, in words; the library's own may name keys. */
export function stickRefused(error: unknown, sentence: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const { code } = (error ?? {}) as { readonly code?: unknown };
  const said = typeof code === 'number' ? ` (zwave-js ${code})` : '';
  return new GatewayError('device_rejected', `${sentence}${said}.`, { cause: error });
}
