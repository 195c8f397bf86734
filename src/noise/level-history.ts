/** How far back a sensor's levels can be looked at, in minutes. */
export const historyMinutes = 1_440;

const minuteMs = 60_000;

/** One minute of a sensor. A minute of which nothing is known has none: that is not the same as a quiet one. */
export interface LevelMinute {
  /** Milliseconds since the Unix epoch. */
  readonly startsAt: number;
  /** Energy average over what is known of the minute, in dB (ISO 1996-1). */
  readonly level: number;
  /** The highest sample, in dB. */
  readonly highest: number;
  /** How much of the minute is known, in milliseconds. */
  readonly knownMs: number;
}

/** A sensor's last day, minute by minute, in a fixed amount of memory. */
export class LevelHistory {
  /** Minutes since the Unix epoch; which minute a place holds. */
  readonly #minutes = new Float64Array(historyMinutes).fill(-1);
  readonly #energyMs = new Float64Array(historyMinutes);
  readonly #knownMs = new Float64Array(historyMinutes);
  readonly #highest = new Float64Array(historyMinutes);

  /** Takes in that a level stood from a wall time on, for so many milliseconds. */
  stood(from: number, ms: number, level: number): void {
    const until = from + ms;
    for (let at = from; at < until; ) {
      const minute = Math.floor(at / minuteMs);
      const end = Math.min(until, (minute + 1) * minuteMs);
      this.#add(minute, end - at, level, level);
      at = end;
    }
  }

  /** Takes back in what was kept over a restart. */
  restore({ startsAt, level, highest, knownMs }: LevelMinute): void {
    this.#add(Math.floor(startsAt / minuteMs), knownMs, level, highest);
  }

  /**
   * Oldest first: the minutes that begin within `[from, until)` and of which something is known.
   * @param from milliseconds since the Unix epoch
   */
  between(from: number, until: number): LevelMinute[] {
    const found: LevelMinute[] = [];
    const end = Math.ceil(until / minuteMs);
    for (let minute = Math.max(Math.ceil(from / minuteMs), end - historyMinutes); minute < end; minute++) {
      const place = placeOf(minute);
      const knownMs = this.#knownMs[place] ?? 0;
      if (this.#minutes[place] !== minute || knownMs === 0) continue;
      const level = 10 * Math.log10((this.#energyMs[place] ?? 0) / knownMs);
      found.push({ startsAt: minute * minuteMs, level, highest: this.#highest[place] ?? level, knownMs });
    }
    return found;
  }

  #add(minute: number, ms: number, level: number, highest: number): void {
    const place = placeOf(minute);
    if (this.#minutes[place] !== minute) {
      this.#minutes[place] = minute;
      this.#energyMs[place] = 0;
      this.#knownMs[place] = 0;
      this.#highest[place] = Number.NEGATIVE_INFINITY;
    }
    this.#energyMs[place] = (this.#energyMs[place] ?? 0) + 10 ** (level / 10) * ms;
    // A clock that was set back lives a minute twice; it is known once.
    this.#knownMs[place] = (this.#knownMs[place] ?? 0) + ms;
    this.#highest[place] = Math.max(this.#highest[place] ?? level, highest);
  }
}

const placeOf = (minute: number): number => ((minute % historyMinutes) + historyMinutes) % historyMinutes;
