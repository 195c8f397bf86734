import type { Logger } from 'pino';
import { type Clock, type Device, GatewayError, type ReadContext } from '../contract/index.ts';
import type { ManagedDevice } from '../devices/managed-device.ts';

/** A read was broken off for a door command. */
export class DoorFirst extends Error {
  constructor() {
    super('a door command goes first');
  }
}

/**
 * A read that belongs to no attempt: it has a limit all the same. A door command does not wait for it: the read is
 * broken off.
 *
 * @throws DoorFirst when a door command came; the read is to be begun again after it
 * @throws GatewayError `device_offline` when the limit passed
 */
export async function patientRead<T>(
  device: ManagedDevice,
  { clock, log, limitMs }: { readonly clock: Clock; readonly log: Logger; readonly limitMs: number },
  read: (opened: Device, ctx: ReadContext) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const tooLate = new GatewayError(
    'device_offline',
    `${device.snapshot.name} did not say in time what it holds. Try again.`,
  );
  const timer = clock.setTimer(() => limit.abort(tooLate), limitMs);
  const leave = device.lane.onDoor(() => limit.abort(new DoorFirst()));
  try {
    return await device.use(limit.signal, (opened) => read(opened, { signal: limit.signal, log }));
  } catch (error) {
    throw limit.signal.reason instanceof DoorFirst ? limit.signal.reason : error;
  } finally {
    leave();
    timer.cancel();
  }
}
