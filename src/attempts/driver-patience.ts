import type { Logger } from 'pino';
import type { Clock, Timer } from '../contract/index.ts';
import type { ManagedDevice } from '../devices/managed-device.ts';
import type { Attempt } from './attempt.ts';

/** How long a driver may go on after its abort before its device is closed under it, in milliseconds. */
const abortPatienceMs = 1_000;

/**
 * Waits for a driver, but not for ever: one that ignores its abort loses its device, since two commands must never
 * overlap on one.
 */
export async function awaitDriver<T>(
  work: Promise<T>,
  attempt: Attempt,
  device: ManagedDevice,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<T> {
  attempt.driverAtWork = true;
  let patience: Timer | undefined;
  let stopListening = () => {};
  const hung = new Promise<'hung'>((resolve) => {
    stopListening = attempt.onAbort(() => {
      patience = clock.setTimer(() => resolve('hung'), abortPatienceMs);
    });
  });
  try {
    const first = await Promise.race([work.then((result) => ({ result })), hung]);
    if (first !== 'hung') return first.result;
  } finally {
    attempt.driverAtWork = false;
    stopListening();
    patience?.cancel();
  }
  work.catch((error: unknown) => log.warn({ err: error }, 'a driver that was left behind has failed'));
  await device.reopen('its driver went on for a second after it was told to stop');
  throw attempt.signal.reason;
}
