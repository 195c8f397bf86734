/** A timer that was armed and can be called off. Calling `cancel` after it fired does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as an argument. Everything that decides when a door moves takes its time from here, so that a test can own
 * a whole history.
 */
export interface Clock {
  /** Milliseconds on a monotonic clock: only differences mean anything. */
  now(): number;
  /** Milliseconds since the Unix epoch: for people and schedules, never for deadlines. It may jump. */
  wallTime(): number;
  /** Calls `callback` once, `ms` milliseconds from now, never before this call returns. */
  setTimer(callback: () => void, ms: number): Timer;
}

/** Resolves after `ms` on `clock`; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Resolves or rejects as `promise` does, unless the signal aborts first; what comes of the promise then is nobody's.
 * @throws the signal's reason as soon as it aborts
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
