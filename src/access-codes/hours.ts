import type { CodeSchedule } from '../contract/index.ts';
import type { WeeklyHours } from '../model/code-hours.ts';
import type { CodeTimes } from '../model/records.ts';

/** One stretch in which a code with hours opens, in milliseconds since the Unix epoch. */
export interface Turn {
  readonly from: number;
  readonly until: number;
}

export interface Turns {
  /** The one that is on, or the next; undefined when there is none before the code's end. */
  readonly next: Turn | undefined;
  /** When the one before was over. */
  readonly lastUntil: number | undefined;
}

/** The same hours in a lock's own words, and until when they are right: its clock may know no summer time. */
export interface HoursOnLock {
  readonly weekly: NonNullable<CodeSchedule['weekly']>;
  readonly until: number | undefined;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
const minutesOfDay = 1_440;

/** How far ahead the next change of summer time is looked for; a zone without one in that time has none. A guess. */
const horizonDays = 400;

interface Kept<Value> {
  readonly from: number;
  readonly until: number;
  readonly value: Value;
}

/**
 * When weekly hours are on. The clock on the wall of their zone decides: what summer time skips is in no window that
 * night; where it repeats a time, a window begins with the first and ends with the last. Looking up a zone is slow, and codes are looked at often: what was found
 * is kept with the hours.
 */
export class HoursCalendar {
  readonly #formats = new Map<string, Intl.DateTimeFormat>();
  readonly #turns = new WeakMap<WeeklyHours, Kept<readonly Turn[]>>();
  readonly #onLock = new WeakMap<WeeklyHours, Map<string, Kept<HoursOnLock | undefined>>>();

  turns(hours: WeeklyHours, { startsAt, endsAt }: CodeTimes, at: number): Turns {
    const all = this.#around(hours, Math.max(at, startsAt ?? at)).flatMap(({ from, until }): Turn[] => {
      const clipped = { from: Math.max(from, startsAt ?? from), until: Math.min(until, endsAt ?? until) };
      return clipped.from < clipped.until ? [clipped] : [];
    });
    return {
      next: all.find(({ until }) => until > at),
      lastUntil: all.findLast(({ until }) => until <= at)?.until,
    };
  }

  /**
   * Undefined when one entry of a lock cannot say it: it has one stretch of a day, on some days of the week, by the
   * clock of its own zone.
   */
  onLock(hours: WeeklyHours, lockZone: string, at: number): HoursOnLock | undefined {
    const ofZones = this.#onLock.get(hours) ?? new Map<string, Kept<HoursOnLock | undefined>>();
    this.#onLock.set(hours, ofZones);
    const kept = ofZones.get(lockZone);
    if (kept && at >= kept.from && at < kept.until) return kept.value;
    const value = this.#inZone(hours, lockZone, at);
    ofZones.set(lockZone, { from: at, until: value?.until ?? at + dayMs, value });
    return value;
  }

  #inZone({ timeZone, windows }: WeeklyHours, lockZone: string, at: number): HoursOnLock | undefined {
    const [first] = windows;
    if (!first) return undefined;
    const { fromMinute, untilMinute } = first;
    const isOne = windows.every((window) => window.fromMinute === fromMinute && window.untilMinute === untilMinute);
    if (!isOne || untilMinute <= fromMinute) return undefined;
    const ahead = (instant: number) => (this.#offset(timeZone, instant) - this.#offset(lockZone, instant)) / minuteMs;
    const shift = ahead(at);
    // The lock's minutes; a day earlier or later when they cross its midnight together.
    const moved = Math.floor((fromMinute - shift) / minutesOfDay);
    const from = fromMinute - shift - moved * minutesOfDay;
    const until = untilMinute - shift - moved * minutesOfDay;
    const isWholeDay = from === 0 && until === minutesOfDay;
    if (!isWholeDay && until >= minutesOfDay) return undefined;
    const days = [...new Set(windows.flatMap((window) => window.days))].map(
      (day) => ((((day - 1 + moved) % 7) + 7) % 7) + 1,
    );
    return {
      weekly: { days: days.sort(), fromMinute: from, untilMinute: isWholeDay ? 0 : until },
      until: this.#changeOf(ahead, at),
    };
  }

  /** When `ahead` is not what it is at an instant any more. */
  #changeOf(ahead: (instant: number) => number, at: number): number | undefined {
    const now = ahead(at);
    for (let day = 1; day <= horizonDays; day++) {
      const later = at + day * dayMs;
      if (ahead(later) !== now) return bisect(later - dayMs, later, (instant) => ahead(instant) !== now);
    }
    return undefined;
  }

  /** Each once, in order, from a day before to a week after; those that meet are one. */
  #around(hours: WeeklyHours, at: number): readonly Turn[] {
    const kept = this.#turns.get(hours);
    if (kept && at >= kept.from && at < kept.until) return kept.value;
    const { timeZone, windows } = hours;
    const today = Math.floor((at + this.#offset(timeZone, at)) / dayMs);
    const found: Turn[] = [];
    // Eight days back: the turn before may be that long ago.
    for (let date = today - 8; date <= today + 9; date++) {
      // 1 January 1970 was a Thursday.
      const weekday = ((((date + 3) % 7) + 7) % 7) + 1;
      for (const { days, fromMinute, untilMinute } of windows) {
        if (!days.includes(weekday)) continue;
        const endDate = untilMinute <= fromMinute ? date + 1 : date;
        const from = this.#instant(timeZone, date * dayMs + fromMinute * minuteMs, 'first');
        const until = this.#instant(timeZone, endDate * dayMs + untilMinute * minuteMs, 'last');
        if (from < until) found.push({ from, until });
      }
    }
    const value = merged(found);
    this.#turns.set(hours, { from: at, until: at + dayMs, value });
    return value;
  }

  /** When a wall clock shows a time, given as if it were UTC. One that is skipped is when the clock was set forward. */
  #instant(timeZone: string, wall: number, which: 'first' | 'last'): number {
    const offsets = [this.#offset(timeZone, wall - dayMs), this.#offset(timeZone, wall + dayMs)];
    const shown = offsets.map((offset) => wall - offset).filter((at) => at + this.#offset(timeZone, at) === wall);
    if (shown.length > 0) return which === 'first' ? Math.min(...shown) : Math.max(...shown);
    const [before = 0, after = 0] = offsets;
    return bisect(
      wall - Math.max(before, after),
      wall - Math.min(before, after),
      (at) => this.#offset(timeZone, at) !== before,
    );
  }

  /** What a zone's wall clock is ahead of UTC, in milliseconds. */
  #offset(timeZone: string, at: number): number {
    const whole = Math.floor(at / 1_000) * 1_000;
    const fields = new Map(
      this.#format(timeZone)
        .formatToParts(whole)
        .map(({ type, value }) => [type, Number(value)]),
    );
    const field = (name: Intl.DateTimeFormatPartTypes) => fields.get(name) ?? 0;
    const date = Date.UTC(field('year'), field('month') - 1, field('day'));
    return date + ((field('hour') * 60 + field('minute')) * 60 + field('second')) * 1_000 - whole;
  }

  #format(timeZone: string): Intl.DateTimeFormat {
    const known = this.#formats.get(timeZone);
    if (known) return known;
    const made = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    this.#formats.set(timeZone, made);
    return made;
  }
}

/** The first second after `low`, up to `high`, at which something holds that holds from then on. */
function bisect(low: number, high: number, holds: (at: number) => boolean): number {
  let before = Math.floor(low / 1_000);
  let from = Math.ceil(high / 1_000);
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2);
    if (holds(middle * 1_000)) from = middle;
    else before = middle;
  }
  return from * 1_000;
}

function merged(turns: readonly Turn[]): Turn[] {
  const all: Turn[] = [];
  for (const turn of [...turns].sort((one, other) => one.from - other.from)) {
    const last = all.at(-1);
    if (last && turn.from <= last.until)
      all[all.length - 1] = { from: last.from, until: Math.max(last.until, turn.until) };
    else all.push(turn);
  }
  return all;
}

export const sameHours = (one: WeeklyHours | undefined, other: WeeklyHours | undefined): boolean =>
  one === other || JSON.stringify(one) === JSON.stringify(other);
