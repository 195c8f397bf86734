import type { AuditEntry, AuditRecord } from '../model/audit.ts';
import type { AuditHead } from '../model/store.ts';
import { chainBegin, chainHash, numbered } from './audit-chain.mjs';
import { auditColumns } from './audit-columns.ts';

/** The audit log of the in-memory store. */
export class MemoryAudit {
  #records: readonly AuditRecord[] = [];
  #key: Uint8Array | undefined;
  /** Where it is known to have ended before it was kept here. */
  #end: AuditHead | undefined;

  fill(from: MemoryAudit): void {
    this.#records = from.#records;
    this.#key = from.#key;
    this.#end = from.#end;
  }

  keep(key: Uint8Array, end?: AuditHead): void {
    this.#key = key;
    this.#end = end;
  }

  get head(): AuditHead | undefined {
    const last = this.#records.at(-1);
    return last && { seq: last.seq, hash: last.hash };
  }

  add(entry: AuditEntry): () => void {
    if (this.#key === undefined) return () => undefined;
    const [bare, name] = auditColumns(entry);
    const newest = this.#records.at(-1);
    const isCut = this.#end !== undefined && this.#end.seq > (newest?.seq ?? 0);
    const last = isCut ? this.#end : newest;
    const seq = (last?.seq ?? 0) + 1;
    const text = numbered(seq, bare);
    const before = last === undefined ? chainBegin : Buffer.from(last.hash, 'hex');
    const hash = chainHash(this.#key, before, seq, text).toString('hex');
    return this.#replace([...this.#records, { seq, text, name: name ?? undefined, hash }]);
  }

  removeNames(seqs: readonly number[]): () => void {
    return this.#replace(
      this.#records.map((record) => (seqs.includes(record.seq) ? { ...record, name: undefined } : record)),
    );
  }

  prune(seq: number): () => void {
    return this.#replace(this.#records.filter((record) => record.seq > seq));
  }

  after(seq: number, limit: number): AuditRecord[] {
    return this.#records.filter((record) => record.seq > seq).slice(0, limit);
  }

  before(seq: number, limit: number): AuditRecord[] {
    return this.#records
      .filter((record) => record.seq < seq)
      .reverse()
      .slice(0, limit);
  }

  #replace(records: readonly AuditRecord[]): () => void {
    const before = this.#records;
    this.#records = records;
    return () => {
      this.#records = before;
    };
  }
}
