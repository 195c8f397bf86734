/** Hours that come back every week, by the clock on the wall of a place. */
export interface WeeklyHours {
  /** IANA */
  readonly timeZone: string;
  /** One at least. */
  readonly windows: readonly HoursWindow[];
}

export interface HoursWindow {
  /** 1 Monday to 7 Sunday: the days on which it begins. */
  readonly days: readonly number[];
  /** Minutes after midnight, the second up to 1440; one that is not after the first is of the next day. */
  readonly fromMinute: number;
  readonly untilMinute: number;
}

/** The warning of a code, and of its grant: a window of its hours is too short for a lock that does not keep them. */
export const hoursTooShort = 'strikeplate_schedule_window_too_short';
