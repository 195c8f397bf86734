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
      for (const change of changes) undone.push(this.#applyOne(change));
    } catch (error) {
      for (const undo of undone.reverse()) undo();
      throw error;
    }
  }

  #applyOne(change: NumberedChange): Undo {
    switch (change.kind) {
      case 'attempt_accepted':
        return this.#accept(change.attempt);
      case 'attempt_intent':
        return this.#changePending(change.actionAttemptId, { intent: true, history: change.history });
      case 'attempt_settled':
        return this.#changePending(change.actionAttemptId, {
          settlement: change.settlement,
          settledAt: change.settledAt,
          history: change.history,
        });
      case 'attempt_reworded': {
        const before = this.#attempts.get(String(change.attempt.seq));
        return before?.settlement === undefined
          ? () => {}
          : this.#attempts.put(String(change.attempt.seq), change.attempt);
      }
      case 'event_reworded':
        return this.#events.get(change.event.eventId) === undefined
          ? () => {}
          : this.#events.put(change.event.eventId, change.event);
      case 'access_code_put':
        return this.#codes.put(change.code.accessCodeId, change.code);
      case 'access_code_removed':
        return this.#codes.remove(change.accessCodeId);
      case 'unmanaged_code_put':
        return this.#unmanaged.put(change.code.accessCodeId, change.code);
      case 'unmanaged_code_removed':
        return this.#unmanaged.remove(change.accessCodeId);
      case 'noise_threshold_put':
        return this.#thresholds.put(change.threshold.noiseThresholdId, change.threshold);
      case 'noise_threshold_removed':
        return this.#thresholds.remove(change.noiseThresholdId);
      case 'user_identity_put':
        return this.#identities.put(change.identity.userIdentityId, change.identity);
      case 'user_identity_removed':
        return this.#identities.remove(change.userIdentityId);
      case 'space_put':
        return this.#spaces.put(change.space.spaceId, change.space);
      case 'space_removed':
        return this.#spaces.remove(change.spaceId);
      case 'access_grant_put':
        return this.#grants.put(change.grant.accessGrantId, change.grant);
      case 'access_grant_removed':
        return this.#grants.remove(change.accessGrantId);
      case 'access_method_put':
        return this.#methods.put(change.method.accessMethodId, change.method);
      case 'access_method_removed':
        return this.#methods.remove(change.accessMethodId);
      case 'idempotency_put':
        return this.#idempotency.put(change.record.scope, change.record);
      case 'fact_put':
        return this.#facts.put(change.name, change.value);
      case 'fact_removed':
        return this.#facts.remove(change.name);
      case 'webhook_put': {
        const { webhook } = change;
        const before = this.#webhooks.get(webhook.webhookId);
        return this.#webhooks.put(webhook.webhookId, { ...webhook, afterSeq: before?.afterSeq ?? webhook.afterSeq });
      }
      case 'webhook_removed': {
        const { webhookId } = change;
        const undos = this.webhookDeliveries(webhookId).map(({ eventSeq }) =>
          this.#deliveries.remove(`${webhookId} ${eventSeq}`),
        );
        undos.push(this.#webhooks.remove(webhookId));
        return () => {
          for (const undo of undos.reverse()) undo();
        };
      }
      case 'webhook_progress': {
        const before = this.#webhooks.get(change.webhookId);
        if (!before) return () => {};
        return this.#webhooks.put(change.webhookId, { ...before, afterSeq: change.afterSeq });
      }
      case 'webhook_delivery_put':
        return this.#deliveries.put(`${change.delivery.webhookId} ${change.delivery.eventSeq}`, change.delivery);
      case 'webhook_delivery_removed':
        return this.#deliveries.remove(`${change.webhookId} ${change.eventSeq}`);
      case 'audit_put':
        return this.#audit.add(change.entry);
      case 'audit_names_removed':
        return this.#audit.removeNames(change.seqs);
      case 'audit_pruned':
        return this.#audit.prune(change.seq);
      case 'event_put':
        if (this.#events.get(change.event.eventId) !== undefined) {
          throw cannotApply('event_put', 'SQLITE_CONSTRAINT_UNIQUE');
        }
        return this.#events.put(change.event.eventId, change.event);
    }
  }

  keepAudit(key: Uint8Array): void {
    this.#audit.keep(key);
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
