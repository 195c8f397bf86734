import type { Clock } from '../contract/index.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { Change } from '../model/store.ts';

export type Way = 'locked' | 'unlocked';

/** An event of a device's, which need not name the device. */
export type DeviceDraft = Omit<EventDraft, 'deviceId'>;

/** What the parts of one device's projector share. */
export interface ProjectionContext {
  readonly deviceId: string;
  readonly clock: Clock;
  snapshot(): DeviceSnapshot;
  /** The attempt of ours that moves the bolt this way, or did a moment ago; each accounts for one movement. */
  ownMovement(way: Way): { readonly actionAttemptId: string; readonly claim: () => void } | undefined;
  /** The code that stands in this slot of the lock. */
  codeAt(slot: number): string | undefined;
  tell(draft: DeviceDraft, also?: readonly Change[]): void;
  /** Commits what is to be known by the next run, where there is no event to carry it. */
  keep(changes: readonly Change[]): void;
}
