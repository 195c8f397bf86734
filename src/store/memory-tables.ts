import type { AuditRecord } from '../model/audit.ts';
import type { AccessGrantRecord, AccessMethodRecord, SpaceRecord, UserIdentityRecord } from '../model/grant-records.ts';
import type {
  AccessCodeRecord,
  AttemptRecord,
  EventRecord,
  IdempotencyRecord,
  NoiseThresholdRecord,
  UnmanagedCodeRecord,
  WebhookDeliveryRecord,
  WebhookRecord,
} from '../model/records.ts';
import type { AttemptQuery, AuditHead, Change, EventQuery, StoreReader } from '../model/store.ts';
import { isAskedFor } from './attempt-query.ts';
import { byCreation, meets } from './event-query.ts';
import { MemoryAudit } from './memory-audit.ts';
import { alreadyAccepted, cannotApply, notPending } from './store-errors.ts';

type Undo = () => void;

/** A map that remembers how to take each change back, and when a key was first put. */
class Table<Row> {
  readonly #rows = new Map<string, { readonly order: number; readonly row: Row }>();
  #nextOrder = 0;

  /** Takes over all rows of another table. */
  fill(from: Table<Row>): void {
    for (const [key, entry] of from.#rows) this.#rows.set(key, entry);
    this.#nextOrder = from.#nextOrder;
  }

  keys(): string[] {
    return [...this.#rows.keys()];
  }

  get(key: string): Row | undefined {
    return this.#rows.get(key)?.row;
  }

  /** In the order in which the keys were first put. */
  rows(): Row[] {
    return [...this.#rows.values()].sort((a, b) => a.order - b.order).map(({ row }) => row);
  }

  put(key: string, row: Row): Undo {
    const before = this.#rows.get(key);
    this.#rows.set(key, { order: before?.order ?? this.#nextOrder++, row });
    return () => (before === undefined ? this.#rows.delete(key) : this.#rows.set(key, before));
  }

  remove(key: string): Undo {
    const before = this.#rows.get(key);
    this.#rows.delete(key);
    return () => before !== undefined && this.#rows.set(key, before);
  }
}

/** A change whose events have their numbers. */
export type NumberedChange =
  | Exclude<Change, { kind: 'event_put' }>
  | { readonly kind: 'event_put'; readonly event: EventRecord };

/** What the in-memory store holds as committed. */
export class MemoryTables implements StoreReader {
  /** By `seq`. */
  readonly #attempts = new Table<AttemptRecord>();
  readonly #seqs = new Table<number>();
  readonly #codes = new Table<AccessCodeRecord>();
  readonly #unmanaged = new Table<UnmanagedCodeRecord>();
  readonly #thresholds = new Table<NoiseThresholdRecord>();
  readonly #identities = new Table<UserIdentityRecord>();
  readonly #spaces = new Table<SpaceRecord>();
  readonly #grants = new Table<AccessGrantRecord>();
  readonly #methods = new Table<AccessMethodRecord>();
  readonly #idempotency = new Table<IdempotencyRecord>();
  readonly #facts = new Table<string>();
  readonly #webhooks = new Table<WebhookRecord>();
  /** By webhook and `eventSeq`. */
  readonly #deliveries = new Table<WebhookDeliveryRecord>();
  readonly #audit = new MemoryAudit();
  /** By id, in the order of `seq`. */
  readonly #events = new Table<EventRecord>();

  /** How a change is made, and taken back, by its kind. */
  readonly #makers: {
    readonly [Kind in NumberedChange['kind']]: (change: Extract<NumberedChange, { kind: Kind }>) => Undo;
  } = {
    attempt_accepted: (change) => this.#accept(change.attempt),
    attempt_intent: (change) => this.#changePending(change.actionAttemptId, { intent: true, history: change.history }),
    attempt_settled: (change) =>
      this.#changePending(change.actionAttemptId, {
        settlement: change.settlement,
        settledAt: change.settledAt,
        history: change.history,
      }),
    attempt_reworded: (change) => {
      const before = this.#attempts.get(String(change.attempt.seq));
      return before?.settlement === undefined
        ? () => {}
        : this.#attempts.put(String(change.attempt.seq), change.attempt);
    },
    event_reworded: (change) =>
      this.#events.get(change.event.eventId) === undefined
        ? () => {}
        : this.#events.put(change.event.eventId, change.event),
    access_code_put: (change) => this.#codes.put(change.code.accessCodeId, change.code),
    access_code_removed: (change) => this.#codes.remove(change.accessCodeId),
    unmanaged_code_put: (change) => this.#unmanaged.put(change.code.accessCodeId, change.code),
    unmanaged_code_removed: (change) => this.#unmanaged.remove(change.accessCodeId),
    noise_threshold_put: (change) => this.#thresholds.put(change.threshold.noiseThresholdId, change.threshold),
    noise_threshold_removed: (change) => this.#thresholds.remove(change.noiseThresholdId),
    user_identity_put: (change) => this.#identities.put(change.identity.userIdentityId, change.identity),
    user_identity_removed: (change) => this.#identities.remove(change.userIdentityId),
    space_put: (change) => this.#spaces.put(change.space.spaceId, change.space),
    space_removed: (change) => this.#spaces.remove(change.spaceId),
    access_grant_put: (change) => this.#grants.put(change.grant.accessGrantId, change.grant),
    access_grant_removed: (change) => this.#grants.remove(change.accessGrantId),
    access_method_put: (change) => this.#methods.put(change.method.accessMethodId, change.method),
    access_method_removed: (change) => this.#methods.remove(change.accessMethodId),
    idempotency_put: (change) => this.#idempotency.put(change.record.scope, change.record),
    fact_put: (change) => this.#facts.put(change.name, change.value),
    fact_removed: (change) => this.#facts.remove(change.name),
    webhook_put: (change) => {
      const { webhook } = change;
      const before = this.#webhooks.get(webhook.webhookId);
      return this.#webhooks.put(webhook.webhookId, { ...webhook, afterSeq: before?.afterSeq ?? webhook.afterSeq });
    },
    webhook_removed: (change) => {
      const { webhookId } = change;
      const undos = this.webhookDeliveries(webhookId).map(({ eventSeq }) =>
        this.#deliveries.remove(`${webhookId} ${eventSeq}`),
      );
      undos.push(this.#webhooks.remove(webhookId));
      return () => {
        for (const undo of undos.reverse()) undo();
      };
    },
    webhook_progress: (change) => {
      const before = this.#webhooks.get(change.webhookId);
      if (!before) return () => {};
      return this.#webhooks.put(change.webhookId, { ...before, afterSeq: change.afterSeq });
    },
    webhook_delivery_put: (change) =>
      this.#deliveries.put(`${change.delivery.webhookId} ${change.delivery.eventSeq}`, change.delivery),
    webhook_delivery_removed: (change) => this.#deliveries.remove(`${change.webhookId} ${change.eventSeq}`),
    audit_put: (change) => this.#audit.add(change.entry),
    audit_names_removed: (change) => this.#audit.removeNames(change.seqs),
    audit_pruned: (change) => this.#audit.prune(change.seq),
    event_put: (change) => {
      if (this.#events.get(change.event.eventId) !== undefined) {
        throw cannotApply('event_put', 'SQLITE_CONSTRAINT_UNIQUE');
      }
      return this.#events.put(change.event.eventId, change.event);
    },
  };

  copy(): MemoryTables {
    const copy = new MemoryTables();
    copy.#attempts.fill(this.#attempts);
    copy.#seqs.fill(this.#seqs);
    copy.#codes.fill(this.#codes);
    copy.#unmanaged.fill(this.#unmanaged);
    copy.#thresholds.fill(this.#thresholds);
    copy.#identities.fill(this.#identities);
    copy.#spaces.fill(this.#spaces);
    copy.#grants.fill(this.#grants);
    copy.#methods.fill(this.#methods);
    copy.#idempotency.fill(this.#idempotency);
    copy.#facts.fill(this.#facts);
    copy.#events.fill(this.#events);
    copy.#webhooks.fill(this.#webhooks);
    copy.#deliveries.fill(this.#deliveries);
    copy.#audit.fill(this.#audit);
    return copy;
  }

  /** All of the changes or, when one cannot be applied, none. */
  apply(changes: readonly NumberedChange[]): void {
    const undone: Undo[] = [];
    try {
      for (const change of changes)
        undone.push((this.#makers[change.kind] as (change: NumberedChange) => Undo)(change));
    } catch (error) {
      for (const undo of undone.reverse()) undo();
      throw error;
    }
  }

  keepAudit(key: Uint8Array, end?: AuditHead): void {
    this.#audit.keep(key, end);
  }

  auditHead(): AuditHead | undefined {
    return this.#audit.head;
  }

  auditAfter(seq: number, limit: number): AuditRecord[] {
    return this.#audit.after(seq, limit);
  }

  auditBefore(seq: number, limit: number): AuditRecord[] {
    return this.#audit.before(seq, limit);
  }

  #accept(attempt: AttemptRecord): Undo {
    const { seq, actionAttemptId } = attempt;
    if (this.#attempts.get(`${seq}`) !== undefined || this.#seqs.get(actionAttemptId) !== undefined) {
      throw alreadyAccepted(actionAttemptId, seq);
    }
    const forgetRow = this.#attempts.put(`${seq}`, attempt);
    const forgetId = this.#seqs.put(actionAttemptId, seq);
    return () => {
      forgetId();
      forgetRow();
    };
  }

  #changePending(actionAttemptId: string, change: Partial<AttemptRecord>): Undo {
    const attempt = this.attempt(actionAttemptId);
    if (attempt === undefined || attempt.settlement !== undefined) throw notPending(actionAttemptId);
    return this.#attempts.put(`${attempt.seq}`, { ...attempt, ...change });
  }

  attempt(actionAttemptId: string): AttemptRecord | undefined {
    return this.#attempts.get(`${this.#seqs.get(actionAttemptId)}`);
  }

  attempts(query: AttemptQuery): AttemptRecord[] {
    return this.#newestFirst()
      .filter((attempt) => isAskedFor(attempt, query))
      .slice(0, query.limit);
  }

  pendingAttempts(): AttemptRecord[] {
    return this.#newestFirst()
      .filter(({ settlement }) => settlement === undefined)
      .reverse();
  }

  lastSettledAttempt(deviceId: string): AttemptRecord | undefined {
    return this.#newestFirst().find((attempt) => attempt.deviceId === deviceId && attempt.settlement !== undefined);
  }

  highestSeq(): number {
    return this.#newestFirst()[0]?.seq ?? 0;
  }

  accessCode(accessCodeId: string): AccessCodeRecord | undefined {
    return this.#codes.get(accessCodeId);
  }

  accessCodes(deviceId?: string): AccessCodeRecord[] {
    return this.#codes.rows().filter((code) => deviceId === undefined || code.deviceId === deviceId);
  }

  unmanagedCodes(deviceId?: string): UnmanagedCodeRecord[] {
    return this.#unmanaged.rows().filter((code) => deviceId === undefined || code.deviceId === deviceId);
  }

  noiseThreshold(noiseThresholdId: string): NoiseThresholdRecord | undefined {
    return this.#thresholds.get(noiseThresholdId);
  }

  noiseThresholds(deviceId?: string): NoiseThresholdRecord[] {
    return this.#thresholds.rows().filter((threshold) => deviceId === undefined || threshold.deviceId === deviceId);
  }

  userIdentities(): UserIdentityRecord[] {
    return this.#identities.rows();
  }

  spaces(): SpaceRecord[] {
    return this.#spaces.rows();
  }

  accessGrants(): AccessGrantRecord[] {
    return this.#grants.rows();
  }

  accessMethods(): AccessMethodRecord[] {
    return this.#methods.rows();
  }

  idempotency(scope: string): IdempotencyRecord | undefined {
    return this.#idempotency.get(scope);
  }

  fact(name: string): string | undefined {
    return this.#facts.get(name);
  }

  facts(prefix: string): ReadonlyMap<string, string> {
    return new Map(this.factNames(prefix).map((name) => [name, this.#facts.get(name) ?? '']));
  }

  factNames(prefix: string): string[] {
    return this.#facts.keys().filter((name) => name.startsWith(prefix));
  }

  event(eventId: string): EventRecord | undefined {
    return this.#events.get(eventId);
  }

  events({ limit, newestFirst, ...conditions }: EventQuery): EventRecord[] {
    return this.#events
      .rows()
      .filter((event) => meets(event, conditions))
      .sort(byCreation(newestFirst))
      .slice(0, limit);
  }

  eventsAfter(seq: number, limit: number): EventRecord[] {
    return this.#events
      .rows()
      .filter((event) => event.seq > seq)
      .slice(0, limit);
  }

  webhook(webhookId: string): WebhookRecord | undefined {
    return this.#webhooks.get(webhookId);
  }

  webhooks(): WebhookRecord[] {
    return this.#webhooks.rows();
  }

  webhookDeliveries(webhookId: string): WebhookDeliveryRecord[] {
    return this.#deliveries
      .rows()
      .filter((delivery) => delivery.webhookId === webhookId)
      .sort((a, b) => a.eventSeq - b.eventSeq);
  }

  highestEventSeq(): number {
    return this.#events.rows().at(-1)?.seq ?? 0;
  }

  #newestFirst(): AttemptRecord[] {
    return this.#attempts.rows().sort((a, b) => b.seq - a.seq);
  }
}
