import { GatewayError, type SerialLink } from '../../../src/contract/index.ts';
import { ACKNOWLEDGE, DEVICE_BUSY, exceptionName, isSettingsFault } from './exceptions.ts';
import type { ModbusRequest } from './requests.ts';

export interface Asking {
  /** The device's name as people know it. */
  readonly name: string;
  readonly priority: 'door' | 'poll';
  /** As {@link SerialQueryOptions.since}. */
  readonly since?: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * Reads something that cannot act.
 * @throws GatewayError, always `not_sent`: `link_unavailable`, `device_offline` when no usable answer came,
 * `misconfigured` when the unit has no such thing, `device_busy`. The signal's reason when it aborts.
 */
export async function ask<T>(link: SerialLink, request: ModbusRequest<T>, asking: Asking): Promise<T> {
  const { name, priority, since, signal } = asking;
  const reply = await link
    .query(request, { priority, signal, ...(since !== undefined && { since }) })
    .catch((error: unknown) => {
      throw signal.aborted ? error : named(error, name);
    });
  if (reply.ok) return reply.value;
  const { exception } = reply;
  const said = `${name}: unit ${link.unit} answered a read with ${exceptionName(exception)}.`;
  const not_sent = { delivery: 'not_sent' } as const;
  if (isSettingsFault(exception))
    throw new GatewayError('misconfigured', `${said} Its settings do not fit: check the profile and the address.`);
  if (exception === ACKNOWLEDGE || exception === DEVICE_BUSY)
    throw new GatewayError('device_busy', `${said} It is busy; try again in a moment.`, not_sent);
  throw new GatewayError('device_offline', `${said} Check the unit, and whatever stands between it and the line.`);
}

/** The same error with the device's name before its message. */
export function named(error: unknown, name: string): unknown {
  if (!(error instanceof GatewayError)) return error;
  const { type, delivery, message } = error;
  return new GatewayError(type, `${name}: ${message}`, { delivery, cause: error });
}
