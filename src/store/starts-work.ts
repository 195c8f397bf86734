import type { Change } from './store.ts';

/**
 * Whether a commit is refused first when the disk is full: what is left of the room belongs to what is under way. An
 * event that comes with a settlement goes where it goes; a noisy device must not use the room up.
 */
export const startsWork = (changes: readonly Change[]): boolean =>
  changes.some(({ kind }) => kind === 'attempt_accepted') ||
  (changes.some(({ kind }) => kind === 'event_put') &&
    changes.every(({ kind }) => kind === 'event_put' || kind === 'fact_put' || kind === 'fact_removed'));
