import { z } from 'zod';
import type { Gateway } from '../../model/gateway.ts';
import { clockSchema, wireClock } from '../../wire/clock.ts';
import { changeRoute, type Route, readRoute } from '../route.ts';

/** Our own: a box without a battery may wake up in the past, and codes must neither end nor begin by such a clock. */
export function clockRoutes(gateway: Gateway): Route[] {
  const answer = z.object({ clock: clockSchema });
  return [
    readRoute({
      path: '/clock/get',
      summary: 'Get what the clock shows, and whether it can be believed',
      scopes: ['read'],
      params: z.object({}),
      answer,
      respond: () => ({ clock: wireClock(gateway) }),
    }),
    changeRoute('create', {
      path: '/clock/confirm',
      summary: 'Say that the clock is right, so that schedules go on',
      scopes: ['control'],
      params: z.strictObject({}),
      answer,
      change: async () => {
        await gateway.time.confirm();
        return { answer: () => ({ clock: wireClock(gateway) }) };
      },
    }),
  ];
}
