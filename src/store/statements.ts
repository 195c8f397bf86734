const putDocument = (table: string): string =>
  `INSERT INTO ${table} (id, document, sum) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET document = excluded.document, sum = excluded.sum`;

const mark = (name: string) => `(SELECT value FROM marks WHERE name = '${name}')`;
/** Rows up to it stand in the index tables. */
export const attemptsIndexedTo = mark('attempts_indexed_to');
export const eventsIndexedTo = mark('events_indexed_to');

/** The ids of the rows above the marks are in `recent_attempts` and `recent_events`, in the writer's memory. */
const seqOfId = (parameter: string) =>
  `coalesce((SELECT number FROM recent_attempts WHERE id = ${parameter}), (SELECT number FROM attempt_ids WHERE id = ${parameter}))`;

/** What the writer runs, by name. */
const sql = {
  attemptAccepted: `INSERT INTO attempts (seq, action_attempt_id, device_id, action_type, subject, actor, accepted_at,
      intent, settled_at, result, error, history, sum, state_sum)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
    WHERE NOT EXISTS (SELECT 1 FROM attempt_ids WHERE id = ?2)`,
  attemptIntent: `UPDATE attempts SET intent = 1, history = ?1, state_sum = ?3
    WHERE seq = ${seqOfId('?2')} AND settled_at IS NULL`,
  attemptSettled: `UPDATE attempts SET settled_at = ?1, result = ?2, error = ?3, history = ?4, state_sum = ?6
    WHERE seq = ${seqOfId('?5')} AND settled_at IS NULL`,
  attemptReworded: `UPDATE attempts SET subject = ?5, actor = ?6, result = ?10, error = ?11, history = ?12, sum = ?13,
      state_sum = ?14
    WHERE seq = ?1 AND action_attempt_id = ?2 AND device_id = ?3 AND action_type = ?4 AND accepted_at = ?7
      AND settled_at = ?9 AND ?8 IS NOT NULL`,
  attemptIdsFilled: `INSERT OR IGNORE INTO attempt_ids SELECT action_attempt_id, seq FROM attempts
    WHERE seq > ${attemptsIndexedTo} AND seq <= ?1 ORDER BY action_attempt_id`,
  attemptsOfDeviceFilled: `INSERT OR IGNORE INTO attempts_of_device SELECT device_id, seq FROM attempts
    WHERE seq > ${attemptsIndexedTo} AND seq <= ?1 ORDER BY device_id, seq`,
  attemptsForgotten: `DELETE FROM recent_attempts WHERE number <= ?1`,
  // One that came with a number below the mark.
  lateAttemptId: `INSERT OR IGNORE INTO attempt_ids SELECT action_attempt_id, seq FROM attempts
    WHERE seq = ?1 AND seq <= ${attemptsIndexedTo}`,
  lateAttemptOfDevice: `INSERT OR IGNORE INTO attempts_of_device SELECT device_id, seq FROM attempts
    WHERE seq = ?1 AND seq <= ${attemptsIndexedTo}`,
  eventIdsFilled: `INSERT OR IGNORE INTO event_ids SELECT event_id, seq FROM events
    WHERE seq > ${eventsIndexedTo} AND seq <= ?1 ORDER BY event_id`,
  eventsByTimeFilled: `INSERT OR IGNORE INTO events_by_time SELECT created_at, seq FROM events
    WHERE seq > ${eventsIndexedTo} AND seq <= ?1 ORDER BY created_at, seq`,
  indexedTo: `UPDATE marks SET value = ?2 WHERE name = ?1 AND value < ?2`,
  pendingFromLowered: `UPDATE marks SET value = ?1 WHERE name = 'pending_from' AND value > ?1`,
  pendingFromRaised: `UPDATE marks SET value = (
      SELECT coalesce(
        (SELECT seq FROM attempts WHERE seq >= marks.value AND settled_at IS NULL ORDER BY seq LIMIT 1),
        (SELECT max(seq) + 1 FROM attempts),
        marks.value))
    WHERE name = 'pending_from'`,
  accessCodePut: `INSERT INTO access_codes (access_code_id, device_id, name, sealed_code, status, starts_at, ends_at,
      created_at, details, sum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (access_code_id) DO UPDATE SET device_id = excluded.device_id, name = excluded.name,
      sealed_code = excluded.sealed_code, status = excluded.status, starts_at = excluded.starts_at,
      ends_at = excluded.ends_at, created_at = excluded.created_at, details = excluded.details, sum = excluded.sum`,
  accessCodeRemoved: `DELETE FROM access_codes WHERE access_code_id = ?`,
  unmanagedCodePut: `INSERT INTO unmanaged_codes (access_code_id, device_id, slot, name, sealed_code, created_at, sum)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (access_code_id) DO UPDATE SET device_id = excluded.device_id, slot = excluded.slot,
      name = excluded.name, sealed_code = excluded.sealed_code, created_at = excluded.created_at, sum = excluded.sum`,
  unmanagedCodeRemoved: `DELETE FROM unmanaged_codes WHERE access_code_id = ?`,
  noiseThresholdPut: `INSERT INTO noise_thresholds (noise_threshold_id, device_id, name, starts_daily_at,
      ends_daily_at, time_zone, decibels, sustained_ms, created_at, sum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (noise_threshold_id) DO UPDATE SET device_id = excluded.device_id, name = excluded.name,
      starts_daily_at = excluded.starts_daily_at, ends_daily_at = excluded.ends_daily_at,
      time_zone = excluded.time_zone, decibels = excluded.decibels, sustained_ms = excluded.sustained_ms,
      created_at = excluded.created_at, sum = excluded.sum`,
  noiseThresholdRemoved: `DELETE FROM noise_thresholds WHERE noise_threshold_id = ?`,
  userIdentityPut: putDocument('user_identities'),
  userIdentityRemoved: `DELETE FROM user_identities WHERE id = ?`,
  spacePut: putDocument('spaces'),
  spaceRemoved: `DELETE FROM spaces WHERE id = ?`,
  accessGrantPut: putDocument('access_grants'),
  accessGrantRemoved: `DELETE FROM access_grants WHERE id = ?`,
  accessMethodPut: putDocument('access_methods'),
  accessMethodRemoved: `DELETE FROM access_methods WHERE id = ?`,
  idempotencyPut: `INSERT OR REPLACE INTO idempotency (scope, fingerprint, action_attempt_id, created_at, sum)
    VALUES (?, ?, ?, ?, ?)`,
  eventPut: `INSERT INTO events (seq, event_id, event_type, device_id, access_code_id, action_attempt_id,
      noise_threshold_id, access_grant_id, access_method_id, space_id, occurred_at, created_at, details, sum)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
    WHERE NOT EXISTS (SELECT 1 FROM event_ids WHERE id = ?2)`,
  eventReworded: `UPDATE events SET details = ?2, sum = ?3 WHERE seq = ?1`,
  eventsForgotten: `DELETE FROM recent_events WHERE number <= ?1`,
  webhookPut: `INSERT INTO webhooks (webhook_id, url, event_types, sealed_secret, key_id, created_at, sum, after_seq,
      progress_sum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (webhook_id) DO UPDATE SET url = excluded.url, event_types = excluded.event_types,
      sealed_secret = excluded.sealed_secret, key_id = excluded.key_id, created_at = excluded.created_at,
      sum = excluded.sum`,
  webhookRemoved: `DELETE FROM webhooks WHERE webhook_id = ?`,
  webhookDeliveriesRemoved: `DELETE FROM webhook_deliveries WHERE webhook_id = ?`,
  webhookProgress: `UPDATE webhooks SET after_seq = ?, progress_sum = ? WHERE webhook_id = ?`,
  webhookDeliveryPut: `INSERT OR REPLACE INTO webhook_deliveries (webhook_id, event_seq, object_key, tries, next_at, sum)
    VALUES (?, ?, ?, ?, ?, ?)`,
  webhookDeliveryRemoved: `DELETE FROM webhook_deliveries WHERE webhook_id = ? AND event_seq = ?`,
  auditPut: `INSERT INTO audit (seq, entry, name, hash, sum) VALUES (?, ?, ?, ?, ?)`,
  auditNameRemoved: `UPDATE audit SET name = NULL WHERE seq = ?`,
  auditPruned: `DELETE FROM audit WHERE seq <= ?`,
  factPut: `INSERT OR REPLACE INTO facts (name, value, sum) VALUES (?, ?, ?)`,
  factRemoved: `DELETE FROM facts WHERE name = ?`,
  // The newest attempt stays, so that sequence numbers go on from it.
  attemptsPruned: `DELETE FROM attempts WHERE seq IN (
      SELECT seq FROM (SELECT seq, settled_at FROM attempts ORDER BY seq LIMIT ?1) WHERE settled_at < ?2)
    AND seq < (SELECT max(seq) FROM attempts)`,
  // The newest event stays for the same reason.
  eventsPruned: `DELETE FROM events WHERE seq IN (
      SELECT seq FROM (SELECT seq, created_at FROM events ORDER BY seq LIMIT ?1)
      WHERE created_at < ?2 OR seq <= (SELECT max(seq) FROM events) - ?3)
    AND seq < (SELECT max(seq) FROM events)`,
  idempotencyPruned: `DELETE FROM idempotency WHERE number IN (
      SELECT number FROM (SELECT number, created_at FROM idempotency ORDER BY number LIMIT ?1) WHERE created_at < ?2)`,
} as const;

export type StatementName = keyof typeof sql;

const names = Object.keys(sql) as StatementName[];

/** In the order in which the writer is given them. */
export const statementTexts: readonly string[] = Object.values(sql);

export const statementIndex = Object.fromEntries(names.map((name, index) => [name, index])) as Readonly<
  Record<StatementName, number>
>;
