import { createHash, randomBytes } from 'node:crypto';
import type { AuditEntry, AuditRecord } from '../model/audit.ts';
import type { Column } from './columns.ts';
import { inFull } from './short-texts.mjs';
import type { Row } from './sqlite-rows.ts';

/** The text without its number, and the column of the name. */
export function auditColumns({ at, kind, by, details, name }: AuditEntry): [text: string, name: string | null] {
  if (name === undefined) return [JSON.stringify({ at, kind, by, ...details }), null];
  const salt = randomBytes(16).toString('hex');
  const text = JSON.stringify({ at, kind, by, ...details, name_digest: nameDigest(salt, name) });
  return [text, JSON.stringify([salt, name])];
}

/** With a salt that is forgotten together with the name, nobody can find the name by trying. */
export const nameDigest = (salt: string, name: string): string =>
  createHash('sha256').update(`${salt}\0${name}`).digest('hex');

/** As bytes: what the disk damaged may be no text any more. */
export const auditRecordColumns = 'seq, CAST(entry AS BLOB), hash, sum, CAST(name AS BLOB)';

/** The bytes of a column, none where it holds something else. */
export const bytesIn = (column: Column | undefined): Buffer =>
  column instanceof Uint8Array ? Buffer.from(column) : Buffer.alloc(0);

/** Whatever lies there, so that whoever verifies the chain can say which entry breaks it. */
export function auditRecordOf([seq, entry, hash, , kept]: Row): AuditRecord {
  const name = kept instanceof Uint8Array ? bytesIn(kept).toString() : undefined;
  return { seq: Number(seq), text: inFull(bytesIn(entry).toString()), name, hash: bytesIn(hash).toString('hex') };
}
