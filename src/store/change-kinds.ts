import type { Change } from '../model/store.ts';

/** What can wait, or be lost, when the disk is full: a noisy device or a dead receiver must not use the room up. */
const canWait: ReadonlySet<Change['kind']> = new Set([
  'event_put',
  'webhook_progress',
  'webhook_delivery_put',
  'webhook_delivery_removed',
]);

/** New work. */
const starts: ReadonlySet<Change['kind']> = new Set([
  'attempt_accepted',
  'webhook_put',
  'user_identity_put',
  'space_put',
]);

/** Small facts, and what is told of it, ride with either. */
const either: ReadonlySet<Change['kind']> = new Set(['fact_put', 'fact_removed', 'audit_put']);

/**
 * Whether a commit is refused first when the disk is full: what is left of the room belongs to what is under way. An
 * event that comes with a settlement goes where it goes.
 */
export function startsWork(changes: readonly Change[]): boolean {
  let canAllWait = false;
  let isElse = false;
  for (const change of changes) {
    if (starts.has(change.kind) || (change.kind === 'access_grant_put' && change.isNew === true)) return true;
    if (canWait.has(change.kind)) canAllWait = true;
    else if (!either.has(change.kind)) isElse = true;
  }
  return canAllWait && !isElse;
}

/**
 * Of which changes the process knows before they are on disk, since the next decision must see them: whoever is shown
 * them waits. The others are taken in once they are written.
 */
const isSeen: Readonly<Record<Change['kind'], boolean>> = {
  access_code_put: true,
  access_code_removed: true,
  unmanaged_code_put: true,
  unmanaged_code_removed: true,
  user_identity_put: true,
  user_identity_removed: true,
  space_put: true,
  space_removed: true,
  access_grant_put: true,
  access_grant_removed: true,
  access_method_put: true,
  access_method_removed: true,
  attempt_accepted: false,
  attempt_intent: false,
  attempt_settled: false,
  attempt_reworded: false,
  noise_threshold_put: false,
  noise_threshold_removed: false,
  idempotency_put: false,
  event_put: false,
  event_reworded: false,
  webhook_put: false,
  webhook_removed: false,
  webhook_progress: false,
  webhook_delivery_put: false,
  webhook_delivery_removed: false,
  audit_put: false,
  audit_names_removed: false,
  audit_pruned: false,
  fact_put: false,
  fact_removed: false,
};

export const seenBeforeKept = (changes: readonly Change[]): boolean => changes.some(({ kind }) => isSeen[kind]);
