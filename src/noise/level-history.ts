/** How far back a sensor's levels can be looked at, minute by minute. */
export const historyMinutes = 1_440;
/** The same, hour by hour: a week, and the day under way. */
export const historyHours = 8 * 24;

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;

/** One minute, or hour, of a sensor. One of which nothing is known has none: that is not the same as a quiet one. */
export interface LevelMinute {
  /** Milliseconds since the Unix epoch. */
  readonly startsAt: number;
  /** Energy average over what is known of it, in dB (ISO 1996-1). */
  readonly level: number;
  /** The highest sample, in dB. */
  readonly highest: number;
  /** How much of it is known, in milliseconds. */
  readonly knownMs: number;
}

/** A sensor's levels in equal spans of time, in a fixed amount of memory. */
export class LevelHistory {
  readonly #spans: number;
  readonly #spanMs: number;
  /** Spans since the Unix epoch; which one a place holds. */
  readonly #numbers: Float64Array;
  readonly #energyMs: Float64Array;
  readonly #knownMs: Float64Array;
  readonly #highest: Float64Array;

  constructor({ spans, spanMs }: { readonly spans: number; readonly spanMs: number }) {
    this.#spans = spans;
    this.#spanMs = spanMs;
    this.#numbers = new Float64Array(spans).fill(-1);
    this.#energyMs = new Float64Array(spans);
    this.#knownMs = new Float64Array(spans);
    this.#highest = new Float64Array(spans);
  }

  /** A day, minute by minute. */
  static ofDay(): LevelHistory {
    return new LevelHistory({ spans: historyMinutes, spanMs: minuteMs });
  }

  /** A week, hour by hour. */
  static ofWeek(): LevelHistory {
    return new LevelHistory({ spans: historyHours, spanMs: hourMs });
  }

  /** Takes in that a level stood from a wall time on, for so many milliseconds. */
  stood(from: number, ms: number, level: number): void {
    const until = from + ms;
    for (let at = from; at < until; ) {
      const number = Math.floor(at / this.#spanMs);
      const end = Math.min(until, (number + 1) * this.#spanMs);
      this.#add(number, end - at, level, level);
      at = end;
    }
  }

  /** Takes back in what was kept over a restart. */
  restore({ startsAt, level, highest, knownMs }: LevelMinute): void {
    this.#add(Math.floor(startsAt / this.#spanMs), knownMs, level, highest);
  }

  /**
   * Oldest first: the spans that begin within `[from, until)` and of which something is known.
   * @param from milliseconds since the Unix epoch
   */
  between(from: number, until: number): LevelMinute[] {
    const found: LevelMinute[] = [];
    const end = Math.ceil(until / this.#spanMs);
    for (let number = Math.max(Math.ceil(from / this.#spanMs), end - this.#spans); number < end; number++) {
      const place = this.#placeOf(number);
      const knownMs = this.#knownMs[place] ?? 0;
      if (this.#numbers[place] !== number || knownMs === 0) continue;
      const level = 10 * Math.log10((this.#energyMs[place] ?? 0) / knownMs);
      found.push({ startsAt: number * this.#spanMs, level, highest: this.#highest[place] ?? level, knownMs });
    }
    return found;
  }

  #add(number: number, ms: number, level: number, highest: number): void {
    const place = this.#placeOf(number);
    if (this.#numbers[place] !== number) {
      this.#numbers[place] = number;
      this.#energyMs[place] = 0;
      this.#knownMs[place] = 0;
      this.#highest[place] = Number.NEGATIVE_INFINITY;
    }
    this.#energyMs[place] = (this.#energyMs[place] ?? 0) + 10 ** (level / 10) * ms;
    // A clock that was set back lives a minute twice; it is known once.
    this.#knownMs[place] = (this.#knownMs[place] ?? 0) + ms;
    this.#highest[place] = Math.max(this.#highest[place] ?? level, highest);
  }

  #placeOf(number: number): number {
    return ((number % this.#spans) + this.#spans) % this.#spans;
  }
}
