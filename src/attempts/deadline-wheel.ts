import type { Clock, Timer } from '../contract/index.ts';
import { PassingMap } from '../model/passing-map.ts';

/**
 * How far apart two deadlines may fire together, in milliseconds. A guess at what nobody notices: what must be exact
 * (no byte after `send_by`) is checked against the clock itself at the moment of sending.
 */
const tickMs = 10;

/**
 * One timer for the deadlines of all attempts: each attempt has two, nearly all of them are called off, and a timer
 * of its own for each would cost more than the rest of its life.
 */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots = new PassingMap<number, Set<Entry>>();
  #armed: { readonly tick: number; readonly timer: Timer } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `callback` at `time` on `Clock.now()` or up to one tick later; never before this call returns. */
  at(time: number, callback: () => void): Timer {
    const tick = Math.ceil(time / tickMs);
    const entry = new Entry(this.#slots, tick, callback);
    const slot = this.#slots.get(tick);
    if (slot) slot.add(entry);
    else this.#slots.set(tick, new Set([entry]));
    if (!this.#armed || tick < this.#armed.tick) this.#arm(tick);
    return entry;
  }

  /** Calls off everything. */
  close(): void {
    this.#slots.clear();
    this.#armed?.timer.cancel();
    this.#armed = undefined;
  }

  #arm(tick: number): void {
    this.#armed?.timer.cancel();
    const timer = this.#clock.setTimer(() => this.#turn(), Math.max(0, tick * tickMs - this.#clock.now()));
    this.#armed = { tick, timer };
  }

  #turn(): void {
    this.#armed = undefined;
    // Rounded up by a hair: a real clock may fire a timer a fraction of a millisecond early.
    const now = Math.floor((this.#clock.now() + 1) / tickMs);
    const due = [...this.#slots.keys()].filter((tick) => tick <= now).sort((a, b) => a - b);
    for (const tick of due) {
      const slot = this.#slots.get(tick);
      this.#slots.delete(tick);
      for (const { callback } of slot ?? []) callback();
    }
    let next: number | undefined;
    for (const tick of this.#slots.keys()) if (next === undefined || tick < next) next = tick;
    if (next !== undefined && !this.#isArmedBy(next)) this.#arm(next);
  }

  #isArmedBy(tick: number): boolean {
    return this.#armed !== undefined && this.#armed.tick <= tick;
  }
}

/** What is called at a tick, and how it is called off: one object, since every attempt has two of them. */
class Entry implements Timer {
  readonly #slots: PassingMap<number, Set<Entry>>;
  readonly #tick: number;
  readonly callback: () => void;

  constructor(slots: PassingMap<number, Set<Entry>>, tick: number, callback: () => void) {
    this.#slots = slots;
    this.#tick = tick;
    this.callback = callback;
  }

  cancel(): void {
    const slot = this.#slots.get(this.#tick);
    if (slot?.delete(this) && slot.size === 0) this.#slots.delete(this.#tick);
  }
}
