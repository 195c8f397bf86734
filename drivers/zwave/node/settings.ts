import { z } from 'zod';

const maker = {
  manufacturer: z.string().optional().describe('The maker, for the API’s answers.'),
  model: z.string().optional().describe('The model, for the API’s answers.'),
  product: z
    .string()
    .regex(/^[0-9a-f]{4}:[0-9a-f]{4}:[0-9a-f]{4}$/, 'must be like "003b:0001:0469": maker, product type, product')
    .optional()
    .describe('What the node says that it is. Another product under its number is refused; left out: since the start.'),
};

export const lockSettings = z.strictObject({
  kind: z.literal('lock').default('lock'),
  ...maker,
  pin_slots: z
    .strictObject({
      first: z.int().min(1).default(1).describe('The first slot that this gateway may use; slots begin at 1.'),
      count: z.int().min(1).describe('How many slots from there on are the gateway’s.'),
    })
    .optional()
    .describe('The lock’s code slots that are this gateway’s. Left out for a lock without codes.'),
  pin_lengths: z
    .array(z.int().min(4).max(10))
    .nonempty()
    .default([4, 5, 6, 7, 8])
    .describe('How many digits a PIN may have on this lock, 4 to 10. Schlage locks take one length, set at the lock.'),
});

export const noiseSettings = z.strictObject({
  kind: z.literal('noise'),
  ...maker,
  metric: z.enum(['dBA', 'dB']).default('dBA').describe('The scale that it reports in. Levels in another are dropped.'),
  interval_s: z
    .number()
    .positive()
    .default(300)
    .describe('The longest usual time between two levels, in seconds. A longer silence counts as a missing sample.'),
});

export const settings = z.discriminatedUnion('kind', [lockSettings, noiseSettings]);

export type LockSettings = z.output<typeof lockSettings>;
export type NoiseSettings = z.output<typeof noiseSettings>;
