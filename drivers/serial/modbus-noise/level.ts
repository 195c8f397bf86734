import { Decibels } from '../../../src/contract/index.ts';
import type { NoiseProfile } from './profiles.ts';

/**
 * Below the quietest room that such a transmitter can tell from its own noise, and above what it survives: the
 * register holds something else. 30 to 120 or 130 dB are the ranges that makers state; the margins are a guess.
 */
const QUIETEST_DB = 20;
const LOUDEST_DB = 140;

/** The level that a register holds, to a tenth; undefined when it cannot be one. */
export function levelOf(word: number, { scale }: NoiseProfile): Decibels | undefined {
  const level = Math.round(word * scale * 10) / 10;
  return level >= QUIETEST_DB && level <= LOUDEST_DB ? Decibels.parse(level) : undefined;
}
