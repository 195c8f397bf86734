import type { Attempt } from './objects.ts';

/** Attempts, newest first. */
export interface Page {
  readonly attempts: readonly Attempt[];
  readonly has_more: boolean;
}

const idOf = ({ action_attempt }: Attempt) => action_attempt.action_attempt_id;

/**
 * The newest page, what was shown when further ones were asked for, and those: without one twice. When more happened than
 * the newest page holds, there is a gap before the others, which are left out.
 */
export function joined(newest: Page, shown: Page, further: Page): Page {
  const known = [...shown.attempts, ...further.attempts];
  const last = newest.attempts.at(-1);
  // Ids are in the order of time.
  if (!newest.has_more || last === undefined || !known.some((one) => idOf(one) === idOf(last))) return newest;
  const older = known.filter((one) => idOf(one) < idOf(last));
  return { attempts: [...newest.attempts, ...older], has_more: further.has_more };
}
