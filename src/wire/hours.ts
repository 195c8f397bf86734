import { z } from 'zod';
import type { WeeklyHours } from '../model/code-hours.ts';

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

const isTimeZone = (zone: string): boolean => {
  // Intl takes offsets as well, which know no summer time.
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
};

const timeOfDay = z
  .string()
  .regex(/^(?:([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'Give hours and minutes, such as 08:30; 24:00 is the end of a day');

export const scheduleSchema = z
  .strictObject({
    time_zone: z.string().refine(isTimeZone, 'Give an IANA time zone, such as Europe/Zurich'),
    windows: z
      .array(
        z
          .strictObject({
            weekdays: z
              .array(z.enum(weekdays))
              .min(1, 'Name one day at least')
              .max(7)
              .refine((days) => new Set(days).size === days.length, 'Name each day once'),
            starts_at: timeOfDay.refine((time) => time !== '24:00', 'A window cannot begin at 24:00: give 00:00'),
            ends_at: timeOfDay.describe('Not after `starts_at`: of the next day.'),
          })
          .refine(
            ({ starts_at, ends_at }) => starts_at !== ends_at,
            'The window is empty: for a whole day give 00:00 and 24:00',
          ),
      )
      .min(1, 'Give one window at least, or leave the schedule out')
      .max(14),
  })
  .meta({
    id: 'strikeplate_schedule',
    description:
      'Our own: weekdays and hours, by the clock on the wall of a place. `weekdays` are those on which a window begins.',
  });

export const maxUsesParameter = z.number().int().min(1).max(10_000);

/** What an object with hours shows of them; nothing of what was not asked for. */
export const hoursSchema = () => ({
  strikeplate_schedule: scheduleSchema.optional(),
  max_uses: z.number().int().optional().describe('Our own: how often each door lets it in.'),
});

export function hoursOf({ time_zone, windows }: z.output<typeof scheduleSchema>): WeeklyHours {
  return {
    timeZone: time_zone,
    windows: windows.map((window) => ({
      days: window.weekdays.map((day) => weekdays.indexOf(day) + 1).sort(),
      fromMinute: minuteOf(window.starts_at),
      untilMinute: minuteOf(window.ends_at),
    })),
  };
}

export function wireHours({
  hours,
  maxUses,
}: {
  readonly hours?: WeeklyHours | undefined;
  readonly maxUses?: number | undefined;
}): { strikeplate_schedule?: z.output<typeof scheduleSchema>; max_uses?: number } {
  return {
    ...(hours && {
      strikeplate_schedule: {
        time_zone: hours.timeZone,
        windows: hours.windows.map(({ days, fromMinute, untilMinute }) => ({
          weekdays: days.flatMap((day) => weekdays[day - 1] ?? []),
          starts_at: timeOf(fromMinute),
          ends_at: timeOf(untilMinute),
        })),
      },
    }),
    ...(maxUses !== undefined && { max_uses: maxUses }),
  };
}

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

const timeOf = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
