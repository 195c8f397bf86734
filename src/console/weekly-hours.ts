import { language, words } from './languages/index.ts';
import type { WeeklySchedule } from './objects.ts';
import { dayKey, fromField, zone } from './time.ts';

export const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof weekdays)[number];

/** One line of the form: days, and from when to when on each of them. */
export interface Hours {
  readonly days: readonly Weekday[];
  /** `HH:MM`. */
  readonly from: string;
  /** `HH:MM`; not after `from`: of the next day. */
  readonly to: string;
}

/** Any Monday. */
const MONDAY = Date.UTC(2024, 0, 1);

export const dayName = (day: Weekday, length: 'short' | 'long' = 'short'): string =>
  new Intl.DateTimeFormat(language.value === 'en' ? 'en-GB' : 'de', { weekday: length, timeZone: 'UTC' }).format(
    MONDAY + weekdays.indexOf(day) * 86_400_000,
  );

/** A schedule in a sentence: `Mon – Fri 08:00–11:30, Sat 22:00–02:00 (next day)`. */
export function inWords({ time_zone, windows }: WeeklySchedule): string {
  const { codes } = words();
  const parts = windows.map(({ weekdays: days, starts_at: from, ends_at: to }) => {
    const isWhole = from === '00:00' && to === '24:00';
    const hours = isWhole ? codes.allDay : `${from}–${to}${to <= from ? ` ${codes.nextDay}` : ''}`;
    return `${daysInWords(days)} ${hours}`;
  });
  return `${parts.join(', ')}${time_zone === zone() ? '' : ` (${time_zone})`}`;
}

/** Three days and more that follow each other are told by the first and the last. */
function daysInWords(days: readonly Weekday[]): string {
  if (days.length === weekdays.length) return words().codes.everyDay;
  const runs: Weekday[][] = [];
  for (const day of weekdays.filter((one) => days.includes(one))) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run !== undefined && before !== undefined && weekdays.indexOf(before) === weekdays.indexOf(day) - 1)
      run.push(day);
    else runs.push([day]);
  }
  return runs
    .flatMap((run) => {
      const [first] = run;
      const last = run.at(-1);
      if (first === undefined || last === undefined) return [];
      return run.length > 2 ? [`${dayName(first)} – ${dayName(last)}`] : run.map((day) => dayName(day));
    })
    .join(', ');
}

/** When the next window begins, as ISO 8601; undefined for hours of another zone than the building's. */
export function nextWindow({ time_zone, windows }: WeeklySchedule, now: number): string | undefined {
  if (time_zone !== zone()) return undefined;
  const starts = Array.from({ length: 8 }, (_, ahead) => {
    // Noon of each day by its date alone: a day on which the clock is set has 23 or 25 hours.
    const date = new Date(Date.parse(`${dayKey(now)}T12:00:00Z`) + ahead * 86_400_000);
    const day = weekdays[(date.getUTCDay() + 6) % 7];
    return windows
      .filter(({ weekdays: days }) => day !== undefined && days.includes(day))
      .flatMap(({ starts_at: time }) => fromField(`${date.toISOString().slice(0, 10)}T${time}`) ?? []);
  }).flat();
  return starts.filter((start) => Date.parse(start) > now).sort()[0];
}

/** A field for a time knows no 24:00: the end of a day is 00:00 there. */
export const hoursOf = (schedule: WeeklySchedule | undefined): readonly Hours[] =>
  (schedule?.windows ?? []).map(({ weekdays: days, starts_at: from, ends_at: to }) => ({
    days,
    from,
    to: to === '24:00' ? '00:00' : to,
  }));

/** What the form says, for the API; undefined: at any hour. */
export function scheduleOf(hours: readonly Hours[], timeZone = zone()): WeeklySchedule | undefined {
  if (hours.length === 0) return undefined;
  return {
    time_zone: timeZone ?? 'UTC',
    windows: hours.map(({ days, from, to }) => ({
      weekdays: weekdays.filter((day) => days.includes(day)),
      starts_at: from,
      ends_at: to === '00:00' ? '24:00' : to,
    })),
  };
}

/** Each line names a day and two times. */
export const isWhole = (hours: readonly Hours[]): boolean =>
  hours.every(({ days, from, to }) => days.length > 0 && from !== '' && to !== '' && (from !== to || from === '00:00'));

/** What is to be said of a change: nothing when the hours are as they were, null when there are none any more. */
export function changedHours(
  before: WeeklySchedule | undefined,
  hours: readonly Hours[],
): { readonly strikeplate_schedule?: WeeklySchedule | null } {
  const after = scheduleOf(hours, before?.time_zone ?? zone());
  if (JSON.stringify(after) === JSON.stringify(scheduleOf(hoursOf(before), before?.time_zone))) return {};
  return { strikeplate_schedule: after ?? null };
}
