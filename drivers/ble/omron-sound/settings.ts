import { z } from 'zod';

export const settings = z.strictObject({
  levels: z
    .enum(['read', 'broadcast'])
    .default('read')
    .describe(
      'How levels are had: read over a connection, or heard in the sensor’s broadcasts, which it sends in its mode ' +
        '"IM". Broadcasts cost no connection; their layout is unverified on hardware.',
    ),
  interval_s: z
    .int()
    .min(5)
    .max(600)
    .default(15)
    .describe('Seconds between two levels. A read occupies the adapter for about half a second.'),
});

export type OmronSettings = z.output<typeof settings>;
