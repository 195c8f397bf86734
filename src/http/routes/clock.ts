import { z } from 'zod';
import type { Gateway } from '../../model/gateway.ts';
import { isoTime } from '../../wire/iso-time.ts';
import { changeRoute, type Route, readRoute } from '../route.ts';

/** Our own: a box without a battery may wake up in the past, and codes must neither end nor begin by such a clock. */
export function clockRoutes(): Route[] {
  const answer = z.object({ clock: clockSchema });
  return [
    readRoute({
      path: '/clock/get',
      summary: 'Get what the clock shows, and whether it can be believed',
      scopes: ['read'],
      params: z.object({}),
      answer,
      respond: (_params, { gateway }) => ({ clock: wireClock(gateway) }),
    }),
    changeRoute('create', {
      path: '/clock/confirm',
      summary: 'Say that the clock is right, so that schedules go on',
      scopes: ['control'],
      whole: true,
      params: z.strictObject({}),
      answer,
      change: async (_params, _origin, { gateway }) => {
        await gateway.time.confirm();
        return { answer: () => ({ clock: wireClock(gateway) }) };
      },
    }),
  ];
}

/** Our own: whether the box's clock can be believed. */
const clockSchema = z
  .object({
    time: z.string().describe('What the clock shows.'),
    time_zone: z.string(),
    is_confirmed: z.boolean().describe('False: codes are neither written nor removed by their times. Doors go on.'),
    in_doubt_since: z.string().nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'clock' });

function wireClock({ clock, time, identity }: Gateway): z.output<typeof clockSchema> {
  const { confidence } = time;
  return {
    time: isoTime(clock.wallTime()),
    time_zone: identity.timeZone,
    is_confirmed: confidence.confirmed,
    in_doubt_since: confidence.confirmed ? null : isoTime(confidence.since),
    reason: confidence.confirmed ? null : confidence.reason,
  };
}
