import { z } from 'zod';

/** Asks to hold the request until the attempt ended. Undocumented at Seam, and understood by its clients. */
export const syncParameter = {
  sync: z.boolean().optional().describe('Hold the request until the attempt ended, for at most 25 s.'),
};
