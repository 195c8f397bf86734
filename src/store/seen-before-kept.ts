import type { Change } from '../model/store.ts';

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
