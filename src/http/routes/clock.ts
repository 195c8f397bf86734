import { z } from 'zod';
import { clockSchema, wireClock } from '../../wire/clock.ts';
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
