import { z } from 'zod';

declare const unit: unique symbol;

/** A sound level. Which weighting and averaging it has is the metric that travels beside it. */
export type Decibels = number & { readonly [unit]: 'dB' };

/** A share between 0 and 1, for example a battery's charge. */
export type Ratio = number & { readonly [unit]: 'ratio' };

/** Parses a level in decibels. 0 to 194 dB: the threshold of hearing, and the loudest undistorted sound in air. */
export const Decibels = z
  .number()
  .min(0)
  .max(194)
  .transform((value) => value as Decibels);

export const Ratio = z
  .number()
  .min(0)
  .max(1)
  .transform((value) => value as Ratio);

/** What a noise sensor's figure is: A-weighted equivalent level, A-weighted fast level, its maximum, or unstated. */
export type NoiseMetric = 'LAeq' | 'LAF' | 'LAFmax' | 'LZeq' | 'LCeq' | 'dBA' | 'dB';
