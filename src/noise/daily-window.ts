import { GatewayError } from '../contract/index.ts';

/** A stretch of every day, by the clock on the wall of a place. One that ends before it starts wraps midnight. */
export interface DailyWindow {
  /** `HH:mm:ss` */
  readonly startsDailyAt: string;
  readonly endsDailyAt: string;
  /** IANA */
  readonly timeZone: string;
}

/**
 * Reads Seam's daily times, `HH:mm:ss` with an optional `[Region/City]` (Seam API reference, "Create a Noise Threshold"). Any IANA zone is taken,
 * whatever its number of parts; both times must be in one.
 *
 * @throws GatewayError `invalid_input`
 */
export function parseDailyWindow(startsDailyAt: string, endsDailyAt: string, defaultZone: string): DailyWindow {
  const starts = parseTime('starts_daily_at', startsDailyAt);
  const ends = parseTime('ends_daily_at', endsDailyAt);
  if (starts.zone !== undefined && ends.zone !== undefined && starts.zone !== ends.zone) {
    throw new GatewayError('invalid_input', 'starts_daily_at, ends_daily_at: both must be in the same time zone.');
  }
  if (starts.time === ends.time) {
    throw new GatewayError(
      'invalid_input',
      'starts_daily_at, ends_daily_at: they are the same. For the whole day use 00:00:00 to 23:59:59.',
    );
  }
  return { startsDailyAt: starts.time, endsDailyAt: ends.time, timeZone: starts.zone ?? ends.zone ?? defaultZone };
}

function parseTime(field: string, text: string): { time: string; zone: string | undefined } {
  const match = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\[([^\]]+)\])?$/.exec(text);
  if (!match) {
    throw new GatewayError('invalid_input', `${field}: expected HH:mm:ss or HH:mm:ss[Region/City], such as 22:00:00.`);
  }
  const zone = match[4];
  if (zone !== undefined && !isTimeZone(zone)) {
    throw new GatewayError(
      'invalid_input',
      `${field}: the time zone in brackets is not an IANA zone such as Europe/Zurich.`,
    );
  }
  return { time: text.slice(0, 8), zone };
}

export function isTimeZone(zone: string): boolean {
  // Intl takes offsets as well, which know no summer time.
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/**
 * Tells whether an instant lies in a daily window. The wall clock of the place decides: an hour that summer time skips
 * is in no window that day, and one that it repeats is in it twice.
 */
export function windowTest(window: DailyWindow): (epochMs: number) => boolean {
  const wallClock = new Intl.DateTimeFormat('en-GB', {
    timeZone: window.timeZone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const { startsDailyAt: starts, endsDailyAt: ends } = window;
  return (epochMs) => {
    const time = wallClock.format(epochMs);
    return starts < ends ? time >= starts && time < ends : time >= starts || time < ends;
  };
}
