import type { Logger } from 'pino';
import {
  type Clock,
  type Device,
  GatewayError,
  type ReadContext,
  type Timer,
  type Unsubscribe,
} from '../contract/index.ts';
import type { ManagedDevice } from '../devices/managed-device.ts';

/** A read was broken off for a door command. */
export class DoorFirst extends Error {
  constructor() {
    super('a door command goes first');
  }
}

/** How long a driver may go on after its abort before its device is closed under it, in milliseconds. */
const abortPatienceMs = 1_000;

/**
 * A read that belongs to no attempt: it has a limit all the same, and a driver that ignores it loses its device, since
 * whatever comes next must not overlap. A door command does not wait for it: the read is broken off.
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
  const timers: Timer[] = [];
  let leave: Unsubscribe = () => undefined;
  const tooLate = new GatewayError(
    'device_offline',
    `${device.snapshot.name} did not say in time what it holds. Try again.`,
  );
  const hung = new Promise<'hung'>((resolve) => {
    const stop = (reason: Error) => {
      if (limit.signal.aborted) return;
      limit.abort(reason);
      timers.push(clock.setTimer(() => resolve('hung'), abortPatienceMs));
    };
    timers.push(clock.setTimer(() => stop(tooLate), limitMs));
    leave = device.lane.onDoor(() => stop(new DoorFirst()));
  });
  const work = read(device.device, { signal: limit.signal, log });
  try {
    const first = await Promise.race([work.then((result) => ({ result })), hung]);
    if (first !== 'hung') return first.result;
  } catch (error) {
    throw limit.signal.reason instanceof DoorFirst ? limit.signal.reason : error;
  } finally {
    leave();
    for (const timer of timers) timer.cancel();
  }
  work.catch((error: unknown) => log.warn({ err: error }, 'a driver that was left behind has failed'));
  await device.reopen('its driver went on reading for a second after it was told to stop');
  throw limit.signal.reason;
}
