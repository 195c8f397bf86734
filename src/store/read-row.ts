import type { AuditRecord } from '../model/audit.ts';
import { auditRecordOf, bytesIn } from './audit-columns.ts';
import { idOf } from './columns.ts';
import * as shapes from './record-shapes.ts';
import {
  attemptOf,
  codeOf,
  deliveryOf,
  eventOf,
  grantOf,
  idempotencyOf,
  identityOf,
  methodOf,
  type Row,
  spaceOf,
  thresholdOf,
  unmanagedOf,
  webhookOf,
} from './sqlite-rows.ts';
import { type IsWhole, wholeAttempt, wholeBySum, wholeWebhook } from './whole-rows.ts';

/** Shown to somebody, as against verified: there a damaged entry is told of as what breaks the chain. */
export function auditListedOf(row: Row): AuditRecord {
  return auditRecordOf(row);
}

export const factOf = ([_name, value]: Row): string => String(value);
export const namedFactOf = ([name, value]: Row): readonly [name: string, value: string] => [
  String(name),
  String(value),
];

interface Check {
  /** What such a row is called. */
  readonly what: string;
  /** The column by which it is named. */
  readonly id: number;
  readonly isWhole: IsWhole;
  /** Whether what was read is something that the rest of the gateway can work with. */
  readonly isRecord: shapes.IsRecord;
}

const anything = () => true;
const wholeAudit: IsWhole = ([seq, entry, hash, sum]) =>
  wholeBySum([seq ?? null, bytesIn(entry).toString(), hash ?? null, sum ?? null]);

const check = (what: string, id: number, isWhole: IsWhole, isRecord: shapes.IsRecord): Check => ({
  what,
  id,
  isWhole,
  isRecord,
});

/** By how rows are read. What is read in another way is a number, or is verified elsewhere. */
const checks = new Map<unknown, Check>([
  [attemptOf, check('action attempt', 1, wholeAttempt, shapes.attemptShape)],
  [codeOf, check('access code', 0, wholeBySum, shapes.codeShape)],
  [unmanagedOf, check('unmanaged access code', 0, wholeBySum, shapes.unmanagedShape)],
  [thresholdOf, check('noise threshold', 0, wholeBySum, shapes.thresholdShape)],
  [identityOf, check('user identity', 0, wholeBySum, shapes.identityShape)],
  [spaceOf, check('space', 0, wholeBySum, shapes.spaceShape)],
  [grantOf, check('access grant', 0, wholeBySum, shapes.grantShape)],
  [methodOf, check('access method', 0, wholeBySum, shapes.methodShape)],
  [idempotencyOf, check('idempotency key', 0, wholeBySum, shapes.idempotencyShape)],
  [eventOf, check('event', 1, wholeBySum, shapes.eventShape)],
  [webhookOf, check('webhook', 0, wholeWebhook, shapes.webhookShape)],
  [deliveryOf, check('webhook delivery', 0, wholeBySum, shapes.deliveryShape)],
  [factOf, check('fact', 0, wholeBySum, anything)],
  [namedFactOf, check('fact', 0, wholeBySum, anything)],
  [auditListedOf, check('audit entry', 0, wholeAudit, anything)],
]);

/** `place` says which row it is, when it is not as it was written or is none of ours. */
export type ReadRow<T> =
  | { readonly record: T; readonly place: undefined }
  | { readonly record: undefined; readonly place: string };

/** Never throws, whatever lies in the row. */
export function readRow<T>(read: (row: Row) => T, row: Row): ReadRow<T> {
  const known = checks.get(read);
  if (known === undefined) return { record: read(row), place: undefined };
  if (known.isWhole(row)) {
    try {
      const record = read(row);
      if (known.isRecord(record)) return { record, place: undefined };
    } catch {
      // No JSON, or not of its form: the row says what it should not.
    }
  }
  const named = idOf(row[known.id] ?? null);
  return { record: undefined, place: `${known.what} ${/^[\w.:-]{1,64}$/.test(named) ? named : '(unreadable)'}` };
}
