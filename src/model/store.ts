import type { Unsubscribe } from '../contract/index.ts';
import type { AuditEntry, AuditRecord } from './audit.ts';
import type { AccessGrantRecord, AccessMethodRecord, SpaceRecord, UserIdentityRecord } from './grant-records.ts';
import type {
  AccessCodeRecord,
  ActionType,
  AttemptRecord,
  AttemptStatus,
  EventRecord,
  HistoryEntry,
  IdempotencyRecord,
  NoiseThresholdRecord,
  Settlement,
  UnmanagedCodeRecord,
  WebhookDeliveryRecord,
  WebhookRecord,
} from './records.ts';

/** One change of what is kept. Everything inside one `commit` becomes durable together or not at all. */
export type Change =
  | { readonly kind: 'attempt_accepted'; readonly attempt: AttemptRecord }
  /** A command may leave from now on. Only for a pending attempt; may be repeated. `history` is the whole of it. */
  | {
      readonly kind: 'attempt_intent';
      readonly actionAttemptId: string;
      readonly history: readonly HistoryEntry[];
    }
  /** Applies only to a pending attempt; on another the whole commit is refused. `history` is the whole of it. */
  | {
      readonly kind: 'attempt_settled';
      readonly actionAttemptId: string;
      readonly settlement: Settlement;
      readonly settledAt: number;
      readonly history: readonly HistoryEntry[];
    }
  /** Inserts or replaces by id. */
  | { readonly kind: 'access_code_put'; readonly code: AccessCodeRecord }
  | { readonly kind: 'access_code_removed'; readonly accessCodeId: string }
  /** Inserts or replaces by id. */
  | { readonly kind: 'unmanaged_code_put'; readonly code: UnmanagedCodeRecord }
  | { readonly kind: 'unmanaged_code_removed'; readonly accessCodeId: string }
  | { readonly kind: 'noise_threshold_put'; readonly threshold: NoiseThresholdRecord }
  | { readonly kind: 'noise_threshold_removed'; readonly noiseThresholdId: string }
  /** Inserts or replaces by id. */
  | { readonly kind: 'user_identity_put'; readonly identity: UserIdentityRecord }
  | { readonly kind: 'user_identity_removed'; readonly userIdentityId: string }
  | { readonly kind: 'space_put'; readonly space: SpaceRecord }
  | { readonly kind: 'space_removed'; readonly spaceId: string }
  /** `isNew`: refused on a full disk, as new work is. */
  | { readonly kind: 'access_grant_put'; readonly grant: AccessGrantRecord; readonly isNew?: true }
  | { readonly kind: 'access_grant_removed'; readonly accessGrantId: string }
  | { readonly kind: 'access_method_put'; readonly method: AccessMethodRecord }
  | { readonly kind: 'access_method_removed'; readonly accessMethodId: string }
  | { readonly kind: 'idempotency_put'; readonly record: IdempotencyRecord }
  /** The store numbers it. A commit of events alone is refused on a full disk, as new work is. */
  | { readonly kind: 'event_put'; readonly event: Omit<EventRecord, 'seq'> }
  /** Inserts, or replaces all but `afterSeq`. */
  | { readonly kind: 'webhook_put'; readonly webhook: WebhookRecord }
  /** Its deliveries go with it. */
  | { readonly kind: 'webhook_removed'; readonly webhookId: string }
  | { readonly kind: 'webhook_progress'; readonly webhookId: string; readonly afterSeq: number }
  | { readonly kind: 'webhook_delivery_put'; readonly delivery: WebhookDeliveryRecord }
  | { readonly kind: 'webhook_delivery_removed'; readonly webhookId: string; readonly eventSeq: number }
  /** What is kept of an attempt that has ended, or of an event, says the same in other words; a pending one stays. */
  | { readonly kind: 'attempt_reworded'; readonly attempt: AttemptRecord }
  | { readonly kind: 'event_reworded'; readonly event: EventRecord }
  /** The store numbers it and chains it to the one before. Rides with whatever it comes with. */
  | { readonly kind: 'audit_put'; readonly entry: AuditEntry }
  /** Takes the names away that go with these entries. */
  | { readonly kind: 'audit_names_removed'; readonly seqs: readonly number[] }
  /** The oldest entries, up to this one, go. */
  | { readonly kind: 'audit_pruned'; readonly seq: number }
  /** Small facts by name: the clock's high-water mark, the store key's id. */
  | { readonly kind: 'fact_put'; readonly name: string; readonly value: string }
  | { readonly kind: 'fact_removed'; readonly name: string };

/** Newest first by `seq`. */
export interface AttemptQuery {
  readonly actionAttemptIds?: readonly string[];
  readonly deviceId?: string;
  readonly deviceIds?: readonly string[];
  readonly actionTypes?: readonly ActionType[];
  readonly status?: AttemptStatus;
  readonly limit: number;
  /** Only attempts with a smaller `seq`: where the page before ended. */
  readonly beforeSeq?: number;
}

/** All conditions hold at once; oldest first by creation, unless told. */
export interface EventQuery {
  readonly newestFirst?: boolean;
  readonly eventIds?: readonly string[];
  readonly eventTypes?: readonly string[];
  readonly deviceIds?: readonly string[];
  readonly accessCodeIds?: readonly string[];
  readonly accessGrantIds?: readonly string[];
  readonly accessMethodIds?: readonly string[];
  readonly spaceIds?: readonly string[];
  /** Written down from then on, until then, both included; milliseconds since the Unix epoch. */
  readonly createdFrom?: number;
  readonly createdUntil?: number;
  readonly limit: number;
}

/** Where the chain of the audit log ends. */
export interface AuditHead {
  readonly seq: number;
  /** Hexadecimal. */
  readonly hash: string;
}

/** What is kept, as of the last commit. Reads are synchronous and never wait for a commit under way. */
export interface StoreReader {
  attempt(actionAttemptId: string): AttemptRecord | undefined;
  attempts(query: AttemptQuery): AttemptRecord[];
  /** In order of acceptance. */
  pendingAttempts(): AttemptRecord[];
  /** The newest finished attempt of a device. */
  lastSettledAttempt(deviceId: string): AttemptRecord | undefined;
  /** The highest `seq` ever given, 0 when none was. */
  highestSeq(): number;
  accessCode(accessCodeId: string): AccessCodeRecord | undefined;
  /** Oldest first; all devices when `deviceId` is undefined. */
  accessCodes(deviceId?: string): AccessCodeRecord[];
  /** Oldest first; all devices when `deviceId` is undefined. */
  unmanagedCodes(deviceId?: string): UnmanagedCodeRecord[];
  noiseThreshold(noiseThresholdId: string): NoiseThresholdRecord | undefined;
  noiseThresholds(deviceId?: string): NoiseThresholdRecord[];
  /** Of each kind all, oldest first. */
  userIdentities(): UserIdentityRecord[];
  spaces(): SpaceRecord[];
  accessGrants(): AccessGrantRecord[];
  accessMethods(): AccessMethodRecord[];
  idempotency(scope: string): IdempotencyRecord | undefined;
  fact(name: string): string | undefined;
  /** All facts whose names begin so, by name: for whoever would ask for thousands. */
  facts(prefix: string): ReadonlyMap<string, string>;
  /** Names of the facts that begin so. */
  factNames(prefix: string): string[];
  event(eventId: string): EventRecord | undefined;
  events(query: EventQuery): EventRecord[];
  /** Those with a greater `seq`, ascending. */
  eventsAfter(seq: number, limit: number): EventRecord[];
  /** The highest `seq` ever given to an event that is kept, 0 when there is none. */
  highestEventSeq(): number;
  webhook(webhookId: string): WebhookRecord | undefined;
  /** Oldest first. */
  webhooks(): WebhookRecord[];
  /** By `eventSeq`. */
  webhookDeliveries(webhookId: string): WebhookDeliveryRecord[];
  /** Those with a greater `seq`, ascending. */
  auditAfter(seq: number, limit: number): AuditRecord[];
  /** Those with a smaller `seq`, newest first. */
  auditBefore(seq: number, limit: number): AuditRecord[];
}

/**
 * The gateway's memory. One writer commits in groups: a batch is in flight, everything that arrives meanwhile rides
 * the next.
 */
export interface Store {
  readonly read: StoreReader;
  /**
   * Resolves once the changes are on disk.
   *
   * @throws GatewayError `storage_unavailable` when there is no room (nothing of this commit was kept, the process
   * goes on), `internal_error` when a change cannot be applied. A failed sync or the writer's death is not reported
   * here: it ends the process.
   */
  commit(changes: readonly Change[]): Promise<void>;
  /**
   * Whether all that was decided so far is on disk: true at once where nothing is on its way there, else once that was
   * written or refused; false when some of it was refused, and by then is not decided any more. For whoever answers from
   * what stands in memory before it is kept.
   */
  kept(): true | Promise<boolean>;
  /** Called for each commit with events in it once it is on disk, before it is answered; in the order of commits. */
  onEvents(listener: (events: readonly EventRecord[]) => void): Unsubscribe;
  /**
   * From now on the audit log is kept, chained with this key: entries that were committed before are let go.
   *
   * @param end where it is known to have ended: it goes on behind that, also where entries up to there are gone
   */
  keepAudit(key: Uint8Array, end?: AuditHead): Promise<void>;
  /** Called with the newest entry of each commit that has any, once it is on disk. */
  onAudit(listener: (head: AuditHead) => void): Unsubscribe;
  /** Resolves once nothing that was deleted or replaced by then is left in any file of the store. */
  scrub(): Promise<void>;
  /** Whether new work can be accepted: false while the disk is full. Settlements are tried all the same. */
  readonly accepting: boolean;
  /** Waits for what is in flight, then releases everything. */
  close(): Promise<void>;
}
