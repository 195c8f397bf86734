import type { Logger } from 'pino';
import { type Clock, type Device, GatewayError, type ReadContext, type Timer } from '../contract/index.ts';
import type { ManagedDevice } from '../devices/managed-device.ts';

/** How long a driver may go on after its abort before its device is closed under it, in milliseconds. */
const abortPatienceMs = 1_000;

/**
 * A read that belongs to no attempt: it has a limit all the same, and a driver that ignores it loses its device, since
 * whatever comes next must not overlap.
 *
 * @throws GatewayError `device_offline` when the limit passed
 */
export async function patientRead<T>(
  device: ManagedDevice,
  { clock, log, limitMs }: { readonly clock: Clock; readonly log: Logger; readonly limitMs: number },
  read: (opened: Device, ctx: ReadContext) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const timers: Timer[] = [];
  const tooLate = new GatewayError(
    'device_offline',
    `${device.snapshot.name} did not say in time what it holds. Try again.`,
  );
  const hung = new Promise<'hung'>((resolve) => {
    timers.push(
      clock.setTimer(() => limit.abort(tooLate), limitMs),
      clock.setTimer(() => resolve('hung'), limitMs + abortPatienceMs),
    );
  });
  const work = read(device.device, { signal: limit.signal, log });
  try {
    const first = await Promise.race([work.then((result) => ({ result })), hung]);
    if (first !== 'hung') return first.result;
  } finally {
    for (const timer of timers) timer.cancel();
  }
  work.catch((error: unknown) => log.warn({ err: error }, 'a driver that was left behind has failed'));
  await device.reopen('its driver went on reading for a second after it was told to stop');
  throw tooLate;
}
