import type { Clock, Timer } from '../../contract/index.ts';

/** What became of a published message: the PUBACK and when it was read (`Clock.now()`), or nobody will ever know. */
export type Fate = { readonly reasonCode: number; readonly at: number } | 'lost';

/** The messages of one connection that the broker has not acknowledged yet. */
export class InFlight {
  readonly #clock: Clock;
  readonly #onOverdue: () => void;
  readonly #pending = new Map<number, { readonly timer: Timer | undefined; readonly settle: (fate: Fate) => void }>();
  readonly #waiting = new Set<() => void>();
  #lost = false;

  /** @param onOverdue called when a message was not acknowledged within its limit: the connection is to be reset */
  constructor(clock: Clock, onOverdue: () => void) {
    this.#clock = clock;
    this.#onOverdue = onOverdue;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Call it in the same tick as the publish. `limitMs` undefined: no limit. Never rejects. */
  add(messageId: number, limitMs: number | undefined): Promise<Fate> {
    if (this.#lost) return Promise.resolve('lost');
    const timer = limitMs === undefined ? undefined : this.#clock.setTimer(() => this.#overdue(messageId), limitMs);
    return new Promise((settle) => void this.#pending.set(messageId, { timer, settle }));
  }

  acknowledge(messageId: number, reasonCode: number): void {
    const entry = this.#pending.get(messageId);
    if (entry === undefined) return;
    this.#pending.delete(messageId);
    entry.timer?.cancel();
    entry.settle({ reasonCode, at: this.#clock.now() });
    this.#wake();
  }

  /** The connection is gone: everything still open is lost, and so is what comes later. */
  lose(): void {
    this.#lost = true;
    for (const { timer, settle } of this.#pending.values()) {
      timer?.cancel();
      settle('lost');
    }
    this.#pending.clear();
    this.#wake();
  }

  /** Resolves at the next acknowledgement or loss. */
  changed(): Promise<void> {
    return this.#lost ? Promise.resolve() : new Promise((resolve) => void this.#waiting.add(resolve));
  }

  /** A process that was held up finds its timers first and reads what came in meanwhile afterwards: look once more. */
  #overdue(messageId: number): void {
    setImmediate(() => {
      if (this.#pending.has(messageId)) this.#onOverdue();
    });
  }

  #wake(): void {
    for (const resume of this.#waiting) resume();
    this.#waiting.clear();
  }
}
