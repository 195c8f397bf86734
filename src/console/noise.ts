import type { GatewayEvent, NoiseThreshold } from './objects.ts';

/** A stretch of time in which a threshold was exceeded, in milliseconds since the Unix epoch. */
export interface Episode {
  readonly thresholdId: string;
  readonly name: string;
  readonly from: number;
  /** Undefined while it goes on. */
  readonly until: number | undefined;
  readonly peak: number | undefined;
}

/** From the events that tell of beginnings and ends, newest first. @param under way: ids of thresholds exceeded now */
export function episodesOf(events: readonly GatewayEvent[], underWay: readonly string[]): Episode[] {
  const found = new Map<string, Episode>();
  for (const event of events) {
    const { noise_threshold_id: thresholdId = '', started_at, ended_at, peak_decibels: peak } = event;
    const from = Date.parse(started_at ?? event.occurred_at);
    const key = `${thresholdId} ${from}`;
    const isEnd = ended_at !== undefined;
    // Of one that began and is not exceeded any more, the end was not told: it has none that is known.
    if (!isEnd && (found.has(key) || !underWay.includes(thresholdId))) continue;
    found.set(key, {
      thresholdId,
      name: event.noise_threshold_name ?? '',
      from,
      until: isEnd ? Date.parse(ended_at) : undefined,
      peak,
    });
  }
  return [...found.values()].sort((a, b) => b.from - a.from);
}

/** Minutes since midnight: of `22:00:00[Europe/Zurich]`. */
export const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

/** `HH:mm` of minutes since midnight. */
export function timeOf(minute: number): string {
  const within = ((Math.round(minute) % 1_440) + 1_440) % 1_440;
  return `${String(Math.floor(within / 60)).padStart(2, '0')}:${String(within % 60).padStart(2, '0')}`;
}

/** Whether a threshold holds at a minute of the day. */
export function holdsAt({ starts_daily_at, ends_daily_at }: NoiseThreshold, minute: number): boolean {
  const begins = minuteOf(starts_daily_at);
  const ends = minuteOf(ends_daily_at);
  return begins <= ends ? minute >= begins && minute < ends : minute >= begins || minute < ends;
}
