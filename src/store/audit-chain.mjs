// How entries of the audit log hang together. Plain JavaScript: the writer's thread uses it, and so does who verifies.
import { createHmac } from 'node:crypto';

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
