import { z } from 'zod';
import type { AuditRecord } from '../../model/audit.ts';
import type { AuditHead } from '../../model/store.ts';
import { isoTime } from '../../wire/iso-time.ts';
import { mismatchedCursor, pageOf, pageParameters, paginationSchema } from '../page.ts';
import { type Route, readRoute } from '../route.ts';

/** The audit log, as far as it is read. */
export interface AuditReader {
  /** Newest first: those before `seq`. */
  before(seq: number | undefined, limit: number): readonly AuditRecord[];
  readonly head: AuditHead | undefined;
}

const entrySchema = z
  .looseObject({
    seq: z.number(),
    at: z.string(),
    kind: z.string(),
    by: z.looseObject({ kind: z.string() }),
    name: z.string().optional().describe('Absent where there is none, or where it was forgotten.'),
    hash: z.string().describe('HMAC-SHA256 over the hash before, the number and the entry.'),
  })
  .meta({ id: 'audit_entry' });

function wireEntry({ seq, text, name, hash }: AuditRecord): z.output<typeof entrySchema> {
  const { n: _, at, ...entry } = JSON.parse(text) as { n: number; at: number; kind: string; by: { kind: string } };
  const [, shown] = name === undefined ? [] : (JSON.parse(name) as [string, string]);
  return { seq, ...entry, at: isoTime(at), ...(shown !== undefined && { name: shown }), hash };
}

/** Our own: who asked for what, from where, with which key, and what became of it. */
export function auditRoutes(audit: AuditReader): Route[] {
  return [
    readRoute({
      path: '/strikeplate/audit/list',
      summary: 'List the audit log, newest first',
      scopes: ['admin'],
      whole: true,
      params: z.object({ ...pageParameters }),
      answer: z.object({
        audit_entries: z.array(entrySchema),
        head: z.object({ seq: z.number(), hash: z.string() }).nullable().describe('The newest entry there is.'),
        pagination: paginationSchema,
      }),
      respond: (params, { url }) => {
        const { items, pagination } = pageOf(
          { route: '/strikeplate/audit/list', url, params },
          (after, count) => audit.before(after === undefined ? undefined : seqOf(after), count),
          ({ seq }) => String(seq),
        );
        return { audit_entries: items.map(wireEntry), head: audit.head ?? null, pagination };
      },
    }),
  ];
}

function seqOf(position: string): number {
  if (!/^\d{1,15}$/.test(position)) throw mismatchedCursor();
  return Number(position);
}
