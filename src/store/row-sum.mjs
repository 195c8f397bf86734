// What a row's columns come to, so that a bit that the disk flipped is noticed. Plain JavaScript: the writer's thread
// uses it as well.
import { crc32 } from 'node:zlib';

/**
 * CRC-32 over the columns as they are given to the database or come back from it.
 * @param {readonly unknown[]} columns null, numbers, texts, bytes, or bytes as `{ hex }`
 * @param {number} [count] only so many of them
 * @returns {number}
 */
export function rowSum(columns, count = columns.length) {
  let shape = '';
  for (let at = 0; at < count; at++) {
    const column = columns[at];
    if (at > 0) shape += '\0';
    if (column === null || column === undefined) shape += 'n';
    else if (typeof column === 'number') shape += `d${column}`;
    // As it is stored: a lone surrogate has no UTF-8.
    else if (typeof column === 'string') shape += `s${column.toWellFormed()}`;
    else if (column instanceof Uint8Array) shape += `x${Buffer.from(column).toString('hex')}`;
    else shape += `x${/** @type {{ readonly hex: string }} */ (column).hex}`;
  }
  return crc32(shape);
}

/** @import { Database } from 'libsql' */

// Gives rows from before migration 0009 their sums, once: from then on a row without one was damaged.

const document = ['id', 'document'];
/** The columns of each sum, in the order in which they are written (change-steps.ts), and what tells a row. */
const sums = /** @type {const} */ ([
  ['attempts', 'sum', ['seq', 'action_attempt_id', 'device_id', 'action_type', 'subject', 'actor', 'accepted_at']],
  [
    'attempts',
    'state_sum',
    ["CASE WHEN settled_at IS NULL THEN intent ELSE 'settled' END", 'settled_at', 'result', 'error', 'history'],
  ],
  [
    'events',
    'sum',
    [
      ...['seq', 'event_id', 'event_type', 'device_id', 'access_code_id', 'action_attempt_id', 'noise_threshold_id'],
      ...['access_grant_id', 'access_method_id', 'space_id', 'occurred_at', 'created_at', 'details'],
    ],
  ],
  [
    'access_codes',
    'sum',
    ['access_code_id', 'device_id', 'name', 'sealed_code', 'status', 'starts_at', 'ends_at', 'created_at', 'details'],
  ],
  ['unmanaged_codes', 'sum', ['access_code_id', 'device_id', 'slot', 'name', 'sealed_code', 'created_at']],
  [
    'noise_thresholds',
    'sum',
    [
      ...['noise_threshold_id', 'device_id', 'name', 'starts_daily_at', 'ends_daily_at', 'time_zone', 'decibels'],
      ...['sustained_ms', 'created_at'],
    ],
  ],
  ['user_identities', 'sum', document],
  ['spaces', 'sum', document],
  ['access_grants', 'sum', document],
  ['access_methods', 'sum', document],
  ['idempotency', 'sum', ['scope', 'fingerprint', 'action_attempt_id', 'created_at']],
  ['webhooks', 'sum', ['webhook_id', 'url', 'event_types', 'sealed_secret', 'key_id', 'created_at']],
  ['webhooks', 'progress_sum', ['after_seq']],
  ['webhook_deliveries', 'sum', ['webhook_id', 'event_seq', 'object_key', 'tries', 'next_at']],
  ['facts', 'sum', ['name', 'value']],
  ['audit', 'sum', ['seq', 'entry', 'hash']],
]);

/** Tables without a rowid, and their keys. */
const keysOf = new Map([
  ['facts', ['name']],
  ['webhook_deliveries', ['webhook_id', 'event_seq']],
]);

/** @param {Database} database within a transaction */
export function fillSums(database) {
  for (const [table, sum, columns] of sums) {
    const keys = keysOf.get(table) ?? ['rowid'];
    const rows = database
      .prepare(`SELECT ${[...keys, ...columns].join(', ')} FROM ${table}`)
      .raw()
      .all([]);
    const put = database.prepare(
      `UPDATE ${table} SET ${sum} = ? WHERE ${keys.map((key) => `${key} = ?`).join(' AND ')}`,
    );
    for (const found of rows) {
      const row = /** @type {unknown[]} */ (found);
      put.run([rowSum(row.slice(keys.length)), ...row.slice(0, keys.length)]);
    }
  }
}
