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

export const auditRecordColumns = 'seq, entry, name, hash';

export function auditRecordOf(row: Row): AuditRecord {
  const [seq, text, name, hash] = row as [number, string, string | null, Uint8Array];
  return { seq, text, name: name ?? undefined, hash: Buffer.from(hash).toString('hex') };
}
