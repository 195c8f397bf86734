import type { Clock, Health, Link, OpenContext, Timer, Unsubscribe } from '../contract/index.ts';

export interface LinkWatchOptions {
  readonly link: Link;
  readonly clock: Clock;
  /** Told that what was heard before and what is heard later do not join up, and when the way is open again. */
  readonly book: { gap(): void; reachable(): void };
  /** What is there says so within this time, in milliseconds. */
  readonly patienceMs: number;
  onChange(): void;
}

/** Whether the way to a device is open, and whether it has been for so long that the device should have been heard. */
export class LinkWatch {
  readonly #options: LinkWatchOptions;
  readonly #unsubscribe: Unsubscribe;
  #patience: Timer | undefined;
  #isOverdue = false;

  constructor(options: LinkWatchOptions) {
    this.#options = options;
    this.#unsubscribe = options.link.onStateChange(() => this.#changed());
    if (options.link.state.status === 'up') this.#wait();
  }

  /** The way was open for all of the patience. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  close(): void {
    this.#unsubscribe();
    this.#patience?.cancel();
  }

  #changed(): void {
    const { link, book, onChange } = this.#options;
    this.#patience?.cancel();
    this.#isOverdue = false;
    if (link.state.status === 'up') {
      book.reachable();
      this.#wait();
    } else book.gap();
    onChange();
  }

  #wait(): void {
    const { clock, patienceMs, onChange } = this.#options;
    this.#patience = clock.setTimer(() => {
      this.#isOverdue = true;
      onChange();
    }, patienceMs);
  }
}

/** Tells the gateway a device's health, each time it is another one. */
export function healthTeller(ctx: Pick<OpenContext, 'report'>): (health: Health) => void {
  let last: string | undefined;
  return (health) => {
    const text = JSON.stringify(health);
    if (text === last) return;
    last = text;
    ctx.report({ kind: 'health', health });
  };
}
