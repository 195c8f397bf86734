import type { Clock, Timer } from '../contract/index.ts';

interface Waiter<Event> {
  readonly resolve: (event: Event | undefined) => void;
  readonly reject: (reason: unknown) => void;
  /** `Clock.now()` */
  readonly until: number;
}

export interface MailboxOptions {
  /** What came before a signal aborted can still be taken: on a connection that has ended, say. Default false. */
  readonly keepsRest?: boolean;
}

/**
 * What happened, in order, for one session to take at its own pace. It ends, with every wait, as soon as one of
 * its signals aborts.
 */
export class Mailbox<Event> {
  readonly #clock: Clock;
  readonly #signals: readonly AbortSignal[];
  readonly #queue: Event[] = [];
  #waiter: Waiter<Event> | undefined;
  /** Outlives the waits that end before it: most of them do. */
  #alarm: { readonly at: number; readonly timer: Timer } | undefined;
  #abandon: (reason: unknown) => void = () => undefined;
  /** Made when somebody waits for something else. */
  #abandoned: Promise<never> | undefined;
  readonly #keepsRest: boolean;
  #failure: { readonly error: unknown } | undefined;

  constructor(clock: Clock, signals: readonly AbortSignal[], { keepsRest = false }: MailboxOptions = {}) {
    this.#clock = clock;
    this.#keepsRest = keepsRest;
    this.#signals = signals;
    for (const signal of signals) signal.addEventListener('abort', this.#onAbort);
  }

  push(event: Event): void {
    if (this.#waiter === undefined) this.#queue.push(event);
    else this.#endWait()?.resolve(event);
  }

  /** Nothing comes any more that could be understood: who takes what is left gets this error then. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#endAlarm();
    this.#endWait()?.reject(error);
  }

  /** Forgets what has not been taken, or of that what `is`. */
  clear(is: (event: Event) => boolean = () => true): void {
    if (this.#queue.length === 0) return;
    const kept = this.#queue.filter((event) => !is(event));
    this.#queue.splice(0, this.#queue.length, ...kept);
  }

  /**
   * The next event, or undefined at `until` (`Clock.now()`).
   * @throws the reason of the signal that aborted, or what it failed with
   */
  next(until: number): Promise<Event | undefined> {
    const aborted = abortedOf(this.#signals);
    if (aborted !== undefined && !this.#keepsRest) return Promise.reject(aborted.reason);
    const event = this.#queue.shift();
    if (event !== undefined) return Promise.resolve(event);
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (aborted !== undefined) return Promise.reject(aborted.reason);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject, until };
      if (this.#alarm === undefined || this.#alarm.at > until) this.#setAlarm(until);
    });
  }

  #setAlarm(at: number): void {
    this.#endAlarm();
    this.#alarm = { at, timer: this.#clock.setTimer(() => this.#rang(at), at - this.#clock.now()) };
  }

  #endAlarm(): void {
    this.#alarm?.timer.cancel();
    this.#alarm = undefined;
  }

  #rang(at: number): void {
    this.#alarm = undefined;
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    if (waiter.until > at) this.#setAlarm(waiter.until);
    else this.#endWait()?.resolve(undefined);
  }

  /** @returns who waited, to be told */
  #endWait(): Waiter<Event> | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    return waiter;
  }

  /** Waits for something else, but no longer than the signals allow. */
  whileOpen<T>(work: Promise<T>): Promise<T> {
    if (this.#abandoned === undefined) {
      this.#abandoned = new Promise((_, reject) => {
        this.#abandon = reject;
      });
      // Whoever waits hears of it; nobody has to.
      this.#abandoned.catch(() => undefined);
      const aborted = abortedOf(this.#signals);
      if (aborted !== undefined) this.#abandon(aborted.reason);
    }
    return Promise.race([work, this.#abandoned]);
  }

  close(): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onAbort);
    this.#endAlarm();
    this.clear();
  }

  readonly #onAbort = () => {
    const reason = abortedOf(this.#signals)?.reason;
    this.#abandon(reason);
    this.#endAlarm();
    this.#endWait()?.reject(reason);
  };
}

function abortedOf(signals: readonly AbortSignal[]): AbortSignal | undefined {
  for (const signal of signals) if (signal.aborted) return signal;
  return undefined;
}
