import type { AuditRecord } from '../model/audit.ts';
import { chainBegin, chainHash, chainSeal } from '../store/audit-chain.mjs';
import { nameDigest } from '../store/audit-columns.ts';

export interface ChainToVerify {
  readonly key: Uint8Array;
  /** Oldest first; asked for in pieces. */
  readonly after: (seq: number, limit: number) => readonly AuditRecord[];
  /** The facts of the chain's two ends, as they were kept. */
  readonly head: string | undefined;
  readonly anchor: string | undefined;
  /** What somebody else was told of the chain, such as the retained topic: `seq` and hash. */
  readonly told?: { readonly seq: number; readonly hash: string } | undefined;
}

export interface ChainVerdict {
  /** How many entries hang together from the oldest on. */
  readonly good: number;
  /** The newest of them. */
  readonly head: { readonly seq: number; readonly hash: string } | undefined;
  /** How many names were forgotten, as the log itself says. */
  readonly forgotten: number;
  /** The first broken link, in words; undefined when there is none. */
  readonly broken: { readonly seq: number; readonly why: string } | undefined;
}

const batch = 500;

interface Entry {
  readonly n?: unknown;
  readonly name_digest?: unknown;
  readonly kind?: unknown;
  readonly audit_entries?: unknown;
}

/** Goes through the audit log from its oldest entry, and names the first link that is broken. */
export function verifyChain(chain: ChainToVerify): ChainVerdict {
  const walk = new Walk(chain);
  return walk.result();
}

class Walk {
  readonly #chain: ChainToVerify;
  #seq = 0;
  #hash: Buffer = chainBegin;
  #good = 0;
  #broken: ChainVerdict['broken'];
  readonly #toldToForget = new Set<number>();
  readonly #nameless: number[] = [];

  constructor(chain: ChainToVerify) {
    this.#chain = chain;
  }

  result(): ChainVerdict {
    this.#begin();
    let cursor = Number.MIN_SAFE_INTEGER;
    for (let more = this.#broken === undefined; more; ) {
      const records = this.#chain.after(cursor, batch);
      cursor = records.at(-1)?.seq ?? cursor;
      for (const [index, record] of records.entries()) {
        if (!this.#follow(record, records[index + 1])) break;
      }
      more = records.length === batch && this.#broken === undefined;
    }
    this.#end();
    return {
      good: this.#good,
      head: this.#good === 0 ? undefined : { seq: this.#seq, hash: this.#hash.toString('hex') },
      forgotten: this.#nameless.length,
      broken: this.#broken,
    };
  }

  #begin(): void {
    const { anchor, key } = this.#chain;
    if (anchor === undefined) return;
    const place = placeOf(key, 'anchor', anchor);
    if (place === undefined) {
      this.#break(1, 'what vouches for the beginning of the log was changed');
      return;
    }
    this.#seq = place.seq;
    this.#hash = Buffer.from(place.hash, 'hex');
  }

  #follow(record: AuditRecord, next: AuditRecord | undefined): boolean {
    const { key, told } = this.#chain;
    const expected = this.#seq + 1;
    if (record.seq < expected) {
      this.#break(record.seq, `entry ${record.seq} was added by somebody else than the gateway`);
      return false;
    }
    if (record.seq !== expected) {
      const last = record.seq - 1;
      this.#break(
        expected,
        last === expected ? `entry ${expected} is missing` : `entries ${expected} to ${last} are missing`,
      );
      return false;
    }
    const hash = chainHash(key, this.#hash, record.seq, record.text);
    const entry = entryIn(record.text);
    if (hash.toString('hex') !== record.hash) {
      this.#break(record.seq, this.#whyOf(record, entry, next));
      return false;
    }
    const nameFault = this.#nameFault(record, entry);
    if (nameFault !== undefined) {
      this.#break(record.seq, nameFault);
      return false;
    }
    if (entry?.kind === 'audit_end_unknown') {
      const why = `entry ${record.seq} says that nothing vouched for the end of the log any more: what stood before it may have been cut off`;
      this.#break(record.seq, why);
      return false;
    }
    if (entry?.kind === 'personal_data_forgotten' && Array.isArray(entry.audit_entries))
      for (const seq of entry.audit_entries) this.#toldToForget.add(Number(seq));
    if (told?.seq === record.seq && told.hash !== record.hash) {
      this.#break(record.seq, `entry ${record.seq} is not the one that was told elsewhere: the log was written anew`);
      return false;
    }
    this.#seq = record.seq;
    this.#hash = hash;
    this.#good += 1;
    return true;
  }

  #whyOf(record: AuditRecord, entry: Entry | undefined, next: AuditRecord | undefined): string {
    if (typeof entry?.n === 'number' && entry.n !== record.seq)
      return `entry ${record.seq} was written as entry ${entry.n}: entries were put in another order`;
    const { key } = this.#chain;
    // What follows was chained to the hash that stands here: it is the text that is not what it was.
    const follows =
      next !== undefined &&
      chainHash(key, Buffer.from(record.hash, 'hex'), next.seq, next.text).toString('hex') === next.hash;
    return follows
      ? `entry ${record.seq} was changed`
      : `entry ${record.seq} was changed, or added by somebody else than the gateway`;
  }

  #nameFault({ seq, name }: AuditRecord, entry: Entry | undefined): string | undefined {
    if (name === undefined) {
      if (entry?.name_digest !== undefined) this.#nameless.push(seq);
      return undefined;
    }
    const [salt, text] = pairIn(name);
    if (entry?.name_digest === nameDigest(salt, text)) return undefined;
    return `the name that goes with entry ${seq} was changed`;
  }

  #end(): void {
    const { key, head, told } = this.#chain;
    const next = this.#seq + 1;
    const place = head === undefined ? undefined : placeOf(key, 'head', head);
    if (head === undefined) this.#break(next, 'what vouches for the end of the log was taken out');
    else if (place === undefined) this.#break(next, 'what vouches for the end of the log was changed');
    for (const known of [place, told])
      if (known !== undefined && known.seq > this.#seq)
        this.#break(next, `entries ${next} to ${known.seq} are missing: the end was cut off`);
    const untold = this.#nameless.find((seq) => !this.#toldToForget.has(seq));
    if (untold !== undefined)
      this.#break(untold, `the name that goes with entry ${untold} was taken away, and no entry tells of it`);
  }

  #break(seq: number, why: string): void {
    this.#broken ??= { seq, why };
  }
}

/** A place in the chain, if what stands there vouches for it. */
export function placeOf(
  key: Uint8Array,
  what: 'head' | 'anchor',
  fact: string,
): { seq: number; hash: string } | undefined {
  const [, seq = '', hash = '', seal] = /^(\d{1,15}):([0-9a-f]{64}):([0-9a-f]{64})$/.exec(fact) ?? [];
  return seal !== undefined && chainSeal(key, what, Number(seq), hash) === seal
    ? { seq: Number(seq), hash }
    : undefined;
}

function entryIn(text: string): Entry | undefined {
  try {
    return JSON.parse(text) as Entry;
  } catch {
    return undefined;
  }
}

function pairIn(name: string): [string, string] {
  try {
    const [salt, text] = JSON.parse(name) as [unknown, unknown];
    return [String(salt), String(text)];
  } catch {
    return ['', ''];
  }
}
