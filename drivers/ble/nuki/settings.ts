import { z } from 'zod';

const isTimeZone = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
};

export const settings = z.strictObject({
  model: z.string().optional().describe('The model, for the API’s answers: Smart Lock 3.0 Pro, Ultra, Go.'),
  keypad: z
    .boolean()
    .default(false)
    .describe('True when a Nuki Keypad belongs to the lock: access codes need it, and the lock’s security PIN.'),
  unlock: z
    .enum(['unlock', 'unlatch'])
    .default('unlock')
    .describe('What unlocking does: turn the bolt back, or pull the latch as well, so that the door opens.'),
  code_time_zone: z
    .string()
    .refine(isTimeZone, 'must be an IANA time zone')
    .default('UTC')
    .describe(
      'The time zone in which the lock takes the times of its codes. Unverified on hardware: locks are believed to ' +
        'keep UTC.',
    ),
  poll_s: z
    .int()
    .min(30)
    .max(86_400)
    .default(600)
    .describe('Seconds between two reads of state and battery when the lock announces no change. Each costs battery.'),
});

export type NukiSettings = z.output<typeof settings>;
