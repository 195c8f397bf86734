// How entries of the audit log hang together. Plain JavaScript: the writer's thread uses it, and so does who verifies.
import { createHmac } from 'node:crypto';
import { rowSum } from './row-sum.mjs';
import { shortEntry } from './short-texts.mjs';

/** @import { Database, Statement } from 'libsql' */
/** @import { Unit } from './writer-protocol.ts' */

/** What the first entry follows. */
export const chainBegin = Buffer.alloc(32);

/**
 * HMAC-SHA256 over the hash before, the number and the text: nobody without the key can add an entry, and none can be
 * changed, taken out or moved without breaking what follows.
 *
 * @param {Uint8Array} key @param {Uint8Array} before @param {number} seq @param {string} text
 */
export function chainHash(key, before, seq, text) {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(seq));
  return createHmac('sha256', key).update('entry\0').update(before).update(number).update(text).digest();
}

/**
 * Vouches for where the chain stood, so that its last entries cannot be cut off, nor its first ones.
 * @param {Uint8Array} key @param {'head' | 'anchor'} what @param {number} seq @param {string} hash hexadecimal
 */
export const chainSeal = (key, what, seq, hash) =>
  createHmac('sha256', key).update(`${what}\0${seq}\0${hash}`).digest('hex');

/** The entry's text with its number in it: one that was moved says where it belongs. @param {number} seq @param {string} text */
export const numbered = (seq, text) => `{"n":${seq},${text.slice(1)}`;

/** The end of the chain, where the writer adds to it. */
export class ChainEnd {
  /**
   * What stood between the last row and the end that is vouched for was cut off: it stays missing, since numbers go on
   * behind it.
   *
   * @param {Database} database @param {Uint8Array} key @param {Statement<unknown[]>} insert
   * @param {{ readonly seq: number, readonly hash: string }} [end]
   */
  constructor(database, key, insert, end) {
    this.key = key;
    this.insert = insert;
    const row = /** @type {[number, Uint8Array] | undefined} */ (
      database.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').raw().get([])
    );
    const seq = row?.[0] ?? prunedTo(database);
    const isCut = end !== undefined && end.seq > seq;
    /** The number of the last entry. */
    this.seq = isCut ? end.seq : seq;
    /** @type {Uint8Array} */
    this.hash = isCut ? Buffer.from(end.hash, 'hex') : (row?.[1] ?? chainBegin);
  }

  /** @param {NonNullable<Unit['audit']>} entries @throws what SQLite says: those before it are added */
  add(entries) {
    for (const [bare, name] of entries) {
      const seq = this.seq + 1;
      const text = numbered(seq, bare);
      const hash = chainHash(this.key, this.hash, seq, text);
      const entry = shortEntry(text);
      this.insert.run([seq, entry, name, hash, rowSum([seq, entry, hash])]);
      this.seq = seq;
      this.hash = hash;
    }
  }

  get head() {
    return { seq: this.seq, hash: this.hash };
  }

  /** What was added since is not kept. @param {{ readonly seq: number, readonly hash: Uint8Array }} head */
  backTo({ seq, hash }) {
    this.seq = seq;
    this.hash = hash;
  }
}

/** Numbers go on also where every entry was too old to be kept. @param {Database} database */
function prunedTo(database) {
  const row = /** @type {[string] | undefined} */ (
    database.prepare("SELECT value FROM facts WHERE name = 'audit_anchor'").raw().get([])
  );
  return Number.parseInt(row?.[0] ?? '0', 10);
}
