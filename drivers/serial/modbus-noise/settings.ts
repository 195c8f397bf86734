import { z } from 'zod';
import { type NoiseProfile, noiseProfile, noiseProfileNames, noiseProfiles } from './profiles.ts';

export const settings = z.strictObject({
  profile: z
    .union([z.enum(noiseProfileNames), noiseProfile])
    .describe(`The transmitter: ${noiseProfileNames.join(', ')}, or its description.`),
  poll_s: z
    .number()
    .min(0.5)
    .max(60)
    .default(1)
    .describe('Seconds between two reads. Transmitters smooth over about 2 s: faster adds nothing.'),
  reply_timeout_ms: z
    .int()
    .min(20)
    .max(10_000)
    .default(500)
    .describe('How long the transmitter may take to begin its answer, in milliseconds.'),
});

export type NoiseSettings = z.output<typeof settings>;

export const profileOf = (profile: NoiseSettings['profile']): NoiseProfile =>
  typeof profile === 'string' ? noiseProfiles[profile] : profile;
