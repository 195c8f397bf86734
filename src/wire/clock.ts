import { z } from 'zod';
import type { Gateway } from '../model/gateway.ts';
import { isoTime } from './iso-time.ts';

/** Our own: whether the box's clock can be believed. */
export const clockSchema = z
  .object({
    time: z.string().describe('What the clock shows.'),
    time_zone: z.string(),
    is_confirmed: z.boolean().describe('False: codes are neither written nor removed by their times. Doors go on.'),
    in_doubt_since: z.string().nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'clock' });

export function wireClock({ clock, time, identity }: Gateway): z.output<typeof clockSchema> {
  const { confidence } = time;
  return {
    time: isoTime(clock.wallTime()),
    time_zone: identity.timeZone,
    is_confirmed: confidence.confirmed,
    in_doubt_since: confidence.confirmed ? null : isoTime(confidence.since),
    reason: confidence.confirmed ? null : confidence.reason,
  };
}
