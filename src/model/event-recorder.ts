import type { EventDraft } from './event-types.ts';
import type { Change } from './store.ts';

/** Makes events part of a commit: what is told of it is on disk exactly when what it tells about is. */
export interface EventRecorder {
  /**
   * The change to commit together with what the event tells about. Those who listen hear of it once that commit is on
   * disk, in the order of commits. A change that is committed again after a failure is the same event.
   */
  record(draft: EventDraft): Change;
}
