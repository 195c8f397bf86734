interface Sample {
  /** `Clock.now()` */
  readonly at: number;
  /** dB */
  readonly level: number;
}

export interface AverageLevel {
  /** Energy average over the part of the span that is known, in dB: 10·lg of the mean of 10^(L/10) (ISO 1996-1). */
  readonly level: number;
  /** The highest sample that counts in it, in dB. */
  readonly highest: number;
  /** How much of the span is known, in milliseconds. */
  readonly knownMs: number;
}

/**
 * A sensor's recent levels. A sample stands until the next one, but not for longer than the sensor's usual silence:
 * after that nothing is known, which is not the same as quiet.
 */
export class LevelWindow {
  readonly #spanMs: number;
  readonly #standsForMs: number;
  readonly #samples: Sample[] = [];

  constructor(spanMs: number, standsForMs: number) {
    this.#spanMs = spanMs;
    this.#standsForMs = standsForMs;
  }

  add(at: number, level: number): void {
    this.#samples.push({ at, level });
    const oldest = at - this.#spanMs - this.#standsForMs;
    while ((this.#samples[0]?.at ?? at) < oldest) this.#samples.shift();
  }

  /** When the last sample came, on `Clock.now()`. */
  get lastAt(): number | undefined {
    return this.#samples.at(-1)?.at;
  }

  average(now: number): AverageLevel | undefined {
    const from = now - this.#spanMs;
    let energy = 0;
    let knownMs = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (const [index, { at, level }] of this.#samples.entries()) {
      const until = Math.min(this.#samples[index + 1]?.at ?? now, at + this.#standsForMs, now);
      const ms = until - Math.max(at, from);
      // A sample of this very moment has lasted no time yet; it is known all the same once time passes.
      if (ms <= 0) continue;
      energy += 10 ** (level / 10) * ms;
      knownMs += ms;
      highest = Math.max(highest, level);
    }
    if (knownMs === 0) return undefined;
    return { level: 10 * Math.log10(energy / knownMs), highest, knownMs };
  }
}
