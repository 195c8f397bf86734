import type { Logger } from 'pino';
import { z } from 'zod';
import type { Change, Store } from '../model/store.ts';
import {
  historyHours,
  historyMinutes,
  hourMs,
  type LevelHistory,
  type LevelMinute,
  minuteMs,
} from './level-history.ts';

const dayMs = 24 * hourMs;
/** Days of the week that are kept hour by hour; the oldest is overwritten. */
const daysKept = historyHours / 24;

/**
 * A day and the hour under way: with one place less, that hour would overwrite the end of the same one yesterday,
 * which is not a day old yet.
 */
const hoursKept = 25;

/** How often levels are written, in minutes: a power cut costs so many of them, and a flash disk 144 commits a day. */
const keepEvery = 10;

/** Minute within the hour, level and highest in dB, seconds known. */
const keptMinute = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const keptHour = z.object({ hour: z.number(), minutes: z.array(keptMinute) });
/** Hour within the day (UTC), level and highest in dB, seconds known. */
const keptDay = z.object({ day: z.number(), hours: z.array(keptMinute) });

/** How facts are called that hold an hour by the minute, and a day by the hour. */
const ofHours = 'noise_levels:';
const ofDays = 'noise_week:';

const endOfLast = (number: number | undefined, ms: number) => (number === undefined ? undefined : (number + 1) * ms);

/** What is known of a sensor: the day by the minute, the week by the hour. */
export interface Levels {
  readonly day: LevelHistory;
  readonly week: LevelHistory;
}

/** Keeps one sensor's levels over restarts: an hour, and a day, is one small fact, and the oldest is overwritten. */
export class DayRepository {
  readonly #deviceId: string;
  readonly #store: Store;
  readonly #log: Logger;
  /** Milliseconds since the Unix epoch: what begins before is on disk. */
  #keptTo: number | undefined;

  constructor(deviceId: string, { store, log }: { readonly store: Store; readonly log: Logger }) {
    this.#deviceId = deviceId;
    this.#store = store;
    this.#log = log;
  }

  /**
   * Levels of any sensor, also of one that is no more, that are older. An hour goes when its end is, and a day likewise.
   * @param before milliseconds since the Unix epoch
   */
  static older(store: Store, before: number): Change[] {
    const endOf = (name: string): number | undefined => {
      const kept = JSON.parse(store.read.fact(name) ?? 'null');
      if (name.startsWith(ofDays)) return endOfLast(keptDay.safeParse(kept).data?.day, dayMs);
      return endOfLast(keptHour.safeParse(kept).data?.hour, hourMs);
    };
    const names = [...store.read.factNames(ofHours), ...store.read.factNames(ofDays)];
    const old = names.filter((name) => (endOf(name) ?? Number.POSITIVE_INFINITY) <= before);
    return old.map((name) => ({ kind: 'fact_removed', name }));
  }

  /** What earlier runs left of the last day. */
  left(now: number): LevelMinute[] {
    const found: LevelMinute[] = [];
    for (let place = 0; place < hoursKept; place++) {
      const text = this.#store.read.fact(this.#nameOf(place));
      if (text === undefined) continue;
      const { hour, minutes } = keptHour.parse(JSON.parse(text));
      for (const [minute, level, highest, knownS] of minutes) {
        const startsAt = hour * hourMs + minute * minuteMs;
        if (startsAt >= now - historyMinutes * minuteMs && startsAt <= now)
          found.push({ startsAt, level, highest, knownMs: knownS * 1_000 });
      }
    }
    return found.sort((a, b) => a.startsAt - b.startsAt);
  }

  /** What earlier runs left of the week, hour by hour. */
  leftOfWeek(now: number): LevelMinute[] {
    const found: LevelMinute[] = [];
    for (let place = 0; place < daysKept; place++) {
      const text = this.#store.read.fact(this.#nameOfDay(place));
      if (text === undefined) continue;
      const { day, hours } = keptDay.parse(JSON.parse(text));
      for (const [hour, level, highest, knownS] of hours) {
        const startsAt = day * dayMs + hour * hourMs;
        if (startsAt >= now - historyHours * hourMs && startsAt <= now)
          found.push({ startsAt, level, highest, knownMs: knownS * 1_000 });
      }
    }
    return found.sort((a, b) => a.startsAt - b.startsAt);
  }

  /** Call it with each sample: writes when it is time to. */
  minuteReached(wallTime: number, history: Levels): void {
    this.#keptTo ??= wallTime;
    if (Math.floor(wallTime / (keepEvery * minuteMs)) === Math.floor(this.#keptTo / (keepEvery * minuteMs))) return;
    void this.keep(wallTime, history);
  }

  /** Never rejects: levels that are lost are missing, and nothing else depends on them. */
  async keep(wallTime: number, { day, week }: Levels): Promise<void> {
    if (this.#keptTo === undefined) return;
    const since = Math.min(this.#keptTo, wallTime);
    this.#keptTo = wallTime;
    const first = Math.max(Math.floor(since / hourMs), Math.floor(wallTime / hourMs) - hoursKept + 1);
    const changes: Change[] = [];
    for (let hour = first; hour * hourMs <= wallTime; hour++) {
      const minutes = day.between(hour * hourMs, (hour + 1) * hourMs);
      if (minutes.length === 0) continue;
      const value = JSON.stringify({
        hour,
        minutes: minutes.map((minute) => [
          Math.round((minute.startsAt - hour * hourMs) / minuteMs),
          tenths(minute.level),
          tenths(minute.highest),
          tenths(minute.knownMs / 1_000),
        ]),
      });
      changes.push({ kind: 'fact_put', name: this.#nameOf(hour % hoursKept), value });
    }
    if (changes.length === 0) return;
    changes.push(...this.#week(since, wallTime, week));
    try {
      await this.#store.commit(changes);
    } catch (error) {
      this.#log.warn(
        { err: error },
        'noise levels could not be written; a restart now would lose some minutes of them',
      );
    }
  }

  #week(since: number, wallTime: number, week: LevelHistory): Change[] {
    const changes: Change[] = [];
    const first = Math.max(Math.floor(since / dayMs), Math.floor(wallTime / dayMs) - daysKept + 1);
    for (let day = first; day * dayMs <= wallTime; day++) {
      const hours = week.between(day * dayMs, (day + 1) * dayMs);
      const value = JSON.stringify({
        day,
        hours: hours.map(({ startsAt, level, highest, knownMs }) => [
          Math.round((startsAt - day * dayMs) / hourMs),
          tenths(level),
          tenths(highest),
          Math.round(knownMs / 1_000),
        ]),
      });
      if (hours.length > 0) changes.push({ kind: 'fact_put', name: this.#nameOfDay(day % daysKept), value });
    }
    return changes;
  }

  #nameOfDay(place: number): string {
    return `${ofDays}${this.#deviceId}:${place}`;
  }

  #nameOf(place: number): string {
    return `${ofHours}${this.#deviceId}:${place}`;
  }
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
