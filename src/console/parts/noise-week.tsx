import { words } from '../languages/index.ts';
import type { Episode } from '../noise.ts';
import type { NoiseLevel } from '../objects.ts';
import { clockTime, day, dayKey, startOfDay } from '../time.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const LOWEST_DB = 30;
const HIGHEST_DB = 90;
const HEIGHT = 40;

/** A week at a glance: a line for each day, a bar for each hour, a mark over hours in which it was too loud. */
export function NoiseWeek({
  levels,
  episodes,
}: {
  readonly levels: readonly NoiseLevel[];
  /** Undefined while nobody knows whether it was too loud. */
  readonly episodes: readonly Episode[] | undefined;
}) {
  const { noise, facts } = words();
  const today = startOfDay(Date.now());
  // By the calendar: a day on which the clock is set has 23 or 25 hours.
  const days = Array.from({ length: 7 }, (_, n) => startOfDay(today - n * DAY_MS + DAY_MS / 2));
  const byDay = Map.groupBy(levels, ({ starts_at: at }) => dayKey(Date.parse(at)));
  return (
    <div class="week">
      {days.map((from) => {
        const heard = byDay.get(dayKey(from)) ?? [];
        const loud = episodes?.filter((one) => dayKey(one.from) === dayKey(from));
        const highest = heard.length === 0 ? undefined : Math.max(...heard.map((one) => one.highest_decibels));
        return (
          <div key={from} class="week-day">
            <span class="name">{day(from)}</span>
            <svg
              viewBox={`0 0 240 ${HEIGHT}`}
              preserveAspectRatio="none"
              role="img"
              aria-label={describe(from, heard, loud)}
            >
              {Array.from({ length: 24 }, (_, hour) => (
                <Hour key={hour} hour={hour} at={from + hour * HOUR_MS} heard={heard} loud={loud ?? []} />
              ))}
            </svg>
            <span class="sum">
              {highest === undefined ? (
                <small>{noise.notHeard}</small>
              ) : (
                <>
                  {facts.level(highest.toFixed(0))}
                  {loud !== undefined && <small class={loud.length > 0 ? 'bad' : ''}>{noise.times(loud.length)}</small>}
                </>
              )}
            </span>
          </div>
        );
      })}
      <div class="week-day" aria-hidden="true">
        <span class="name" />
        <span class="hours">
          {['0', '6', '12', '18', '24'].map((hour) => (
            <span key={hour}>{hour}</span>
          ))}
        </span>
        <span class="sum" />
      </div>
    </div>
  );
}

function Hour({
  hour,
  at,
  heard,
  loud,
}: {
  readonly hour: number;
  readonly at: number;
  readonly heard: readonly NoiseLevel[];
  readonly loud: readonly Episode[];
}) {
  const one = heard.find(({ starts_at }) => Date.parse(starts_at) === at);
  const x = hour * 10;
  if (at > Date.now()) return null;
  if (one === undefined) return <line x1={x + 2} x2={x + 8} y1={HEIGHT - 2} y2={HEIGHT - 2} class="unheard" />;
  const share = (level: number) =>
    Math.min(1, Math.max(0.06, (level - LOWEST_DB) / (HIGHEST_DB - LOWEST_DB))) * (HEIGHT - 8);
  const isLoud = loud.some(({ from, until }) => from < at + HOUR_MS && (until ?? Date.now()) > at);
  return (
    <>
      <rect
        x={x + 1}
        width="8"
        y={HEIGHT - share(one.highest_decibels)}
        height={share(one.highest_decibels)}
        class="peak"
      />
      <rect
        x={x + 1}
        width="8"
        y={HEIGHT - share(one.average_decibels)}
        height={share(one.average_decibels)}
        class="mean"
      />
      {isLoud && <path d={`M${x + 1} 0h8l-4 6z`} class="loud" />}
    </>
  );
}

function describe(from: number, heard: readonly NoiseLevel[], loud: readonly Episode[] | undefined): string {
  const { noise, facts } = words();
  if (heard.length === 0) return `${day(from)}: ${noise.notHeard}`;
  const highest = Math.max(...heard.map((one) => one.highest_decibels)).toFixed(0);
  const heardAtMost = `${day(from)}: ${noise.highest} ${facts.level(highest)}`;
  if (loud === undefined) return heardAtMost;
  return `${heardAtMost}, ${noise.times(loud.length)} ${loud.map((one) => clockTime(one.from)).join(', ')}`;
}
