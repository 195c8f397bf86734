import { signal } from '@preact/signals';
import { language } from './languages/index.ts';
import { session } from './state.ts';

/** Now, for texts that say how long ago something was. */
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 5_000);

/** The building's zone, not the reader's: a door in Zurich opens at Zurich's time. */
export const zone = (): string | undefined =>
  typeof session.value === 'object' ? session.value.gateway.time_zone : undefined;

const formats = new Map<string, Intl.DateTimeFormat>();
function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const timeZone = zone();
  const key = `${language.value}/${timeZone}/${name}`;
  let known = formats.get(key);
  if (known === undefined) {
    known = new Intl.DateTimeFormat(language.value === 'en' ? 'en-GB' : 'de', {
      ...options,
      ...(timeZone && { timeZone }),
    });
    formats.set(key, known);
  }
  return known;
}

export const clockTime = (iso: string | number): string =>
  format('time', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date(iso));

export const dayAndTime = (iso: string | number): string =>
  format('day', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(new Date(iso));

export const day = (iso: string | number): string =>
  format('date', { weekday: 'short', day: 'numeric', month: 'short' }).format(new Date(iso));

/** `YYYY-MM-DD` in the building's zone. */
export const dayKey = (at: number): string => {
  const parts = format('key', { year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(new Date(at));
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
};

/** Time today, day and time otherwise. */
export const when = (iso: string): string =>
  dayKey(Date.parse(iso)) === dayKey(now.value) ? clockTime(iso) : dayAndTime(iso);

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** How long ago, in one unit: "3 min". */
export function ago(iso: string): string {
  const ms = Math.max(0, now.value - Date.parse(iso));
  const [unit, size] = units.find(([, one]) => ms >= one) ?? (['second', 1_000] as const);
  return new Intl.NumberFormat(language.value, { style: 'unit', unit, unitDisplay: 'short' }).format(
    Math.floor(ms / size),
  );
}

const lengths = [
  ['hour', 3_600_000, 2 * 3_600_000],
  ['minute', 60_000, 2 * 60_000],
  ['second', 1_000, 1_000],
  ['millisecond', 1, 0],
] as const;

/** Milliseconds in the unit in which they are easily read: with one decimal, but for whole milliseconds. */
export function duration(ms: number): string {
  const whole = Math.max(0, ms);
  const [unit, size] = lengths.find(([, , from]) => whole >= from) ?? (['millisecond', 1] as const);
  return new Intl.NumberFormat(language.value, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: unit === 'millisecond' ? 0 : 1,
  }).format(whole / size);
}

/** Milliseconds since the epoch of the beginning of the day in which `at` lies, in the building's zone. */
export function startOfDay(at: number): number {
  const parts = format('clock', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(new Date(at));
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value ?? 0);
  return at - ((part('hour') * 60 + part('minute')) * 60 + part('second')) * 1_000 - (at % 1_000);
}

/** What a `datetime-local` field says, in the building's zone, as ISO 8601; undefined when it is empty. */
export function fromField(text: string): string | undefined {
  if (text === '') return undefined;
  const asUtc = Date.parse(`${text}:00Z`);
  // Twice, since the first guess may lie on the other side of a change of summer time.
  let at = asUtc;
  for (let round = 0; round < 2; round += 1) at = asUtc - offsetAt(at);
  return new Date(at).toISOString();
}

function offsetAt(at: number): number {
  const parts = format('all', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(new Date(at));
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value ?? 0);
  return (
    Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) -
    at +
    (at % 1_000)
  );
}

/** For a `datetime-local` field. */
export function toField(at: number): string {
  return new Date(at + offsetAt(at)).toISOString().slice(0, 16);
}
