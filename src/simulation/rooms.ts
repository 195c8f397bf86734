import type { Timer } from '../contract/index.ts';
import type { SimulationContext } from './simulator.ts';

/** A room whose level wanders about its usual one, and in which somebody can be loud. */
export class Room {
  readonly #hear: (level: number) => void;
  readonly #usual: number;
  /** By how much it wanders, in dB from end to end, and how often, in milliseconds. */
  readonly #wanders: { readonly by: number; readonly everyMs: number };
  readonly #ctx: SimulationContext;
  #timer: Timer | undefined;
  #loud: { readonly level: number; readonly until: number } | undefined;
  #isHeard = true;

  constructor(
    usual: number,
    wanders: { readonly by: number; readonly everyMs: number },
    ctx: SimulationContext,
    hear: (level: number) => void,
  ) {
    this.#usual = usual;
    this.#wanders = wanders;
    this.#ctx = ctx;
    this.#hear = hear;
  }

  /** Begins, and goes on until it is closed. */
  wander(): void {
    this.#timer?.cancel();
    const { clock, random } = this.#ctx;
    if (this.#loud !== undefined && clock.now() >= this.#loud.until) this.#loud = undefined;
    if (this.#isHeard) this.#hear(this.#loud?.level ?? this.#usual + (random() - 0.5) * this.#wanders.by);
    this.#timer = clock.setTimer(() => this.wander(), this.#wanders.everyMs);
  }

  makeNoise(level: number, ms: number): void {
    this.#loud = { level, until: this.#ctx.clock.now() + ms };
    this.wander();
  }

  /** Whether its sensor says anything. */
  listen(isHeard: boolean): void {
    this.#isHeard = isHeard;
    if (isHeard) this.wander();
  }

  reset(): void {
    this.#loud = undefined;
    this.listen(true);
  }

  close(): void {
    this.#timer?.cancel();
  }
}
