import { createHash, randomBytes } from 'node:crypto';
import type { AuditEntry, AuditRecord } from '../model/audit.ts';
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

export function auditRecordOf(row: Row): AuditRecord {
  const [seq, entry, hash, , kept] = row as [number, Uint8Array, Uint8Array, number | null, Uint8Array | null];
  const text = Buffer.from(entry).toString();
  const name = kept === null ? undefined : Buffer.from(kept).toString();
  return { seq, text, name, hash: Buffer.from(hash).toString('hex') };
}
