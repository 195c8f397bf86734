import type { Clock } from '../../contract/index.ts';

export type SessionPriority = 'door' | 'code' | 'poll';

const ranks: Readonly<Record<SessionPriority, number>> = { door: 0, code: 1, poll: 2 };

interface Waiter {
  readonly rank: number;
  readonly order: number;
  readonly admit: () => void;
}

/** The reason given to whoever waited until `by`. */
export class WaitedTooLong extends Error {
  override readonly name = 'WaitedTooLong';
}

/** Admits so many at a time: doors first, then code work, then polls; in one class, in the order of arrival. */
export class SessionQueue {
  readonly #capacity: number;
  readonly #waiting = new Set<Waiter>();
  #running = 0;
  #order = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get idle(): boolean {
    return this.#running === 0 && this.#waiting.size === 0;
  }

  /** True while somebody waits who is as urgent as `priority`, or more. */
  hasWaiting(priority: SessionPriority): boolean {
    return [...this.#waiting].some(({ rank }) => rank <= ranks[priority]);
  }

  /**
   * Resolves when it is one's turn, with what ends it.
   * @throws the signal's reason; WaitedTooLong when it was not one's turn `by`
   */
  async enter(
    priority: SessionPriority,
    until: { readonly signal: AbortSignal; readonly by: number | undefined; readonly clock: Clock },
  ): Promise<() => void> {
    const { signal, by, clock } = until;
    signal.throwIfAborted();
    if (this.#running < this.#capacity) this.#running += 1;
    else
      await new Promise<void>((resolve, reject) => {
        const leave = () => {
          this.#waiting.delete(waiter);
          timer?.cancel();
          signal.removeEventListener('abort', onAbort);
        };
        const waiter: Waiter = {
          rank: ranks[priority],
          order: this.#order++,
          admit: () => {
            leave();
            resolve();
          },
        };
        const onAbort = () => {
          leave();
          reject(signal.reason);
        };
        const timer =
          by === undefined
            ? undefined
            : clock.setTimer(
                () => {
                  leave();
                  reject(new WaitedTooLong('others kept the adapter busy'));
                },
                Math.max(0, by - clock.now()),
              );
        signal.addEventListener('abort', onAbort, { once: true });
        this.#waiting.add(waiter);
      });
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#admitNext();
    };
  }

  #admitNext(): void {
    let next: Waiter | undefined;
    for (const waiter of this.#waiting)
      if (next === undefined || waiter.rank < next.rank || (waiter.rank === next.rank && waiter.order < next.order))
        next = waiter;
    // The place passes on without becoming free in between: nobody who comes now may overtake.
    if (next === undefined) this.#running -= 1;
    else next.admit();
  }
}
