import type { AuditRecord } from '../model/audit.ts';
import type { AccessGrantRecord, AccessMethodRecord, SpaceRecord, UserIdentityRecord } from '../model/grant-records.ts';
import type {
  AccessCodeRecord,
  AttemptRecord,
  AttemptStatus,
  EventRecord,
  IdempotencyRecord,
  NoiseThresholdRecord,
  UnmanagedCodeRecord,
  WebhookDeliveryRecord,
  WebhookRecord,
} from '../model/records.ts';
import type { AttemptQuery, EventQuery, StoreReader } from '../model/store.ts';
import { isAskedFor } from './attempt-query.ts';
import { auditRecordColumns, auditRecordOf } from './audit-columns.ts';
import { type Column, idColumn, idOf } from './columns.ts';
import { byCreation, meets } from './event-query.ts';
import { auditListedOf, factOf, namedFactOf } from './read-row.ts';
import { RecentRows } from './recent-rows.ts';
import type { Bounds } from './retention.ts';
import { RowConnection } from './row-connection.ts';
import {
  attemptColumns,
  attemptOf,
  codeColumns,
  codeOf,
  deliveryColumns,
  deliveryOf,
  documentColumns,
  eventColumns,
  eventOf,
  eventParameters,
  eventsSelect,
  grantOf,
  idempotencyColumns,
  idempotencyOf,
  identityOf,
  methodOf,
  spaceOf,
  thresholdColumns,
  thresholdOf,
  unmanagedColumns,
  unmanagedOf,
  webhookColumns,
  webhookOf,
} from './sqlite-rows.ts';
import { attemptsIndexedTo, eventsIndexedTo } from './statements.ts';

/** Every pending attempt is at or above the mark: without it, looking for none would read them all. */
const statusConditions: Readonly<Record<AttemptStatus, string>> = {
  pending: "settled_at IS NULL AND seq >= (SELECT value FROM marks WHERE name = 'pending_from')",
  success: 'result IS NOT NULL',
  error: 'error IS NOT NULL',
};

/** Tables that a start takes up as a whole. */
const everyCode = `SELECT ${codeColumns} FROM access_codes ORDER BY number`;
const everyUnmanagedCode = `SELECT ${unmanagedColumns} FROM unmanaged_codes ORDER BY number`;
const everyDocument = (table: string) => `SELECT ${documentColumns} FROM ${table} ORDER BY number`;
const everyIdentity = everyDocument('user_identities');
const everySpace = everyDocument('spaces');
const everyGrant = everyDocument('access_grants');
const everyMethod = everyDocument('access_methods');

/** The connection that only reads: on the main thread, beside the writer's, and never waiting for it. */
export class SqliteReader implements StoreReader {
  readonly #rows: RowConnection;
  /** Whoever commits tells them of what is on disk. */
  readonly recentAttempts = new RecentRows();
  readonly recentEvents = new RecentRows();

  /**
   * @param path of a database that the writer has brought up to date
   * @param onDamage told of each row that is not as it was written, each time it is come across
   */
  constructor(path: string, onDamage?: (place: string) => void) {
    this.#rows = new RowConnection(path, onDamage);
    this.#learn(
      this.recentAttempts,
      `SELECT action_attempt_id, seq, device_id FROM attempts WHERE seq > ${attemptsIndexedTo}`,
    );
    this.#learn(this.recentEvents, `SELECT event_id, seq, device_id FROM events WHERE seq > ${eventsIndexedTo}`);
  }

  #learn(rows: RecentRows, sql: string): void {
    const learnt = this.#rows.all(sql, ([id, seq, device]) => ({
      id: idOf(id ?? null),
      seq: Number(seq),
      deviceId: device === null || device === undefined ? undefined : idOf(device),
    }));
    for (const row of learnt) rows.add(row);
  }

  attempt(actionAttemptId: string): AttemptRecord | undefined {
    const seq = this.recentAttempts.seqOf(actionAttemptId);
    const found =
      seq === undefined
        ? this.#rows.one(
            `SELECT ${attemptColumns} FROM attempts WHERE seq = (SELECT number FROM attempt_ids WHERE id = ?)`,
            attemptOf,
            [idColumn(actionAttemptId)],
          )
        : this.#rows.one(`SELECT ${attemptColumns} FROM attempts WHERE seq = ?`, attemptOf, [seq]);
    return found?.actionAttemptId === actionAttemptId ? found : this.#rows.missing('action attempt');
  }

  attempts(query: AttemptQuery): AttemptRecord[] {
    const { actionAttemptIds, deviceId, deviceIds, actionTypes, status, limit } = query;
    const { beforeSeq = Number.MAX_SAFE_INTEGER } = query;
    if (actionAttemptIds !== undefined) {
      return [...new Set(actionAttemptIds)]
        .map((id) => this.attempt(id))
        .filter((attempt) => attempt !== undefined)
        .filter((attempt) => isAskedFor(attempt, query))
        .sort((a, b) => b.seq - a.seq)
        .slice(0, limit);
    }
    const conditions: string[] = [];
    const parameters: Column[] = [];
    if (actionTypes !== undefined) {
      conditions.push('action_type IN (SELECT value FROM json_each(?))');
      parameters.push(JSON.stringify(actionTypes));
    }
    if (status !== undefined) conditions.push(statusConditions[status]);
    const also = conditions.map((condition) => ` AND ${condition}`).join('');
    const devices = deviceId === undefined ? deviceIds : deviceIds?.includes(deviceId) === false ? [] : [deviceId];
    if (devices !== undefined) {
      return [...new Set(devices)]
        .flatMap((device) => this.#attemptsOfDevice(device, { beforeSeq, also, parameters, limit }))
        .sort((a, b) => b.seq - a.seq)
        .slice(0, limit);
    }
    return this.#rows.all(
      `SELECT ${attemptColumns} FROM attempts WHERE seq < ?${also} ORDER BY seq DESC LIMIT ?`,
      attemptOf,
      [beforeSeq, ...parameters, limit],
    );
  }

  /** Newest first: those above the mark one by one, those below it through their index table. */
  #attemptsOfDevice(
    deviceId: string,
    wanted: {
      readonly beforeSeq: number;
      /** Further conditions, each with its ` AND `, and their parameters. */
      readonly also: string;
      readonly parameters: readonly Column[];
      readonly limit: number;
    },
  ): AttemptRecord[] {
    const { beforeSeq, also, parameters, limit } = wanted;
    const device = idColumn(deviceId);
    // Read once: rows may be indexed between the two queries.
    const mark = this.#rows.one(`SELECT ${attemptsIndexedTo}`, ([value]) => Number(value)) ?? 0;
    const recent = this.recentAttempts.hasOfDevice(deviceId)
      ? this.#rows.all(
          `SELECT ${attemptColumns} FROM attempts WHERE seq < ? AND seq > ? AND device_id = ?${also}
           ORDER BY seq DESC LIMIT ?`,
          attemptOf,
          [beforeSeq, mark, device, ...parameters, limit],
        )
      : [];
    if (recent.length >= limit) return recent;
    const earlier = this.#rows.all(
      `SELECT ${attemptColumns} FROM attempts_of_device CROSS JOIN attempts ON seq = number
       WHERE of_device = ? AND number < ? AND number <= ?${also} ORDER BY number DESC LIMIT ?`,
      attemptOf,
      [device, beforeSeq, mark, ...parameters, limit - recent.length],
    );
    return [...recent, ...earlier];
  }

  pendingAttempts(): AttemptRecord[] {
    return this.#rows.all(
      `SELECT ${attemptColumns} FROM attempts
       WHERE seq >= (SELECT value FROM marks WHERE name = 'pending_from') AND settled_at IS NULL ORDER BY seq`,
      attemptOf,
    );
  }

  lastSettledAttempt(deviceId: string): AttemptRecord | undefined {
    const settled = {
      beforeSeq: Number.MAX_SAFE_INTEGER,
      also: ' AND settled_at IS NOT NULL',
      parameters: [],
      limit: 1,
    };
    return this.#attemptsOfDevice(deviceId, settled)[0];
  }

  highestSeq(): number {
    return this.#rows.one('SELECT max(seq) FROM attempts', ([seq]) => Number(seq ?? 0)) ?? 0;
  }

  accessCode(accessCodeId: string): AccessCodeRecord | undefined {
    return this.#rows.one(`SELECT ${codeColumns} FROM access_codes WHERE access_code_id = ?`, codeOf, [
      idColumn(accessCodeId),
    ]);
  }

  accessCodes(deviceId?: string): AccessCodeRecord[] {
    if (deviceId === undefined) return this.#rows.table(everyCode, codeOf);
    return this.#rows.all(`SELECT ${codeColumns} FROM access_codes WHERE device_id = ? ORDER BY number`, codeOf, [
      idColumn(deviceId),
    ]);
  }

  unmanagedCodes(deviceId?: string): UnmanagedCodeRecord[] {
    if (deviceId === undefined) return this.#rows.table(everyUnmanagedCode, unmanagedOf);
    return this.#rows.all(
      `SELECT ${unmanagedColumns} FROM unmanaged_codes WHERE device_id = ? ORDER BY number`,
      unmanagedOf,
      [idColumn(deviceId)],
    );
  }

  noiseThreshold(noiseThresholdId: string): NoiseThresholdRecord | undefined {
    return this.#rows.one(
      `SELECT ${thresholdColumns} FROM noise_thresholds WHERE noise_threshold_id = ?`,
      thresholdOf,
      [idColumn(noiseThresholdId)],
    );
  }

  noiseThresholds(deviceId?: string): NoiseThresholdRecord[] {
    if (deviceId === undefined) {
      return this.#rows.all(`SELECT ${thresholdColumns} FROM noise_thresholds ORDER BY number`, thresholdOf);
    }
    return this.#rows.all(
      `SELECT ${thresholdColumns} FROM noise_thresholds WHERE device_id = ? ORDER BY number`,
      thresholdOf,
      [idColumn(deviceId)],
    );
  }

  userIdentities(): UserIdentityRecord[] {
    return this.#rows.table(everyIdentity, identityOf);
  }

  spaces(): SpaceRecord[] {
    return this.#rows.table(everySpace, spaceOf);
  }

  accessGrants(): AccessGrantRecord[] {
    return this.#rows.table(everyGrant, grantOf);
  }

  accessMethods(): AccessMethodRecord[] {
    return this.#rows.table(everyMethod, methodOf);
  }

  idempotency(scope: string): IdempotencyRecord | undefined {
    return this.#rows.one(`SELECT ${idempotencyColumns} FROM idempotency WHERE scope = ?`, idempotencyOf, [scope]);
  }

  fact(name: string): string | undefined {
    return this.#rows.all('SELECT name, value, sum FROM facts WHERE name = ?', factOf, [name])[0];
  }

  facts(prefix: string): ReadonlyMap<string, string> {
    const sql = 'SELECT name, value, sum FROM facts WHERE substr(name, 1, ?) = ?';
    return new Map(this.#rows.all(sql, namedFactOf, [prefix.length, prefix]));
  }

  factNames(prefix: string): string[] {
    const sql = 'SELECT name FROM facts WHERE substr(name, 1, ?) = ?';
    return this.#rows.all(sql, ([name]) => String(name), [prefix.length, prefix]);
  }

  /** As it lies there, also where it is not what was written: for whoever verifies it otherwise. */
  unverifiedFact(name: string): string | undefined {
    return this.#rows.one(
      'SELECT CAST(value AS BLOB) FROM facts WHERE name = ?',
      ([value]) => String(Buffer.from(value as Uint8Array)),
      [name],
    );
  }

  event(eventId: string): EventRecord | undefined {
    const seq = this.recentEvents.seqOf(eventId);
    if (seq !== undefined) return this.#rows.one(`SELECT ${eventColumns} FROM events WHERE seq = ?`, eventOf, [seq]);
    const found = this.#rows.one(
      `SELECT ${eventColumns} FROM events WHERE seq = (SELECT number FROM event_ids WHERE id = ?)`,
      eventOf,
      [idColumn(eventId)],
    );
    return found ?? this.#rows.missing('event');
  }

  events(query: EventQuery): EventRecord[] {
    const { eventIds, limit } = query;
    if (eventIds !== undefined) {
      const { eventIds: _, ...others } = query;
      return [...new Set(eventIds)]
        .map((id) => this.event(id))
        .filter((event) => event !== undefined)
        .filter((event) => meets(event, others))
        .sort(byCreation(query.newestFirst))
        .slice(0, limit);
    }
    // Two lists in the order asked for, and the mark between them read once: rows may be indexed meanwhile.
    const mark = this.#rows.one(`SELECT ${eventsIndexedTo}`, ([value]) => Number(value)) ?? 0;
    const parameters = [...eventParameters(query), mark];
    const listed = (from: string, at: string, number: string) =>
      this.#rows.all(eventsSelect(from, { at, number, newestFirst: query.newestFirst }), eventOf, parameters);
    const indexed = listed('events_by_time CROSS JOIN events ON seq = number WHERE number <= ?10', 'moment', 'number');
    const recent = listed('events WHERE seq > ?10', 'created_at', 'seq');
    if (recent.length === 0) return indexed;
    return [...indexed, ...recent].sort(byCreation(query.newestFirst)).slice(0, limit);
  }

  eventsAfter(seq: number, limit: number): EventRecord[] {
    return this.#rows.all(`SELECT ${eventColumns} FROM events WHERE seq > ? ORDER BY seq LIMIT ?`, eventOf, [
      seq,
      limit,
    ]);
  }

  webhook(webhookId: string): WebhookRecord | undefined {
    return this.#rows.one(`SELECT ${webhookColumns} FROM webhooks WHERE webhook_id = ?`, webhookOf, [
      idColumn(webhookId),
    ]);
  }

  webhooks(): WebhookRecord[] {
    return this.#rows.all(`SELECT ${webhookColumns} FROM webhooks ORDER BY number`, webhookOf);
  }

  webhookDeliveries(webhookId: string): WebhookDeliveryRecord[] {
    return this.#rows.all(
      `SELECT ${deliveryColumns} FROM webhook_deliveries WHERE webhook_id = ? ORDER BY event_seq`,
      deliveryOf,
      [idColumn(webhookId)],
    );
  }

  auditAfter(seq: number, limit: number): AuditRecord[] {
    return this.#rows.all(`SELECT ${auditRecordColumns} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`, auditRecordOf, [
      seq,
      limit,
    ]);
  }

  auditBefore(seq: number, limit: number): AuditRecord[] {
    return this.#rows.all(
      `SELECT ${auditRecordColumns} FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?`,
      auditListedOf,
      [seq, limit],
    );
  }

  highestEventSeq(): number {
    return this.#rows.one('SELECT max(seq) FROM events', ([seq]) => Number(seq ?? 0)) ?? 0;
  }

  /** Whether one of the `rows` oldest rows is outside the bounds. */
  hasOlder(rows: number, { attemptsBefore, eventsBefore, idempotencyBefore, events }: Bounds): boolean {
    const found = this.#rows.one(
      `SELECT 1 WHERE EXISTS (
         SELECT 1 FROM (SELECT seq, settled_at FROM attempts ORDER BY seq LIMIT ?1)
         WHERE settled_at < ?2 AND seq < (SELECT max(seq) FROM attempts))
       OR EXISTS (SELECT 1 FROM (SELECT created_at FROM idempotency ORDER BY number LIMIT ?1) WHERE created_at < ?3)
       OR EXISTS (SELECT 1 FROM (SELECT seq, created_at FROM events ORDER BY seq LIMIT ?1)
         WHERE (created_at < ?5 AND seq < (SELECT max(seq) FROM events))
           OR seq <= (SELECT max(seq) FROM events) - ?4)`,
      () => true,
      [rows, attemptsBefore, idempotencyBefore, events, eventsBefore],
    );
    return found === true;
  }

  /** Comes across every row of what is small, and the newest of the rest, so that damage is told of at the start. */
  lookAtRows(most: number): void {
    this.#rows.look(everyCode, codeOf);
    this.#rows.look(everyUnmanagedCode, unmanagedOf);
    this.#rows.look(everyIdentity, identityOf);
    this.#rows.look(everySpace, spaceOf);
    this.#rows.look(everyGrant, grantOf);
    this.#rows.look(everyMethod, methodOf);
    this.noiseThresholds();
    this.#rows.all('SELECT name, value, sum FROM facts', factOf);
    for (const { webhookId } of this.webhooks()) this.webhookDeliveries(webhookId);
    this.#rows.all(`SELECT ${idempotencyColumns} FROM idempotency ORDER BY number DESC LIMIT ?`, idempotencyOf, [most]);
    this.#rows.all(`SELECT ${attemptColumns} FROM attempts ORDER BY seq DESC LIMIT ?`, attemptOf, [most]);
    this.#rows.all(`SELECT ${eventColumns} FROM events ORDER BY seq DESC LIMIT ?`, eventOf, [most]);
    this.auditBefore(Number.MAX_SAFE_INTEGER, most);
  }

  /** From now on what was come across at the start may not be all. */
  forgetLooked(): void {
    this.#rows.forgetLooked();
  }

  close(): void {
    this.#rows.close();
  }
}
