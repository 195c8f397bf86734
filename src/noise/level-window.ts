/** A stretch of known level; several samples together where they come faster than is told apart. */
interface Stretch {
  /** `Clock.now()` */
  readonly from: number;
  until: number;
  /** Sum of 10^(L/10) by milliseconds. */
  energyMs: number;
  /** How much of it is known, in milliseconds. */
  knownMs: number;
  /** dB */
  highest: number;
}

export interface AverageLevel {
  /** Energy average over the part of the span that is known, in dB: 10·lg of the mean of 10^(L/10) (ISO 1996-1). */
  readonly level: number;
  /** The highest sample that counts in it, in dB. */
  readonly highest: number;
  /** How much of the span is known, in milliseconds. */
  readonly knownMs: number;
}

/** Into how many parts a span is cut at most. Samples that come faster are added up: work and memory have a bound. */
const PARTS = 128;

/**
 * A sensor's recent levels. A sample stands until the next one, but not for longer than the sensor's usual silence:
 * after that nothing is known, which is not the same as quiet.
 */
export class LevelWindow {
  readonly #spanMs: number;
  readonly #standsForMs: number;
  readonly #finestMs: number;
  /** Oldest first. */
  readonly #stretches: Stretch[] = [];
  #last: { readonly at: number; readonly level: number } | undefined;

  constructor(spanMs: number, standsForMs: number) {
    this.#spanMs = spanMs;
    this.#standsForMs = standsForMs;
    this.#finestMs = spanMs / PARTS;
  }

  add(at: number, level: number): void {
    const last = this.#last;
    if (last !== undefined) this.#stood(last.at, Math.min(at, last.at + this.#standsForMs), last.level);
    this.#last = { at, level };
    while ((this.#stretches[0]?.until ?? at) <= at - this.#spanMs && this.#stretches.length > 0)
      this.#stretches.shift();
  }

  average(now: number): AverageLevel | undefined {
    const from = now - this.#spanMs;
    let energyMs = 0;
    let knownMs = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (const stretch of this.#stretches) {
      const length = stretch.until - stretch.from;
      const share = (Math.min(stretch.until, now) - Math.max(stretch.from, from)) / length;
      if (share <= 0) continue;
      energyMs += stretch.energyMs * share;
      knownMs += stretch.knownMs * share;
      highest = Math.max(highest, stretch.highest);
    }
    if (this.#last !== undefined) {
      const { at, level } = this.#last;
      const ms = Math.min(now, at + this.#standsForMs) - Math.max(at, from);
      // A sample of this very moment has lasted no time yet; it is known all the same once time passes.
      if (ms > 0) {
        energyMs += 10 ** (level / 10) * ms;
        knownMs += ms;
        highest = Math.max(highest, level);
      }
    }
    if (knownMs === 0) return undefined;
    return { level: 10 * Math.log10(energyMs / knownMs), highest, knownMs };
  }

  #stood(from: number, until: number, level: number): void {
    const ms = until - from;
    if (ms <= 0) return;
    const energyMs = 10 ** (level / 10) * ms;
    const newest = this.#stretches.at(-1);
    if (newest !== undefined && until - newest.from <= this.#finestMs) {
      newest.until = until;
      newest.energyMs += energyMs;
      newest.knownMs += ms;
      newest.highest = Math.max(newest.highest, level);
    } else this.#stretches.push({ from, until, energyMs, knownMs: ms, highest: level });
  }
}
