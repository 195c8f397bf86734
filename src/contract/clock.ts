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

/** A timer that comes so late was called by a process that stood still, in milliseconds. A guess: more than a busy loop takes. */
const LATE_MS = 250;
/** What such a process is given to hear what came meanwhile, in milliseconds, and how often. A guess. */
const HEARING_MS = 500;
const HEARINGS = 4;

/**
 * Calls `callback` when nothing was heard for `ms`: for whoever would cancel it on hearing something. Timers are called
 * before what lies in the sockets is read; a process that stood still has therefore not listened, and listens first.
 */
export function afterSilence(clock: Clock, callback: () => void, ms: number): Timer {
  let timer: Timer;
  const wait = (pause: number, hearings: number): void => {
    const due = clock.now() + pause;
    timer = clock.setTimer(() => {
      if (clock.now() - due < LATE_MS || hearings === 0) callback();
      else wait(HEARING_MS, hearings - 1);
    }, pause);
  };
  wait(ms, HEARINGS);
  return { cancel: () => timer.cancel() };
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
