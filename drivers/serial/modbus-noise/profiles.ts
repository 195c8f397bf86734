import { z } from 'zod';

/** What differs between transmitters, as data. */
export const noiseProfile = z
  .strictObject({
    manufacturer: z.string().min(1).default('unknown').describe('The maker, for people.'),
    model: z.string().min(1).default('Modbus noise transmitter').describe('The model, for people.'),
    function_code: z.literal([3, 4]).default(3).describe('3: holding, 4: input registers.'),
    register: z.int().min(0).max(0xffff).describe('The register that holds the level.'),
    scale: z.number().positive().max(100).describe('Decibels that one step of the register means, usually 0.1.'),
    metric: z
      .enum(['dBA', 'dB'])
      .default('dB')
      .describe('What the level is, as far as the maker says: A-weighted, or unspecified.'),
    baud_rate: z
      .int()
      .min(300)
      .max(921_600)
      .optional()
      .describe('The baud rate that it leaves the factory with, for the message when it does not answer.'),
  })
  .describe('A transmitter that is none of the known ones.');

export type NoiseProfile = z.output<typeof noiseProfile>;

/**
 * Transmitters whose map was found published; none was on the bench (see README.md).
 *
 * - `renke-rs-zs`: Renke RS-ZS-BZ, from public field code; baud rate of a sibling's data sheet.
 * - `s300nois`: S300NOIS type, 30 to 120 dB, from a public driver and the seller's table.
 */
export const noiseProfiles = {
  'renke-rs-zs': noiseProfile.parse({
    manufacturer: 'Renke',
    model: 'RS-ZS-BZ',
    register: 0,
    scale: 0.1,
    metric: 'dBA',
    baud_rate: 4800,
  }),
  s300nois: noiseProfile.parse({
    manufacturer: 'unknown',
    model: 'S300NOIS',
    register: 0,
    scale: 0.1,
    metric: 'dB',
    baud_rate: 9600,
  }),
} as const;

export type NoiseProfileName = keyof typeof noiseProfiles;

export const noiseProfileNames = Object.keys(noiseProfiles) as readonly NoiseProfileName[];
