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
